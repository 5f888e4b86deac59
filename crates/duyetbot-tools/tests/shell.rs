//! Kinds of shell lines: what asks whatever rules grant its words, what a deny rule meets, and what is known and runs.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{
    Decided::{self, Asks, Refused, Runs},
    line, policy,
    workshop::Workshop,
};

/// Words that say nothing of what else a line does.
const GRANTED: [&str; 14] = [
    "bash(echo:*)",
    "bash(true:*)",
    "bash(false:*)",
    "bash(cat:*)",
    "bash(printf:*)",
    "bash(test:*)",
    "bash([:*)",
    "bash(cd:*)",
    "bash(git:*)",
    "bash(find:*)",
    "bash(make:*)",
    "bash(./run.sh:*)",
    "bash(env:*)",
    "bash(sort:*)",
];

#[test]
fn what_is_not_fully_known_asks() {
    let policy = policy(&GRANTED, &[], &[]);
    for command in [
        "echo $HOME",
        "echo \"$HOME\"",
        "echo ${x}",
        "echo $?",
        "echo *",
        "echo a?",
        "echo [ab]",
        "echo {a,b}",
        "echo {1..3}",
        "echo ~",
        "echo a=~",
        "echo $'a'",
        "echo $\"a\"",
        "echo !!",
        "echo \"!x\"",
        "~/echo a",
        "$x a",
        "e*o a",
        "echo < file",
        "echo << \"$E\"\n$E\n",
        "cat <<$'E'\nE\ntouch P\n$E",
        "cat <<E\n`touch P`\nE",
        "cat <<E\n\\\nE\ntouch P\nE",
        "cat <<-E\n\tE\ntouch P\n\tE",
        "cat <<E\n E\ntouch P\nE",
        "cat <<A <<B\nA\nB\nB\ntouch P",
        "X=1 echo a",
        "X=1",
        "PATH=. echo a",
        "echo a; PATH=.",
        "a[$(touch P)]=1",
        "a=(1 2)",
        "f() { echo a; }",
        "echo() { touch P; }; echo a",
        "function echo { touch P; }",
        "case a in a) echo b;; esac",
        "[[ a = b ]]",
        "[[ -v 'a[$(touch P)]' ]]",
        "((a=1))",
        "for ((;;)); do echo a; done",
        "for PATH in .; do echo a; done",
        "for i; do echo a; done",
        "for i in $(touch P); do echo a; done",
        "select i in a; do echo b; done",
        "coproc echo a",
        "time echo a",
        "echo a |",
        "echo a &&& echo b",
        "echo 'a",
        "if true; then echo a",
        "echo a )",
        "echo\u{a0}a",
        "echo a\u{200b}",
        "echo a\u{202e}",
        "echo \u{1b}[2J",
        "echo a\0",
        "echo a ~99999999999999999999",
        "echo a ~+99999999999999999999",
        "echo a 99999999999999999999>&1",
        "cd sub && git status",
        "cd sub; ./run.sh",
        "(cd sub; git log)",
        "cat .git/config",
        "cat --file=.duyetbot/config.toml",
        "cat a/AGENTS.md",
    ] {
        assert_eq!(line(&policy, command), Asks, "{command:?}");
    }
}

#[test]
fn a_wrapper_is_granted_by_exactly_its_words_alone() {
    let wrapped = [
        "env make",
        "/usr/bin/env make",
        "sudo make",
        "xargs make",
        "nohup make",
        "timeout 5 make",
        "command make",
        "builtin echo a",
        "exec make",
        "eval make",
        "eval 'touch P'",
        "source ./a.sh",
        ". ./a.sh",
        "sh -c make",
        "bash -c 'make; true'",
        "bash a.sh",
        "nice make",
        "setsid make",
        "watch make",
        "ssh host make",
        "trap 'touch P' EXIT",
        "alias echo=touch",
        "export A=b",
        "declare a",
        "printf -v 'a[$(touch P)]' x",
        "test -v 'a[$(touch P)]'",
        "[ -v 'a[$(touch P)]' ]",
        "read a",
        "unset a",
        "hash -p ./evil echo",
        "find . -name a -exec make ';'",
        "find . -execdir make ';'",
        "find . -ok make ';'",
        "git -c alias.x='!touch P' x",
        "git -C sub status",
        "git --git-dir=sub status",
        "git --exec-path=. status",
        "git bisect run make",
        "git rebase -x make",
        "git rebase --exec=make",
        "git submodule foreach make",
        "git grep -O./evil x",
        "git grep --open-files x",
        "git config core.pager x",
        "git clone 'ext::sh -c touch% P'",
        "sort --compress-prog=./evil a",
    ];
    let wide = policy(
        &[
            "bash(env:*)",
            "bash(/usr/bin/env:*)",
            "bash(sudo:*)",
            "bash(xargs:*)",
            "bash(nohup:*)",
            "bash(timeout:*)",
            "bash(command:*)",
            "bash(builtin:*)",
            "bash(exec:*)",
            "bash(eval:*)",
            "bash(source:*)",
            "bash(.:*)",
            "bash(sh:*)",
            "bash(bash:*)",
            "bash(nice:*)",
            "bash(setsid:*)",
            "bash(watch:*)",
            "bash(ssh:*)",
            "bash(trap:*)",
            "bash(alias:*)",
            "bash(export:*)",
            "bash(declare:*)",
            "bash(printf:*)",
            "bash(test:*)",
            "bash([:*)",
            "bash(read:*)",
            "bash(unset:*)",
            "bash(hash:*)",
            "bash(find:*)",
            "bash(git:*)",
            "bash(sort:*)",
            "bash(make:*)",
        ],
        &[],
        &[],
    );
    for command in wrapped {
        assert_eq!(line(&wide, command), Asks, "{command}");
        let exact = format!("bash({command})");
        assert_eq!(line(&policy(&[&exact], &[], &[]), command), Runs, "{command}");
        assert_eq!(line(&policy(&[&exact], &[], &[]), &format!("{command} x")), Asks, "{command}");
    }
}

#[test]
fn what_changes_the_shell_asks_beside_other_commands() {
    let policy = policy(&["bash(export A=b)", "bash(make)", "bash(alias make=touch)"], &[], &[]);
    for (command, expected) in [
        ("export A=b", Runs),
        ("export A=b; make", Asks),
        ("alias make=touch\nmake", Asks),
        ("make; make", Runs),
    ] {
        assert_eq!(line(&policy, command), expected, "{command}");
    }
}

#[test]
fn a_deny_rule_is_tried_on_every_command_wherever_it_stands() {
    let deny = ["bash(rm:*)", "bash(git push:*)", "bash(make install)"];
    for allow in [&["bash"][..], &GRANTED[..], &[]] {
        let policy = policy(allow, &[], &deny);
        for command in [
            "rm x",
            "/bin/rm x",
            "r\\m x",
            "'rm' x",
            "RM x",
            "rm $x",
            "rm",
            "make install",
            "git push",
            "git -C . push",
            "git -c a=b push origin",
            "echo a; rm x",
            "echo a && rm x",
            "echo a || rm x",
            "echo a | rm x",
            "echo a & rm x",
            "echo a\nrm x",
            "(rm x)",
            "{ rm x; }",
            "! rm x",
            "time rm x",
            "if true; then rm x; fi",
            "if rm x; then true; fi",
            "if true; then true; elif rm x; then true; fi",
            "if true; then true; else rm x; fi",
            "while true; do rm x; done",
            "until rm x; do true; done",
            "for i in a; do rm x; done",
            "for i in $(rm x); do true; done",
            "for ((;;)); do rm x; done",
            "for ((a=1; a<2; a++)); do rm x; done",
            "select i in a; do rm x; done",
            "coproc rm x",
            "coproc f { rm x; }",
            "echo a; ) rm x",
            "A=1 rm x )",
            "case a in b) rm x;; esac",
            "case $(rm x) in b) true;; esac",
            "f() { rm x; }",
            "f() { true; } > $(rm x)",
            "[[ -n $(rm x) ]]",
            "((a = $(rm x)))",
            "echo $(rm x)",
            "echo `rm x`",
            "echo \"a $(echo $(rm x))\"",
            "echo ${a:-$(rm x)}",
            "echo \"${a:-\"`rm x`\"}\"",
            "echo $((1 + $(rm x)))",
            "echo <(rm x)",
            "echo > >(rm x)",
            "echo > $(rm x)",
            "cat <<E\n$(rm x)\nE",
            "cat <<< $(rm x)",
            "A=$(rm x) true",
            "A=(1 $(rm x))",
            "A=1 rm x",
            "> out rm x",
            "rm x > out",
            "env rm x",
            "env A=b rm x",
            "sudo -u a rm x",
            "xargs -n 1 rm",
            "command rm x",
            "exec rm x",
            "eval rm x",
            "eval 'rm x'",
            "sh -c 'rm x'",
            "sh -c \"sh -c 'rm x'\"",
            "sh -c 'echo $(rm x)'",
            "trap 'rm x' EXIT",
            "find . -exec rm {} ';'",
            "rm x\r",
        ] {
            assert_eq!(line(&policy, command), Refused, "{command:?} with allow {allow:?}");
        }
    }
}

#[test]
fn a_deny_rule_refuses_nothing_else() {
    let policy = policy(&["bash"], &[], &["bash(rm:*)", "bash(git push:*)", "bash(make install)"]);
    for command in
        ["echo rm x", "rmdir x", "git log push", "make", "make install x", "echo 'rm x'", "./rm.sh"]
    {
        assert_eq!(line(&policy, command), Runs, "{command}");
    }
}

#[test]
fn a_rule_for_every_line_grants_what_no_narrower_rule_could_be_hidden_from() {
    for (command, alone, beside_a_deny) in [
        ("cat /proc/$PPID/environ | tr '\\0' '\\n'", Runs, Asks),
        ("env", Runs, Runs),
        ("echo $(date) > out", Runs, Asks),
        ("sh -c 'x=rm; $x y'", Runs, Asks),
        ("git status", Runs, Runs),
        ("echo a > .duyetbot/config.toml", Asks, Asks),
        ("cp a .git/hooks/pre-commit", Asks, Asks),
        ("cp \"$a\" .git/hooks/pre-commit", Asks, Asks),
    ] {
        assert_eq!(line(&policy(&["bash"], &[], &[]), command), alone, "{command}");
        assert_eq!(line(&policy(&["bash"], &[], &["bash(rm:*)"]), command), beside_a_deny, "{command}");
    }
    assert_eq!(line(&policy(&["bash"], &["bash"], &[]), "x=1"), Asks);
    assert_eq!(line(&policy(&["bash"], &[], &["bash"]), "echo a"), Refused);
}

#[test]
fn what_is_known_runs_and_makes_no_file() {
    let workshop = Workshop::new();
    let policy = policy(&GRANTED, &[], &[]);
    let known: [(&str, Decided); 24] = [
        ("echo a b 'c d' \"e f\" g\\ h", Runs),
        ("echo a; echo b && echo c || echo d", Runs),
        ("echo a | cat", Runs),
        ("echo a |& cat", Runs),
        ("echo a & echo b", Runs),
        ("echo a\necho b", Runs),
        ("echo a # ; touch P", Runs),
        ("(echo a; echo b)", Runs),
        ("{ echo a; echo b; }", Runs),
        ("! false", Runs),
        ("if true; then echo a; elif false; then echo b; else echo c; fi", Runs),
        ("while false; do echo a; done", Runs),
        ("until true; do echo a; done", Runs),
        ("for i in a b; do echo c; done", Runs),
        ("cat <<'E'\n$(touch P)\n`touch P`\nE", Runs),
        ("cat <<E\na b\nE\necho c", Runs),
        ("cat <<-E\n\ta\n\tE", Runs),
        ("cat <<< 'a b'", Runs),
        ("echo a > /dev/null 2>&1", Runs),
        ("[ -n a ] && test a = a", Runs),
        ("printf '%s\\n' a", Runs),
        ("git log --format=%H HEAD~1 HEAD@{1}", Runs),
        ("git --no-pager log", Runs),
        ("echo {} 'a*' \"done!\" a#b", Runs),
    ];
    for (command, expected) in known {
        assert_eq!(line(&policy, command), expected, "{command:?}");
        assert_eq!(workshop.made_by(command), Vec::<String>::new(), "{command:?}");
    }
}

#[test]
fn a_line_that_is_too_much_for_the_parser_asks_in_time() {
    let policy = policy(&["bash(echo:*)"], &[], &[]);
    let many = |text: &str, times: usize| text.repeat(times);
    for command in [
        many("(", 100_000),
        many("(", 10),
        many("( ", 199),
        many("((", 5),
        format!("(({}", many("a ( ", 8)),
        many("a; (", 199),
        many("$(", 40),
        many("$((", 5),
        many("$[", 40),
        many("{ ", 60),
        many("( ", 60),
        many("a; (", 60),
        many("if true; then ", 25),
        many("case a in a) ", 6),
        many("function f() { ", 6),
        many("f() { ", 30),
        many("<(", 30),
        many("\"$(", 40),
        many("${a:-", 40),
        format!("echo {}{}", many("${a:-", 40), many("}", 40)),
        format!("echo {}'{}", many("${a:-", 40), many("}", 40)),
        format!("echo {}'x{}'", many("${a:1", 39), many("}", 39)),
        format!("echo {}!{}", many("${a@", 40), many("}", 40)),
        format!("echo \"{}\"{}\"", many("${a:-\"", 20), many("\"}", 20)),
        format!("echo {}{}", many("$[", 40), many("]", 40)),
        format!("echo $(({}{}))", many("a[", 58), many("]", 58)),
        many("`", 40),
        many("! ", 5_000),
        many("for i in a; do ", 24),
        many("echo a; ", 9_000),
        many("[[ ( ", 30),
        format!("[[ {}a ]]", many("! ", 5_000)),
        format!("[[ {}a ]]", many("! ", 39)),
        format!("[[ {}a ]]", many("a && ", 5_000)),
        format!("[[ {}a ]]", many("a && ", 20)),
        format!("[[ {}a ]]", many("a == ", 5_000)),
        many("a=(", 60),
    ] {
        assert_eq!(line(&policy, &command), Asks, "{command:.80}");
    }
    assert_eq!(line(&policy, &many("echo a; ", 2_000)), Runs);
}
