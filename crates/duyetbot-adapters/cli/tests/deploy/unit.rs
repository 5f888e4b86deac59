//! `duyetbot.service`: what it starts, what it grants, and that systemd understands it.
use std::{
    io::Write,
    process::{Command, Output},
    time::Duration,
};

use crate::{drain, file, time, variables::are_known};

/// Where the guide puts the program.
pub(crate) const PROGRAM: &str = "/usr/local/bin/duyetbot";

/// The values of a directive, in their order.
pub(crate) fn of<'a>(unit: &'a str, directive: &str) -> Vec<&'a str> {
    let value =
        |line: &'a str| line.split_once('=').filter(|(name, _)| *name == directive).map(|(_, value)| value);
    unit.lines().filter_map(value).collect()
}

#[track_caller]
fn one<'a>(unit: &'a str, directive: &str) -> &'a str {
    let found = of(unit, directive);
    assert_eq!(found.len(), 1, "{directive}: {found:?}");
    found[0]
}

#[test]
fn the_unit_starts_the_server_with_settings_that_there_are() {
    let unit = file("duyetbot.service");
    assert_eq!(one(&unit, "ExecStart"), format!("{PROGRAM} serve"));
    let pair =
        |pair: &str| pair.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())).unwrap();
    are_known(&of(&unit, "Environment").into_iter().map(pair).collect::<Vec<_>>());
    let home = format!("/var/lib/{}", one(&unit, "StateDirectory"));
    assert_eq!(one(&unit, "Environment"), format!("DUYETBOT_HOME={home}"));
    assert_eq!(one(&unit, "WorkingDirectory"), home);
    assert_ne!(one(&unit, "User"), "root");
}

#[test]
fn the_unit_gives_a_stop_its_time_and_starts_again_what_failed_but_not_what_is_set_wrongly() {
    let unit = file("duyetbot.service");
    let stop = time(one(&unit, "TimeoutStopSec"));
    assert!(stop >= drain() + Duration::from_secs(10), "{stop:?} for a drain of {:?}", drain());
    assert_eq!((one(&unit, "Restart"), one(&unit, "KillMode")), ("on-failure", "mixed"));
    let place = crate::common::Place::new();
    let wrong = place.command(&["serve"]).env("JWT_SECRET", "changeme").output().unwrap();
    assert_eq!(one(&unit, "RestartPreventExitStatus"), wrong.status.code().unwrap().to_string());
    let files: usize = one(&unit, "LimitNOFILE").parse().unwrap();
    assert!(files > duyetbot_server::ServerSettings::default().connections + 1000);
}

#[test]
fn the_unit_gives_the_server_its_own_folder_and_nothing_else() {
    let unit = file("duyetbot.service");
    for (directive, value) in [
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("PrivateTmp", "yes"),
        ("PrivateDevices", "yes"),
        ("NoNewPrivileges", "yes"),
        ("CapabilityBoundingSet", ""),
        ("AmbientCapabilities", ""),
        ("StateDirectoryMode", "0700"),
        ("UMask", "0077"),
        ("RestrictNamespaces", "yes"),
        ("MemoryDenyWriteExecute", "yes"),
    ] {
        assert_eq!(one(&unit, directive), value, "{directive}");
    }
    assert!(of(&unit, "ReadWritePaths").is_empty());
}

/// Runs systemd's own judge on the unit as it would be for the built program; none where it is not on this machine.
fn judged(args: &[&str]) -> Option<Output> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("duyetbot.service");
    std::fs::write(&path, file("duyetbot.service").replace(PROGRAM, env!("CARGO_BIN_EXE_duyetbot"))).unwrap();
    let output = Command::new("systemd-analyze").args(args).arg(&path).output();
    if output.is_err() {
        // Past what keeps the output of a test that passes.
        std::io::stderr().write_all(b"skipped: there is no systemd-analyze\n").unwrap();
    }
    output.ok()
}

#[test]
fn systemd_understands_every_line_of_the_unit() {
    let Some(output) = judged(&["verify", "--man=no"]) else { return };
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && !err.contains("duyetbot.service"), "{err}");
}

#[test]
fn systemd_finds_little_in_the_unit_that_an_intruder_could_use() {
    let Some(output) = judged(&["security", "--offline=true", "--no-pager", "--threshold=20"]) else {
        return;
    };
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{out}{}", String::from_utf8_lossy(&output.stderr));
}
