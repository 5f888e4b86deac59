//! The files of `deploy/` say what the program does, and its guide works as it stands there.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod blocks;
#[path = "../common/mod.rs"]
mod common;
mod container;
mod guide;
mod proxies;
#[path = "../common/served.rs"]
mod served;
mod unit;
mod variables;

use std::{path::PathBuf, time::Duration};

/// A file of `deploy/`.
fn file(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).unwrap()
}

fn folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "../../../deploy"].iter().collect()
}

/// A length of time as nginx, Caddy, compose and systemd write it.
fn time(text: &str) -> Duration {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let number: u64 = text[..text.len() - unit.len()].parse().unwrap_or_else(|_| panic!("{text:?}"));
    match unit {
        "" | "s" => Duration::from_secs(number),
        "m" => Duration::from_secs(60 * number),
        _ => panic!("{text:?}"),
    }
}

/// How long streams have to end, where nothing is set.
fn drain() -> Duration {
    duyetbot_server::ServerSettings::default().drain
}
