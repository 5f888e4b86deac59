//! What a line does beside its words: variables that it sets, files that it reaches by a glued option, commands in a string.
#![allow(clippy::unwrap_used, clippy::expect_used, unreachable_pub)]
mod common;

use common::{Decided, line, policy};
use duyetbot_core::run::Policy;
use duyetbot_tools::rules::GitConfig;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

#[test]
fn a_variable_that_a_redirection_or_printf_sets_asks() {
    let policy = policy(&["bash(echo:*)", "bash(ls:*)", "bash(printf:*)", "bash(grep:*)"], &[], &[]);
    for (text, expected) in [
        ("echo {PATH}>/dev/null; ls", Decided::Asks),
        ("echo a {HOME}</dev/null; ls", Decided::Asks),
        ("echo {_x1}>>/dev/null", Decided::Asks),
        ("echo {PATH}>&1; ls", Decided::Asks),
        ("echo {PATH}<<< a; ls", Decided::Asks),
        ("echo {PATH}>/dev/null {x}; ls", Decided::Asks),
        ("{PATH}>/dev/null ls", Decided::Asks),
        ("if ls; then ls; fi {PATH}>/dev/null; ls", Decided::Asks),
        ("{ ls; } {PATH}>/dev/null; ls", Decided::Asks),
        ("printf '0123456789%n' PATH; ls", Decided::Asks),
        ("printf '%10s%n' '' HOME", Decided::Asks),
        ("printf -- '%-5.3ln' HOME", Decided::Asks),
        ("echo {} {a} >/dev/null b", Decided::Asks),
        ("echo {a} b >/dev/null", Decided::Runs),
        ("echo {} >/dev/null", Decided::Runs),
        ("printf '%s\\n' a; ls", Decided::Runs),
        ("printf '%d%%\\n' 3", Decided::Runs),
        ("printf '%% n'", Decided::Runs),
    ] {
        assert_eq!(line(&policy, text), expected, "{text}");
    }
}

#[test]
fn what_git_is_configured_to_run_is_read_at_each_judgement_of_a_git_command() {
    let reads = Arc::new(AtomicUsize::new(0));
    let counted = reads.clone();
    let policy = policy(&["bash(git status:*)", "bash(ls:*)"], &[], &[]).reading_git(move || {
        match counted.fetch_add(1, Ordering::Relaxed) {
            0 => GitConfig::Plain,
            _ => GitConfig::Names(vec!["core.pager".to_owned()]),
        }
    });
    assert_eq!(line(&policy, "ls"), Decided::Runs);
    assert_eq!(line(&policy, "git status; git status -s"), Decided::Runs);
    assert_eq!(line(&policy, "git status"), Decided::Asks);
    assert_eq!(reads.load(Ordering::Relaxed), 2);
    let depends = |line: &str| policy.depends("bash", &serde_json::json!({"command": line}).to_string());
    let lines = [
        "ls",
        "git status",
        "ls; /usr/bin/git status",
        "sh -c 'git status'",
        "env git status",
        "echo $(git status)",
    ];
    assert_eq!(lines.map(depends), [false, true, true, true, true, true]);
    assert!(!policy.depends("read", r#"{"path":"git"}"#));
}
