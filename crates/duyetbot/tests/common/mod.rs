//! A test that runs itself again as another process, and the model of such a test.
use duyetbot::core::ModelInfo;
use std::{env, process::Command};

/// This test program once more, to run only the test of this name.
pub fn itself(test: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture"]);
    command
}

/// What the test that started this process wants of it.
#[expect(clippy::disallowed_methods, reason = "how the test tells its own child what to do")]
pub fn option(name: &str) -> Option<String> {
    env::var(name).ok()
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

#[allow(dead_code, reason = "one of the tests brings a scripted model")]
pub fn model(id: &str) -> ModelInfo {
    ModelInfo { id: id.to_owned(), window: 100_000, max_output: 4_000, images: false, memory_only: false }
}
