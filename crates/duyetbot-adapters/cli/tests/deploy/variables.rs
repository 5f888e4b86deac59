//! Variables that a file of `deploy/` names: the program knows them, and takes their values.
use crate::{common::Place, file};

/// Logins are signed with it.
pub(crate) const SECRET: &str = "q83vEjRWeJq83vEjRWeJq83vEjRWeJq83vEjRWeJq83vEjRWeJq83vEjRWeJ";

/// Holds these against the program, in the place of all others.
#[track_caller]
pub(crate) fn are_known(variables: &[(String, String)]) {
    let place = Place::new();
    let home = place.home.path().join("home");
    let mut command = place.command(&["serve", "--check", "--listen", "127.0.0.1:0"]);
    command.env("JWT_SECRET", SECRET).env("DUYETBOT_MODEL", "recall");
    for (name, value) in variables.iter().filter(|(name, _)| name != "DUYETBOT_HOME") {
        command.env(name, value);
    }
    let output = command.env("DUYETBOT_HOME", home).output().unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    assert!(output.status.success() && !text.contains("is no setting"), "{variables:?}: {text}");
}

/// The variables of a file as systemd and compose read it.
pub(crate) fn of_file(text: &str) -> Vec<(String, String)> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let pair = |line: &str| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    lines.map(|line| pair(line).unwrap_or_else(|| panic!("{line:?}"))).collect()
}

#[test]
fn a_variable_that_the_program_does_not_know_is_seen() {
    let wrong = ("DUYETBOT_COLOUR".to_owned(), "blue".to_owned());
    assert!(std::panic::catch_unwind(|| are_known(&[wrong])).is_err());
}

/// Case: known-default-signing-key
#[test]
fn the_example_file_starts_nothing_until_it_has_a_secret_of_its_own() {
    let place = Place::new();
    let mut command = place.command(&["serve", "--listen", "127.0.0.1:0"]);
    let output = command.envs(of_file(&file("duyetbot.env.example"))).output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout), (Some(2), Vec::new()), "{err}");
    assert!(err.contains("JWT_SECRET is set to nothing; give it 32 bytes or more"), "{err}");
}

#[test]
fn every_line_of_the_example_file_is_a_setting_with_a_value_that_it_can_have() {
    let text = file("duyetbot.env.example");
    let uncommented: String = text
        .lines()
        .map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line))
        .map(|line| format!("{line}\n"))
        .collect();
    let mut variables = of_file(&uncommented);
    assert!(variables.len() > of_file(&text).len() + 5, "{variables:?}");
    // What it asks for takes a value of one's own.
    variables
        .iter_mut()
        .filter(|(_, value)| value.is_empty())
        .for_each(|(_, value)| SECRET.clone_into(value));
    variables.retain(|(name, _)| name != "DUYETBOT_MODEL");
    are_known(&variables);
}
