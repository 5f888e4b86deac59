//! Reported failures of other agents that rules decide, each by its id; what runs is also run in a real bash.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{
    Decided::{self, Asks, Refused, Runs},
    decided, file, layout, line, lists, policy, tools,
    workshop::Workshop,
};
use duyetbot_core::run::{Policy, Presence, Verdict};
use duyetbot_tools::rules::{GitConfig, Rules, RulesPolicy, Source};

/// Rules that allow, and lines with what becomes of each.
type Case = (&'static str, &'static [&'static str], &'static [(&'static str, Decided)]);

const CASES: [Case; 7] = [
    (
        "allow-prefix-then-chain",
        &["bash(git log:*)"],
        &[
            ("git log -1; touch P", Asks),
            ("git log -1 && touch P", Asks),
            ("git log --nosuch || touch P", Asks),
            ("git log -1 | tee P", Asks),
            ("git log -1 |& tee P", Asks),
            ("git log -1 & touch P", Asks),
            ("git log -1&touch P", Asks),
            ("git log -1", Runs),
            ("git log -1; git log -2 && git log | git log", Runs),
        ],
    ),
    (
        "allow-prefix-then-newline",
        &["bash(pwd:*)", "bash(echo:*)"],
        &[
            ("pwd\ntouch P", Asks),
            ("pwd\r\ntouch P", Asks),
            ("pwd\rtouch P", Asks),
            ("pwd # note\ntouch P", Asks),
            ("pwd <<X\nX\ntouch P", Asks),
            ("pwd\u{2028}touch P", Asks),
            ("pwd\u{b}touch P", Asks),
            ("echo 'a\nb'", Runs),
            ("pwd\npwd", Runs),
            ("pwd # touch P", Runs),
        ],
    ),
    (
        "allow-prefix-with-substitution",
        &["bash(git status:*)"],
        &[
            ("git status $(touch P)", Asks),
            ("git status `touch P`", Asks),
            ("git status <(touch P)", Asks),
            ("git status >(touch P)", Asks),
            ("git status \"${Q:-$(touch P)}\"", Asks),
            ("git status $((z[$(touch P)]))", Asks),
            ("git status $[z[$(touch P)]]", Asks),
            ("git status <<E\n$(touch P)\nE", Asks),
            ("git status <<< \"$(touch P)\"", Asks),
            ("git status \"`touch P`\"", Asks),
            ("git status ${Q:=`touch P`}", Asks),
            ("git status -s '$(x)'", Runs),
            ("git status -s \\$\\(x\\)", Runs),
        ],
    ),
    (
        "quote-rules-differ-from-bash",
        &["bash(echo:*)"],
        &[
            (r"echo 'a\' ; touch P", Asks),
            (r"echo $'a\'' ; touch P", Asks),
            (r#"echo "a\\" ; touch P"#, Asks),
            ("echo a\\\n; touch P", Asks),
            (r"echo \$'a\' ; touch P #'", Asks),
            (r"echo \' ; touch P #'", Asks),
            (r#"echo \" ; touch P #""#, Asks),
            (r#"echo $"a\"" ; touch P"#, Asks),
            (r"echo 'a\' 'b'", Runs),
            (r#"echo "a'b" 'c"d'"#, Runs),
            ("echo a\\\n b", Runs),
        ],
    ),
    (
        "rule-needs-word-boundary",
        &["bash(git status:*)"],
        &[
            ("git statusx", Asks),
            ("git status-evil", Asks),
            ("gitstatus", Asks),
            ("git\\ status", Asks),
            ("'git status'", Asks),
            ("git 'status x'", Asks),
            ("git -C . status", Asks),
            ("git --git-dir=x status", Asks),
            ("./git status", Asks),
            ("/tmp/git status", Asks),
            ("git status", Runs),
            ("git status -s", Runs),
            ("'git' \"status\" -s", Runs),
        ],
    ),
    (
        "redirect-under-read-only-rule",
        &["bash(ls:*)"],
        &[
            ("ls / > ~/.bashrc", Asks),
            ("ls >> ../out.txt", Asks),
            ("ls >| a", Asks),
            ("ls &> b", Asks),
            ("ls &>> b", Asks),
            ("ls >& b", Asks),
            ("ls 2> .git/hooks/post-commit", Asks),
            ("ls 1<> c", Asks),
            ("> c ls", Asks),
            ("{ ls; } > c", Asks),
            ("ls {fd}> c", Asks),
            ("ls > /dev/null", Runs),
            ("ls > /dev/null 2>&1", Runs),
            ("ls &> /dev/null", Runs),
            ("ls 2>&1", Runs),
            ("ls < /dev/null", Runs),
        ],
    ),
    (
        "search-tools-with-exec-options",
        &[],
        &[
            (r"find . -name x -exec ./evil.sh \;", Asks),
            ("find . -fprintf P %p", Asks),
            ("find d -delete", Asks),
            ("sed -n '1e ./evil.sh' f", Asks),
            ("sed 'w P' f", Asks),
            ("rg --pre ./evil.sh x .", Asks),
            ("sort --compress-prog=./evil.sh -S1b big.txt", Asks),
            ("sort -o P f", Asks),
            ("tar -cf /dev/null f --checkpoint=1 --checkpoint-action=exec=./evil.sh", Asks),
            ("awk 'BEGIN{system(\"./evil.sh\")}'", Asks),
            ("git grep -O./evil.sh x", Asks),
            ("git log --output=P", Asks),
        ],
    ),
];

#[test]
fn no_reported_line_runs_more_than_its_rules_grant() {
    let workshop = Workshop::new();
    for (id, allow, lines) in CASES {
        let policy = policy(allow, &[], &[]);
        for (command, expected) in lines {
            let found = line(&policy, command);
            assert_eq!(found, *expected, "{id}: {command:?}");
            if found == Runs {
                assert_eq!(workshop.made_by(command), Vec::<String>::new(), "{id}: {command:?}");
            }
        }
    }
}

#[test]
fn git_config_runs_programs() {
    let config = "[core]\n\trepositoryformatversion = 0\n\tfsmonitor = touch P2; true\n\
                  [diff]\n\texternal = touch P1\n[diff \"z\"]\n\ttextconv = touch P3; cat\n";
    let in_repository = |git| {
        let mut rules = Rules::default();
        rules.add(&Source::Flags, &lists(&["bash(git status:*)", "bash(git diff:*)"], &[], &[])).unwrap();
        RulesPolicy::new(&tools(), rules, layout(), git, Presence::Person)
    };
    let prepared = in_repository(GitConfig::read([config]));
    let keys = "the repository's config names programs: core.fsmonitor, diff.external, diff.z.textconv";
    assert_eq!(
        prepared.judge("bash", r#"{"command":"git status"}"#),
        Verdict::Ask(format!("git status: {keys}"))
    );
    assert_eq!(prepared.narrowest("bash", r#"{"command":"git diff"}"#), []);
    assert_eq!(line(&in_repository(GitConfig::NotRead), "git status"), Asks);

    let plain = in_repository(GitConfig::Plain);
    for (command, expected) in [
        ("git status", Runs),
        ("git diff", Runs),
        ("git -c core.fsmonitor='touch P4' status", Asks),
        ("git -c core.sshCommand='touch P5' fetch", Asks),
        ("GIT_EXTERNAL_DIFF='touch P' git diff", Asks),
        ("export GIT_EXTERNAL_DIFF='touch P'; git diff", Asks),
        ("cd sub && git status", Asks),
    ] {
        assert_eq!(line(&plain, command), expected, "{command}");
    }
}

#[test]
fn agent_edits_its_own_rules() {
    let policy = policy(&["write", "edit(**)", "write(.duyetbot/**)", "write(.git/**)"], &[], &[]);
    for path in [
        ".duyetbot/config.toml",
        "./.duyetbot//config.toml",
        "/home/ann/ws/.duyetbot/config.toml",
        "~/.duyetbot/config.toml",
        "/home/ann/.duyetbot/config.toml",
        "../.duyetbot/config.toml",
        ".DUYETBOT/config.toml",
        ".git/hooks/pre-commit",
        ".git/config",
        ".GIT/hooks/x",
        "a/../.git/config",
        r".\x67it/config",
        ".envrc",
        ".vscode/tasks.json",
        "~/.bashrc",
        ".bashrc",
    ] {
        assert_eq!(file(&policy, "write", path), Asks, "write {path}");
        assert_eq!(file(&policy, "edit", path), Asks, "edit {path}");
    }
    assert_eq!(file(&policy, "write", "src/lib.rs"), Runs);
    assert_eq!(line(&policy, "git status"), Asks);
}

#[test]
fn a_protected_file_is_granted_by_its_name_alone_and_the_agents_own_never() {
    let policy = policy(&["write(.envrc)", "write(.duyetbot/config.toml)"], &[], &[]);
    assert_eq!(file(&policy, "write", "./.envrc"), Runs);
    assert_eq!(file(&policy, "write", "sub/.envrc"), Asks);
    assert_eq!(file(&policy, "write", ".duyetbot/config.toml"), Asks);
}

#[test]
fn project_config_steals_key() {
    let mut rules = Rules::default();
    let project = Source::Project(".duyetbot/config.toml".to_owned());
    let widening = lists(&["bash", "write", "web_fetch"], &[], &["bash(curl:*)"]);
    assert_eq!(rules.add(&project, &widening).unwrap().len(), 3);
    let policy = RulesPolicy::new(&tools(), rules, layout(), GitConfig::Plain, Presence::Nobody);
    assert_eq!(line(&policy, "touch P"), Refused);
    assert_eq!(file(&policy, "write", "a"), Refused);
}

#[test]
fn web_fetch_inner_addresses() {
    let policy = policy(&["web_fetch(good.test)"], &[], &[]);
    for (url, expected) in [
        ("http://good.test/", Runs),
        ("http://127.1:9/", Asks),
        ("http://2130706433:9/", Asks),
        ("http://0x7f.0.0.1:9/", Asks),
        ("http://[::ffff:127.0.0.1]:9/", Asks),
        ("http://localhost.:9/", Asks),
        ("http://good.test@127.0.0.1:9/", Asks),
        ("file:///etc/passwd", Asks),
        ("gopher://good.test/", Asks),
    ] {
        let input = serde_json::json!({"url": url}).to_string();
        assert_eq!(decided(&policy.judge("web_fetch", &input)), expected, "{url}");
    }
}
