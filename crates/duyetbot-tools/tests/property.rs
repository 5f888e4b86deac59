//! Generated shell lines in a real bash: what the engine allows makes no file, for the granted commands make none.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Decided::Runs, line, policy, workshop::Workshop};
use proptest::{
    prelude::*,
    sample::select,
    test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner},
};
use std::cell::Cell;

/// What makes a file, in several spellings of the same command.
const PLANTED: [&str; 6] =
    ["touch MARK", "'touch' MARK", "tou\"\"ch MARK", "\\touch MARK", ": > MARK", "echo >MARK"];
const HARMLESS: [&str; 10] = [
    "echo a",
    "true",
    "false",
    "git status",
    "git status -s",
    "echo 'a b'",
    "echo \"a b\"",
    "cat",
    "echo a >/dev/null 2>&1",
    "printf %s a",
];
const GRANTED: [&str; 7] = [
    "bash(echo:*)",
    "bash(true:*)",
    "bash(false:*)",
    "bash(git status:*)",
    "bash(cat:*)",
    "bash(printf:*)",
    "bash(git log:*)",
];
/// `@A` and `@B` stand for lines.
const SHAPES: [&str; 66] = [
    "@A; @B",
    "@A && @B",
    "@A || @B",
    "@A | @B",
    "@A |& @B",
    "@A & @B",
    "@A&@B",
    "@A\n@B",
    "@A # c\n@B",
    "@A \\\n; @B",
    "@A\r\n@B",
    "@A;\\\n@B",
    "(@A); @B",
    "{ @A; }\n@B",
    "! @A",
    "if @A; then @B; fi",
    "if @A; then true; else @B; fi",
    "while ! @A; do @B; break; done",
    "until @A; do @B; break; done",
    "for i in 1; do @A; done",
    "case x in x) @A;; esac",
    "f() { @A; }; @B; f",
    "function f { @A; }; f",
    "echo() { @A; }; @B",
    "coproc @A",
    "time @A",
    "[[ -n $(@A) ]]; @B",
    "echo $(@A)",
    "echo `@A`",
    "echo \"$(@A)\"",
    "echo \"`@A`\"",
    "echo \"${x:-$(@A)}\"",
    "echo ${x:=$(@A)}",
    "echo <(@A)",
    "echo $((z[$(@A)]))",
    "cat <<E\n$(@A)\nE\n@B",
    "cat <<'E'\n@A\nE\n@B",
    "cat <<E\n@A\nE\n@B",
    "cat <<-E\n@A\n\tE\n@B",
    "cat <<\"E\"\nE\n@A\nE",
    "cat <<E; @A\n@B\nE",
    "cat <<\\E\nE\n@A\nE",
    "cat <<E\n\\\nE\n@A\nE",
    "cat <<< \"$(@A)\"",
    "cat < <(@A)",
    "eval '@A'",
    "eval \"@A\"",
    "sh -c '@A'",
    "env @A",
    "command @A",
    "exec @A",
    "nohup @A",
    "xargs @A </dev/null",
    "trap '@A' EXIT; @B",
    "X=1 @A",
    "x=$(@A); @B",
    "@A > MARK",
    "@A >> MARK",
    "@A &> MARK",
    "@A 2> MARK",
    "@A >| MARK",
    "@A 1<> MARK",
    "@A >& MARK",
    "printf -v 'a[$(@A)]' x",
    "alias echo='@A'\n@B",
    "timeout 5 @A",
];
/// Pieces that shells and their checkers read differently.
const NOISE: [&str; 46] = [
    "echo",
    " echo ",
    "a",
    " ",
    " ",
    "'",
    "'",
    "\"",
    "\"",
    "\\",
    "\\'",
    "\\\"",
    "$",
    "$'",
    "$\"",
    "`",
    "$(",
    "${x:-",
    "((",
    "(",
    ")",
    "}",
    "{",
    ";",
    ";",
    "&",
    "|",
    "<",
    ">",
    "<<",
    "<<E",
    "\nE\n",
    "\n",
    "\n",
    "\\\n",
    "#",
    " #",
    "~",
    "!",
    "=",
    "[",
    "]",
    "/dev/null",
    "touch MARK",
    ";touch MARK;",
    "touch MARK\n",
];

fn command() -> impl Strategy<Value = String> {
    prop_oneof![3 => select(&HARMLESS[..]), 2 => select(&PLANTED[..])].prop_map(str::to_owned)
}

fn shaped() -> impl Strategy<Value = String> {
    command().prop_recursive(3, 12, 2, |inner| {
        (select(&SHAPES[..]), inner.clone(), inner)
            .prop_map(|(shape, a, b)| shape.replace("@A", &a).replace("@B", &b))
    })
}

fn noisy() -> impl Strategy<Value = String> {
    let start = select(&["echo ", "echo a", "git status ", "cat ", ""][..]);
    (start, prop::collection::vec(select(&NOISE[..]), 1..14))
        .prop_map(|(start, pieces)| start.to_owned() + &pieces.concat())
}

fn lines() -> impl Strategy<Value = String> {
    prop_oneof![
        shaped(),
        noisy(),
        (shaped(), noisy()).prop_map(|(a, b)| format!("{b}\n{a}")),
        (noisy(), shaped()).prop_map(|(a, b)| format!("{a}{b}"))
    ]
}

fn config(cases: u32) -> Config {
    Config { cases, failure_persistence: None, ..Config::default() }
}

/// Runs in bash what an engine allows, and answers the shortest line that made a file, if any did.
fn fault(mut runner: TestRunner, allows: impl Fn(&str) -> bool) -> Option<String> {
    let workshop = Workshop::new();
    let ran = Cell::new(0);
    let result = runner.run(&lines(), |line| {
        if allows(&line) {
            ran.set(ran.get() + 1);
            prop_assert_eq!(workshop.made_by(&line), Vec::<String>::new());
        }
        Ok(())
    });
    match result {
        Ok(()) => {
            assert!(ran.get() > 100, "only {} lines were allowed: the property says little", ran.get());
            None
        }
        Err(TestError::Fail(_, line)) => Some(line),
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
}

#[test]
fn nothing_that_the_engine_allows_makes_a_file_that_the_granted_commands_could_not() {
    let engine = policy(&GRANTED, &[], &[]);
    assert_eq!(fault(TestRunner::new(config(3_000)), |text| line(&engine, text) == Runs), None);
}

#[test]
fn what_a_deny_rule_forbids_does_not_run_under_a_rule_for_every_line() {
    let engine = policy(&["bash"], &[], &["bash(touch:*)"]);
    let without_redirection = |text: &str| !text.contains('>') && line(&engine, text) == Runs;
    assert_eq!(fault(TestRunner::new(config(3_000)), without_redirection), None);
}

#[test]
fn the_property_finds_an_engine_that_cuts_lines_as_text() {
    let by_text = |line: &str| {
        let granted = ["echo", "true", "false", "git status", "cat", "printf"];
        let parts = line.split([';', '&', '|', '\n']).map(str::trim);
        parts
            .filter(|part| !part.is_empty())
            .all(|part| granted.iter().any(|words| part.starts_with(words)) && !part.contains('>'))
    };
    let runner = TestRunner::new_with_rng(config(3_000), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let found = fault(runner, by_text).expect("an engine that cuts lines as text is found out");
    assert!(found.contains("MARK"), "{found}");
}
