//! `config rules explain`, and the places where rules are written.
use serde_json::json;
use std::{fs, process::Command};

use crate::{common::Place, world::Ended};

fn explain(place: &Place, args: &[&str]) -> Ended {
    ended(&mut place.command(&[&["config", "rules", "explain"], args].concat()))
}

fn ended(command: &mut Command) -> Ended {
    Ended::of(command.output().unwrap())
}

#[test]
fn each_command_of_a_line_is_told_with_its_rule_and_the_source_of_that() {
    let place = Place::new();
    let home = place.config();
    fs::create_dir_all(home.parent().unwrap()).unwrap();
    fs::write(&home, "[rules]\nallow = [\"bash(git status:*)\"]\nask = [\"bash(make:*)\"]\n").unwrap();
    place.file(".duyetbot/config.toml", "[rules]\ndeny = [\"bash(rm:*)\"]\n");
    let told =
        explain(&place, &["bash(git status -s && make && rm x; ls)", "--output-format", "json"]).json();
    let project = place.folder.path().canonicalize().unwrap().join(".duyetbot/config.toml");
    let of = |list: &str, rule: &str, source: &std::path::Path| json!({ "list": list, "rule": rule, "source": source.to_str().unwrap() });
    let steps: Vec<_> = told["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| (&s["subject"], &s["outcome"], &s["rule"]))
        .collect();
    let expected = [
        (json!("git status -s"), json!("allow"), of("allow", "bash(git status:*)", &home)),
        (json!("make"), json!("ask"), of("ask", "bash(make:*)", &home)),
        (json!("rm x"), json!("deny"), of("deny", "bash(rm:*)", &project)),
        (json!("ls"), json!("ask"), json!(null)),
    ];
    assert_eq!(steps, expected.iter().map(|(a, b, c)| (a, b, c)).collect::<Vec<_>>());
    assert_eq!(told["verdict"], "deny");
}

#[test]
fn a_call_is_written_in_two_ways_and_rules_come_from_flags_and_variables_too() {
    let place = Place::new();
    let text = |args: &[&str]| explain(&place, args).out;
    let same = "allowed\n  allow  git push: by allow `bash(git push)` of a flag\n";
    assert_eq!(text(&["bash(git push)", "--allow", "bash(git push)"]), same);
    assert_eq!(text(&["bash", "git push", "--allow", "bash(git push)"]), same);
    assert_eq!(text(&["bash", r#"{"command":"git push"}"#, "--allow", "bash(git push)"]), same);
    assert!(text(&["web_fetch(example.org)"]).starts_with("asks: example.org"));
    assert_eq!(text(&["read(a.txt)"]), "allowed\n  allow  a.txt: read is free in the workspace\n");
    assert!(text(&["edit", "a.txt"]).ends_with("the narrowest rules that would allow it: edit(a.txt)\n"));
    let mut command = place.command(&["config", "rules", "explain", "bash(echo a,b)"]);
    let told = ended(command.env("DUYETBOT_RULES__ALLOW", "bash(ls), bash(echo a,b)"));
    assert_eq!(told.out, "allowed\n  allow  echo a,b: by allow `bash(echo a,b)` of the environment\n");
    let wrong = explain(&place, &["read", "--deny", "bash(x"]);
    assert!(wrong.code == Some(2) && wrong.err.contains("`bash(x` is no rule"), "{wrong:?}");
}

#[test]
fn a_projects_settings_are_read_of_a_regular_file_of_bounded_size_only() {
    let place = Place::new();
    let config = place.file(".duyetbot/config.toml", format!("# {}", "x".repeat(2 * 1024 * 1024)));
    let within = |what: &str| {
        let binary = place.command(&["config", "rules", "explain", "read"]);
        let mut command = Command::new("timeout");
        command.args(["-s", "KILL", "20"]).arg(binary.get_program()).args(binary.get_args());
        command.env_clear().env("PATH", "/usr/bin:/bin").current_dir(place.folder.path());
        command.envs(binary.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let told = ended(&mut command);
        assert!(!matches!(told.code, None | Some(0 | 137)), "{told:?}");
        assert!(told.err.contains(".duyetbot/config.toml") && told.err.contains(what), "{told:?}");
    };
    within("it is larger than 1024 KiB, as settings never are");
    for line in ["mkfifo", "ln -s /dev/zero", "mkdir"] {
        fs::remove_file(&config).unwrap();
        place.prepare(&format!("{line} .duyetbot/config.toml"));
        within("it is not a regular file; settings are read from one only");
    }
}
