//! The built `duyetbot`, run as a person runs it: a process with a home of its own.
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{Result, cost::Cost, cost::Stopwatch, model};

/// The program, and the model that it asks.
pub(crate) struct Program {
    path: PathBuf,
    model: SocketAddr,
}

impl Program {
    /// The one that was built into the same folder as this program.
    pub(crate) fn find(model: SocketAddr) -> Result<Self> {
        let path = std::env::current_exe()?.with_file_name("duyetbot");
        if !path.exists() {
            let build = "build it with: cargo build --release -p duyetbot-cli";
            return Err(format!("there is no {}; {build}", path.display()).into());
        }
        Ok(Program { path, model })
    }

    /// The same program, which asks another model.
    pub(crate) fn beside(&self, model: SocketAddr) -> Self {
        Program { path: self.path.clone(), model }
    }

    /// The model's address.
    pub(crate) fn model(&self) -> SocketAddr {
        self.model
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The program in this home, with nothing of the caller's environment.
    pub(crate) fn command(&self, home: &Path) -> Command {
        let mut command = Command::new(&self.path);
        command
            .env_clear()
            .env("DUYETBOT_HOME", home)
            .env("ANTHROPIC_API_KEY", "bench")
            .env("ANTHROPIC_BASE_URL", format!("http://{}", self.model))
            .env("DUYETBOT_MODEL", model::NAME)
            .current_dir(home);
        command
    }

    /// `duyetbot ask` in this home.
    pub(crate) fn ask(&self, home: &Path) -> Command {
        let mut command = self.command(home);
        command.args(["ask", QUESTION]);
        command
    }

    /// `curl` that asks the model itself for the same answer.
    pub(crate) fn curl(&self) -> Command {
        let message = serde_json::json!({ "role": "user", "content": QUESTION });
        let body = serde_json::json!({ "model": "bench", "max_tokens": 1024, "stream": true, "messages": [message] });
        let mut command = Command::new("curl");
        command
            .env_clear()
            .args(["--no-buffer", "--silent", "--show-error", "--fail"])
            .args(["--header", "content-type: application/json", "--header", "x-api-key: bench"])
            .args(["--header", "anthropic-version: 2023-06-01", "--data", &body.to_string()])
            .arg(format!("http://{}/v1/messages", self.model));
        command
    }
}

const QUESTION: &str = "What did we decide about the garden shed, and who has its key?";

/// Runs a command to its end and answers what it cost on the wall and what it wrote.
pub(crate) fn run(mut command: Command) -> Result<(Cost, String)> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let watch = Stopwatch::start();
    let output = command.output();
    let cost = watch.stop();
    let output = output.map_err(|e| format!("{}: {e}", command.get_program().display()))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("{} failed: {words}", command.get_program().display()).into());
    }
    Ok((cost, String::from_utf8_lossy(&output.stdout).into_owned()))
}
