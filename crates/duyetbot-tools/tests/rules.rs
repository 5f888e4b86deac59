//! What rules say of calls: their grammar, their order, paths, hosts, explanations and the narrowest grant.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Decided, decided, file, layout, line, lists, policy, tools};
use duyetbot_core::run::{Narrowing, Policy, Presence, Verdict};
use duyetbot_tools::rules::{GitConfig, List, Outcome, Refused, Rule, Rules, RulesPolicy, Source};

#[test]
fn a_rule_reads_back_as_it_was_written() {
    for rule in [
        "read",
        "mcp_paint",
        "bash",
        "bash(git status:*)",
        "bash(cargo test -p a)",
        "bash(git commit -m 'a b')",
        "bash(echo 'a:*')",
        "edit(src/**)",
        "write(docs/*.md)",
        "read(a (copy).txt)",
        "web_fetch(example.org)",
    ] {
        assert_eq!(rule.parse::<Rule>().unwrap().to_string(), rule);
    }
}

#[test]
fn a_malformed_rule_is_named_with_what_to_write() {
    for (rule, wrong) in [
        ("", "`` is no rule: it does not begin with a tool's name; write"),
        ("(x)", "`(x)` is no rule: it does not begin with a tool's name; write"),
        ("bash(git status", "`bash(git status` is no rule: its bracket does not close; write"),
        ("bash()", "`bash()` is no rule: its pattern is empty; write `bash` for every call"),
        ("bash(:*)", "`bash(:*)` is no rule: it names no command; write `bash` for every line"),
        ("bash(a; b)", "`bash(a; b)` is no rule: its words hold something that the shell would replace"),
        ("bash(a $x)", "`bash(a $x)` is no rule: its words hold something that the shell would replace"),
        ("bash(a *)", "`bash(a *)` is no rule: its words hold something that the shell would replace"),
        ("bash(a # b)", "`bash(a # b)` is no rule: its words hold something that the shell would replace"),
        ("bash(a 'b)", "`bash(a 'b)` is no rule: its words hold something that the shell would replace"),
        ("edit(../x)", "`edit(../x)` is no rule: its path leaves the workspace; write a path or a glob"),
        ("edit(/x)", "`edit(/x)` is no rule: its path leaves the workspace; write a path or a glob"),
        ("edit(~/x)", "`edit(~/x)` is no rule: its path leaves the workspace; write a path or a glob"),
        ("edit(src/)", "`edit(src/)` is no rule: its path names no file; end it with `**`"),
        ("edit([a)", "`edit([a)` is no rule: its glob is wrong: "),
        (
            "web_fetch(https://a.b/)",
            "`web_fetch(https://a.b/)` is no rule: its pattern is no host; write exactly one",
        ),
        ("web_fetch(*.a.b)", "`web_fetch(*.a.b)` is no rule: its pattern is no host; write exactly one"),
        ("sessions(x)", "`sessions(x)` is no rule: `sessions` takes no pattern; write `sessions`"),
    ] {
        let told = rule.parse::<Rule>().unwrap_err().to_string();
        assert!(told.starts_with(wrong), "{told}");
    }
}

#[test]
fn what_is_free_runs_inside_the_workspace_and_all_else_asks() {
    let policy = policy(&[], &[], &[]);
    for (tool, input, expected) in [
        ("read", r#"{"path":"src/lib.rs","limit":3}"#, Decided::Runs),
        ("read", r#"{"path":"/home/ann/ws/a"}"#, Decided::Runs),
        ("read", r#"{"path":".git/config"}"#, Decided::Runs),
        ("ls", "{}", Decided::Runs),
        ("ls", "", Decided::Runs),
        ("glob", r#"{"pattern":"**/*.rs"}"#, Decided::Runs),
        ("grep", r#"{"pattern":"../x","path":"src"}"#, Decided::Runs),
        ("sessions", "{}", Decided::Runs),
        ("recall", r#"{"query":"key"}"#, Decided::Runs),
        ("read", r#"{"path":"../x"}"#, Decided::Asks),
        ("read", r#"{"path":"a/../../x"}"#, Decided::Asks),
        ("read", r#"{"path":"/etc/passwd"}"#, Decided::Asks),
        ("read", r#"{"path":"~/.ssh/id_ed25519"}"#, Decided::Asks),
        ("read", r#"{"path":"\\x2e\\x2e/a"}"#, Decided::Asks),
        ("ls", r#"{"path":".."}"#, Decided::Asks),
        ("glob", r#"{"pattern":"../**"}"#, Decided::Asks),
        ("glob", r#"{"pattern":"{a,..}/**"}"#, Decided::Asks),
        ("glob", r#"{"pattern":"/etc/*"}"#, Decided::Asks),
        ("write", r#"{"path":"a","content":""}"#, Decided::Asks),
        ("edit", r#"{"path":"a","old":"","new":""}"#, Decided::Asks),
        ("bash", r#"{"command":"true"}"#, Decided::Asks),
        ("bash", r#"{"command":"ls"}"#, Decided::Asks),
        ("bash", r#"{"command":""}"#, Decided::Asks),
        ("bash", r##"{"command":"# only a comment"}"##, Decided::Asks),
        ("web_fetch", r#"{"url":"https://example.org/"}"#, Decided::Asks),
        ("mcp_paint", r#"{"colour":"red"}"#, Decided::Asks),
        ("paint", "{}", Decided::Invalid),
        ("read", "{}", Decided::Invalid),
        ("bash", r#"{"command":["ls"]}"#, Decided::Invalid),
        ("bash", r#"{"command":"ls","command":"rm x"}"#, Decided::Invalid),
        ("read", "[]", Decided::Invalid),
        ("recall", "3", Decided::Invalid),
    ] {
        assert_eq!(decided(&policy.judge(tool, input)), expected, "{tool} {input}");
    }
}

#[test]
fn a_wrong_input_is_answered_with_the_field_and_the_schema() {
    let told = policy(&[], &[], &[]).judge("read", "{}");
    let text = "the input of `read` is wrong: missing field `path` at line 1 column 2\nits schema is {\"type\":\"object\"}";
    assert_eq!(told, Verdict::Invalid(text.to_owned()));
}

#[test]
fn where_nobody_is_there_what_asks_is_denied_with_a_sentence() {
    let policy = RulesPolicy::new(&tools(), Rules::default(), layout(), GitConfig::Plain, Presence::Nobody);
    let text = "cargo test: no rule grants it; it needs a person's word, and nobody is there to give it";
    assert_eq!(policy.judge("bash", r#"{"command":"cargo test"}"#), Verdict::Deny(text.to_owned()));
    assert_eq!(policy.judge("read", r#"{"path":"a"}"#), Verdict::Allow);
}

#[test]
fn a_verdict_is_bounded_and_shows_what_is_hidden() {
    let policy = policy(&[], &[], &[]);
    let asked =
        policy.judge("bash", &serde_json::json!({"command": "a\u{202e}b; ".repeat(9) + "c"}).to_string());
    let one = "'a\\u{202e}b': no rule grants it";
    let text = format!("{one}; c: no rule grants it; the line: it holds the character U+202E");
    assert_eq!(asked, Verdict::Ask(text));
    let many: String = (0..9).map(|n| format!("make {n};")).collect();
    let Verdict::Ask(text) = policy.judge("bash", &serde_json::json!({"command": many}).to_string()) else {
        panic!("it asks");
    };
    assert!(text.ends_with("make 4: no rule grants it; and 4 more"), "{text}");
    let long = serde_json::json!({"command": format!("make {}", "x".repeat(5_000))}).to_string();
    assert!(matches!(policy.judge("bash", &long), Verdict::Ask(text) if text.chars().count() == 401));
}

#[test]
fn deny_wins_over_ask_and_ask_over_allow_wherever_they_stand() {
    let policy = policy(
        &["bash(git:*)", "edit(**)", "web_fetch", "mcp_paint"],
        &["bash(git push:*)", "edit(src/**)", "read(notes/**)"],
        &["bash(git push --force:*)", "edit(src/secret/**)", "web_fetch(evil.example)", "recall"],
    );
    for (command, expected) in [
        ("git log", Decided::Runs),
        ("git push", Decided::Asks),
        ("git push --force", Decided::Refused),
        ("git log && git push --force", Decided::Refused),
    ] {
        assert_eq!(line(&policy, command), expected, "{command}");
    }
    for (tool, path, expected) in [
        ("edit", "a", Decided::Runs),
        ("edit", "src/a", Decided::Asks),
        ("edit", "SRC/Secret/a", Decided::Refused),
        ("read", "notes/a", Decided::Asks),
        ("read", "a", Decided::Runs),
    ] {
        assert_eq!(file(&policy, tool, path), expected, "{tool} {path}");
    }
    let fetch = |url: &str| decided(&policy.judge("web_fetch", &format!(r#"{{"url":"{url}"}}"#)));
    assert_eq!(fetch("https://example.org"), Decided::Runs);
    assert_eq!(fetch("https://EVIL.example./"), Decided::Refused);
    assert_eq!(fetch("file:///etc/passwd"), Decided::Asks);
    assert_eq!(decided(&policy.judge("recall", "{}")), Decided::Refused);
    assert_eq!(decided(&policy.judge("mcp_paint", "{}")), Decided::Runs);
}

#[test]
fn a_host_is_granted_exactly() {
    let policy = policy(&["web_fetch(example.org)"], &[], &[]);
    for (url, expected) in [
        ("https://example.org/a?b", Decided::Runs),
        ("http://EXAMPLE.org:8080/", Decided::Runs),
        ("https://www.example.org/", Decided::Asks),
        ("https://example.org.evil.example/", Decided::Asks),
        ("https://example.org@evil.example/", Decided::Asks),
        ("https://evil.example/example.org", Decided::Asks),
        ("ftp://example.org/", Decided::Asks),
    ] {
        let input = serde_json::json!({"url": url}).to_string();
        assert_eq!(decided(&policy.judge("web_fetch", &input)), expected, "{url}");
    }
}

#[test]
fn a_projects_file_can_only_narrow() {
    let mut rules = Rules::default();
    let project = Source::Project(".duyetbot/config.toml".to_owned());
    let ignored =
        rules.add(&project, &lists(&["bash", "no rule at all("], &["read(a)"], &["bash(rm:*)"])).unwrap();
    assert_eq!(
        ignored,
        [
            ".duyetbot/config.toml: allow `bash` is ignored, a project's file can only narrow",
            ".duyetbot/config.toml: allow `no rule at all(` is ignored, a project's file can only narrow",
        ]
    );
    let written: Vec<String> = rules.iter().map(ToString::to_string).collect();
    assert_eq!(
        written,
        ["ask `read(a)` of .duyetbot/config.toml", "deny `bash(rm:*)` of .duyetbot/config.toml"]
    );

    let wrong = rules.add(&project, &lists(&[], &[], &["bash("])).unwrap_err();
    let malformed = "bash(".parse::<Rule>().unwrap_err();
    assert_eq!(wrong, Refused { source: project, list: List::Deny, rule: malformed });
}

#[test]
fn an_explanation_says_which_rule_of_which_source_decided_each_part() {
    let mut rules = Rules::default();
    let home = Source::Home("/home/ann/.duyetbot/config.toml".to_owned());
    rules.add(&home, &lists(&["bash(git log:*)"], &[], &[])).unwrap();
    rules.add(&Source::Flags, &lists(&[], &[], &["bash(rm:*)"])).unwrap();
    let policy = RulesPolicy::new(&tools(), rules, layout(), GitConfig::Plain, Presence::Person);

    let explained = policy.explain("bash", r#"{"command":"git log -1; make; rm 'a b' > out"}"#);
    let expected = "denied: refused: rm 'a b': by deny `bash(rm:*)` of a flag\n\
                    \x20 allow  git log -1: by allow `bash(git log:*)` of /home/ann/.duyetbot/config.toml\n\
                    \x20 ask  make: no rule grants it\n\
                    \x20 deny  rm 'a b': by deny `bash(rm:*)` of a flag\n\
                    \x20 ask  the line: it holds a redirection to out\n";
    assert_eq!(explained.to_string(), expected);
    let outcomes: Vec<Outcome> = explained.steps.iter().map(|step| step.outcome).collect();
    assert_eq!(outcomes, [Outcome::Allow, Outcome::Ask, Outcome::Deny, Outcome::Ask]);
}

#[test]
fn the_narrowest_rules_would_have_allowed_the_call_and_no_other() {
    let allow = ["bash(git log:*)"];
    let before = policy(&allow, &["edit(src/a.rs)"], &["bash(rm:*)"]);
    for (tool, input, narrowest) in [
        ("bash", r#"{"command":"cargo test -p a"}"#, vec!["bash(cargo test -p a)"]),
        (
            "bash",
            r#"{"command":"make && make; git log; echo 'a b'"}"#,
            vec!["bash(make)", "bash(echo 'a b')"],
        ),
        ("bash", r#"{"command":"sudo make install"}"#, vec!["bash(sudo make install)"]),
        ("bash", r#"{"command":"cat .git/config"}"#, vec!["bash(cat .git/config)"]),
        ("bash", r#"{"command":"grep 'it'\\''s:*' a"}"#, vec![r"bash(grep 'it'\''s:*' a)"]),
        ("write", r#"{"path":"a [1].md"}"#, vec!["write(a [[]1[]].md)"]),
        ("write", r#"{"path":"./.envrc"}"#, vec!["write(.envrc)"]),
        ("web_fetch", r#"{"url":"https://Example.org/a"}"#, vec!["web_fetch(example.org)"]),
        ("mcp_paint", "{}", vec!["mcp_paint"]),
        ("bash", r#"{"command":"git log"}"#, vec![]),
        ("bash", r#"{"command":"make > out"}"#, vec![]),
        ("bash", r#"{"command":"make; echo $(x)"}"#, vec![]),
        ("bash", r#"{"command":"make; rm x"}"#, vec![]),
        ("write", r#"{"path":".duyetbot/config.toml"}"#, vec![]),
        ("write", r#"{"path":"../a"}"#, vec![]),
        ("edit", r#"{"path":"src/a.rs"}"#, vec![]),
        ("read", r#"{"path":"a"}"#, vec![]),
        ("nothing", "{}", vec![]),
    ] {
        let found: Vec<String> = before.narrowest(tool, input).iter().map(ToString::to_string).collect();
        assert_eq!(found, narrowest, "{tool} {input}");
        if !found.is_empty() {
            let wider: Vec<&str> = allow.iter().copied().chain(found.iter().map(String::as_str)).collect();
            let after = policy(&wider, &["edit(src/a.rs)"], &["bash(rm:*)"]);
            assert_eq!(after.judge(tool, input), Verdict::Allow, "{tool} {input}");
        }
    }
}

#[test]
fn what_a_message_allows_and_denies_only_narrows() {
    let base = policy(&["bash(git log:*)", "web_fetch(example.org)"], &[], &["bash(rm:*)"]);
    let owned = |rules: &[&str]| rules.iter().map(|rule| (*rule).to_owned()).collect::<Vec<_>>();
    let (log, make) = (r#"{"command":"git log -3"}"#, r#"{"command":"make"}"#);
    let (remove, both) = (r#"{"command":"rm a"}"#, r#"{"command":"git log -3; make"}"#);
    let (notes, source) = (r#"{"path":"notes/a"}"#, r#"{"path":"src/a"}"#);
    for (allow, deny, tool, input, becomes) in [
        (None, &["bash(git log:*)"][..], "bash", log, Decided::Refused),
        (None, &["read(notes/**)"], "read", notes, Decided::Refused),
        (None, &["read(notes/**)"], "read", source, Decided::Runs),
        (Some(&["bash"][..]), &[], "bash", log, Decided::Runs),
        (Some(&["bash"]), &[], "bash", make, Decided::Asks),
        (Some(&["bash"]), &[], "bash", remove, Decided::Refused),
        (Some(&["bash(git log:*)"]), &[], "bash", both, Decided::Refused),
        (Some(&["read(notes/**)"]), &[], "read", notes, Decided::Runs),
        (Some(&["read(notes/**)"]), &[], "read", source, Decided::Refused),
        (Some(&["read"]), &[], "sessions", "{}", Decided::Refused),
        (Some(&[]), &[], "ls", "{}", Decided::Refused),
    ] {
        let narrowing = Narrowing { allow: allow.map(owned), deny: owned(deny) };
        let verdict = base.narrowed(&narrowing).unwrap().judge(tool, input);
        assert_eq!(decided(&verdict), becomes, "{narrowing:?} {tool} {input}: {verdict:?}");
    }
    let refused = base.narrowed(&Narrowing { allow: None, deny: owned(&["bash()"]) }).err().unwrap();
    assert!(
        refused.message().starts_with("the rules in the message, `deny`: `bash()` is no rule"),
        "{refused}"
    );
}
