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

#[test]
fn a_protected_file_asks_wherever_in_a_word_it_is_named() {
    let policy = policy(
        &[
            "bash(sort:*)",
            "bash(cp:*)",
            "bash(tar:*)",
            "bash(sed:*)",
            "bash(git clone:*)",
            "bash(cc:*)",
            "bash(dd:*)",
        ],
        &[],
        &[],
    );
    for (text, expected) in [
        ("sort -o.git/config f", Decided::Asks),
        ("sort -uo.git/config f", Decided::Asks),
        ("cp f -t.git/hooks", Decided::Asks),
        ("cp f --target-directory=.git/hooks", Decided::Asks),
        ("tar -C.git -xf a.tar", Decided::Asks),
        ("tar -xC.git", Decided::Asks),
        ("cp f -t.bashrc", Decided::Asks),
        ("sed -n 'w.git/config' f", Decided::Asks),
        ("sed -n 'w .bashrc' f", Decided::Asks),
        ("dd if=a of=.envrc", Decided::Asks),
        ("git clone https://example.org/a/b.git", Decided::Runs),
        ("git clone git@example.org:a/b.git -c x", Decided::Runs),
        ("cc -Iinc -omain.o a.c", Decided::Runs),
        ("sort -o out f", Decided::Runs),
        ("sed -n 's/x/y/p' .gitignore", Decided::Runs),
    ] {
        assert_eq!(line(&policy, text), expected, "{text}");
    }
    let wide = common::policy(&["bash"], &[], &[]);
    for text in ["cp f -t.git/hooks", "cp $f -t.git/hooks", "echo a >.git/$x", "cp $f .git/$x"] {
        assert_eq!(line(&wide, text), Decided::Asks, "{text}");
    }
}

#[test]
fn a_deny_rule_meets_what_any_runner_runs() {
    let policy = policy(&["bash"], &[], &["bash(rm:*)", "bash(git push:*)"]);
    for text in [
        "env -S'rm x'",
        "env -vS'rm x'",
        "env --split-string='rm x'",
        "linux64 rm x",
        "linux32 rm x",
        "setarch -R rm x",
        "ssh-agent rm x",
        "/lib64/ld-linux-x86-64.so.2 /bin/rm x",
        "choom -n 1 -- rm x",
        "valgrind rm x",
        "npx rm x",
        "docker run i rm x",
        "podman exec c rm x",
        "uv run rm x",
        "perf stat rm x",
        "xvfb-run rm x",
        "chronic rm x",
        "hyperfine 'rm x'",
        "ip netns exec n rm x",
        "tar --use-compress-program='rm x' -cf a b",
        "tar --use-compress-program=rm -cf a b",
        "tar -I'rm x' -cf a b",
        "find . -execdir rm x ';'",
        "/usr/lib/git-core/git-push",
        "git-push origin",
        "env git-push",
    ] {
        assert_eq!(line(&policy, text), Decided::Refused, "{text}");
    }
}

#[test]
fn a_program_in_a_string_or_on_the_input_asks_beside_a_narrower_rule() {
    for text in [
        "bash <<< 'rm x'",
        "bash <<'E'\nrm x\nE",
        "echo 'rm x' | sh",
        "echo 'rm x' | bash -s a",
        "echo 'rm x' | bash -o posix",
        "echo 'rm x' | env sh -",
        "echo 'rm x' | sh /dev/stdin",
        "echo 'rm x' | busybox sh",
        "echo 'rm x' | docker exec -i c sh",
        "echo 'rm x' | at now",
        "echo 'rm x' | parallel",
        "vim -c '!rm x'",
        "less '+!rm x' f",
        "man -P 'sh -c x' ls",
        "man -Px ls",
        "make -f-",
        "make -f - all",
        "make --eval='x:;rm y' x",
        "python3 -c 'import os'",
        "python3.12 -Ic 'import os'",
        "echo 'import os' | python3",
        "perl -ne 'unlink'",
        "node --eval='x'",
        "awk 'BEGIN { system(\"rm x\") }'",
        "awk '{ print | \"sh\" }' f",
        "sed 's/a/rm x/e' f",
        "sed '1e rm x' f",
        "sqlite3 a.db '.shell rm x'",
    ] {
        for (deny, ask) in [(&["bash(rm:*)"][..], &[][..]), (&[], &["bash(rm:*)"])] {
            assert_eq!(line(&policy(&["bash"], ask, deny), text), Decided::Asks, "{text}");
        }
        assert_eq!(line(&policy(&["bash"], &[], &[]), text), Decided::Runs, "{text}");
    }
    for text in [
        "bash run.sh",
        "sh -e ./run.sh",
        "bash -c 'echo a'",
        "bash --version",
        "python3 run.py -c x",
        "python3 -m pytest -c x",
        "perl run.pl",
        "awk '{ print $1 }' f",
        "sed -e 's/see/tree/g' -n f",
        "less f",
        "man ls",
        "make -f Makefile all",
        "docker ps",
        "ip addr",
    ] {
        assert_eq!(line(&policy(&["bash"], &[], &["bash(rm:*)"]), text), Decided::Runs, "{text}");
    }
}
