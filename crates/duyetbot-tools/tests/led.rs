//! Links in the workspace: rules judge the place that a path leads to as well as the path.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, unreachable_pub)]
mod common;

use common::{Decided, decided, file, lists, tools};
use duyetbot_core::{
    CallId, MessageId, RunId, Scope, SessionId, Tool, ToolContext, ToolStatus,
    run::{Policy, Presence, Verdict},
};
use duyetbot_tools::{
    Edit, Read, Workspace,
    rules::{GitConfig, Layout, Rules, RulesPolicy, Source},
};
use serde_json::json;
use std::{fs, os::unix::fs::symlink, sync::Arc};

struct World {
    folder: tempfile::TempDir,
    workspace: Workspace,
}

impl World {
    /// A workspace with what links might reach.
    fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        for directory in ["src", ".git/hooks", ".duyetbot", "secrets"] {
            fs::create_dir_all(folder.path().join(directory)).unwrap();
        }
        for name in [".git/config", ".duyetbot/config.toml", "AGENTS.md", "secrets/k", ".env", "src/a"] {
            fs::write(folder.path().join(name), "word\n").unwrap();
        }
        for (target, link) in [
            ("../.git/config", "src/gc"),
            ("../.git/hooks", "src/hk"),
            ("../.duyetbot/config.toml", "src/dc"),
            ("../AGENTS.md", "src/ag"),
            ("a", "src/b"),
            ("secrets", "l"),
            (".env", "e"),
        ] {
            symlink(target, folder.path().join(link)).unwrap();
        }
        let workspace = Workspace::open(folder.path()).unwrap();
        World { folder, workspace }
    }

    fn policy(&self, allow: &[&str], ask: &[&str], deny: &[&str]) -> RulesPolicy {
        let mut rules = Rules::default();
        rules.add(&Source::Flags, &lists(allow, ask, deny)).unwrap();
        let workspace = self.workspace.path().to_str().unwrap().to_owned();
        let layout = Layout { workspace, home: "/home/ann/.duyetbot".to_owned() };
        RulesPolicy::new(&tools(), rules, layout, GitConfig::Plain, Presence::Person)
            .following(Arc::new(self.workspace.clone()))
    }
}

async fn call(tool: &dyn Tool, input: serde_json::Value) -> (ToolStatus, String) {
    let context = ToolContext {
        scope: Scope::vouched("ada", "ada"),
        run: RunId { session: SessionId::new(), message: MessageId::new() },
        call: CallId("c1".to_owned()),
    };
    let result = tool.call(&context, &input.to_string()).await;
    (result.status, result.output)
}

#[test]
fn the_more_forbidding_of_a_link_and_its_target_decides() {
    let world = World::new();
    let policy = world.policy(
        &["edit(src/**)", "write(src/**)"],
        &["grep(.env)"],
        &["read(.env)", "read(l/**)", "ls(secrets)"],
    );
    for (tool, path, expected) in [
        ("read", "e", Decided::Refused),
        ("read", "./e", Decided::Refused),
        ("read", "src/../e", Decided::Refused),
        ("read", "l/k", Decided::Refused),
        ("read", "secrets/k", Decided::Runs),
        ("ls", "l", Decided::Refused),
        ("read", "src/gc", Decided::Runs),
        ("edit", "src/a", Decided::Runs),
        ("edit", "src/b", Decided::Runs),
        ("edit", "src/gc", Decided::Asks),
        ("edit", "src/dc", Decided::Asks),
        ("edit", "src/ag", Decided::Asks),
        ("write", "src/hk/pre-commit", Decided::Asks),
        ("write", "src/new/x", Decided::Runs),
    ] {
        assert_eq!(file(&policy, tool, path), expected, "{tool} {path}");
    }
    assert_eq!(decided(&policy.judge("grep", r#"{"pattern":"x","path":"e"}"#)), Decided::Asks);
}

#[test]
fn what_grants_has_to_grant_the_link_and_its_target() {
    let world = World::new();
    let asks = |allow: &[&str]| file(&world.policy(allow, &[], &[]), "edit", "src/gc");
    assert_eq!(asks(&["edit(src/gc)"]), Decided::Asks);
    assert_eq!(asks(&["edit(.git/config)"]), Decided::Asks);
    assert_eq!(asks(&["edit(src/gc)", "edit(.git/config)"]), Decided::Runs);
    let narrowest = world.policy(&[], &[], &[]).narrowest("edit", r#"{"path":"src/gc"}"#);
    let narrowest: Vec<String> = narrowest.iter().map(ToString::to_string).collect();
    assert_eq!(narrowest, ["edit(src/gc)", "edit(.git/config)"]);
}

#[test]
fn the_reason_says_where_a_link_leads_and_how_many_names_a_file_has() {
    let world = World::new();
    let policy = world.policy(&["edit(src/**)"], &[], &["read(.env)"]);
    assert_eq!(
        policy.judge("edit", r#"{"path":"src/gc"}"#),
        Verdict::Ask(
            "src/gc -> .git/config: version control's own files, where hooks run; only a rule with exactly this path \
             grants it"
                .to_owned()
        )
    );
    assert_eq!(
        policy.judge("read", r#"{"path":"e"}"#),
        Verdict::Deny("refused: e -> .env: by deny `read(.env)` of a flag".to_owned())
    );
    fs::hard_link(world.folder.path().join(".env"), world.folder.path().join("h")).unwrap();
    let told = policy.explain("read", r#"{"path":"h"}"#).to_string();
    assert_eq!(
        told,
        "allowed\n  allow  h: read is free in the workspace; the file has 2 names (hard links)\n"
    );
}

#[tokio::test]
async fn a_call_whose_place_is_another_than_the_one_that_was_judged_is_refused() {
    let world = World::new();
    let policy = world.policy(&["edit(src/**)"], &[], &[]);
    let (edit, read) = (Edit::new(world.workspace.clone()), Read::new(world.workspace.clone()));
    let input = json!({"path": "src/b", "old": "word", "new": "other"});
    assert_eq!(policy.judge("edit", &input.to_string()), Verdict::Allow);
    let link = world.folder.path().join("src/b");
    fs::remove_file(&link).unwrap();
    symlink("../.git/config", &link).unwrap();
    let (status, told) = call(&edit, input.clone()).await;
    assert_eq!(status, ToolStatus::Error);
    assert_eq!(
        told,
        "src/b led to src/a when the call was judged, and leads to .git/config now; it was left alone: make the call again"
    );
    assert_eq!(fs::read_to_string(world.folder.path().join(".git/config")).unwrap(), "word\n");
    // Judged again it is the new place that counts.
    assert_eq!(decided(&policy.judge("edit", &input.to_string())), Decided::Asks);
    let (status, told) = call(&edit, input).await;
    assert_eq!(status, ToolStatus::Success);
    assert!(told.starts_with("edited src/b -> .git/config at line 1\n"), "{told}");
    let (_, told) = call(&read, json!({"path": "src/b"})).await;
    assert_eq!(told, "1\tother\n[src/b -> .git/config]\n");
}

#[test]
fn a_word_of_a_command_that_leads_to_a_protected_file_asks() {
    let world = World::new();
    let policy = world.policy(&["bash(cp:*)", "bash(cat:*)"], &[], &[]);
    for (text, expected) in [
        ("cp a src/gc", Decided::Asks),
        ("cp a -tsrc/hk", Decided::Asks),
        ("cp a --target-directory=src/hk", Decided::Asks),
        ("cp a src/hk/pre-commit", Decided::Asks),
        ("cp src/a src/b", Decided::Runs),
    ] {
        assert_eq!(common::line(&policy, text), expected, "{text}");
    }
}

#[test]
fn a_name_is_judged_as_it_was_listed_whatever_its_characters_are() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    let world = World::new();
    for name in [&b"a\nb"[..], b"bad\xff", b"back\\slash"] {
        fs::write(world.folder.path().join(OsStr::from_bytes(name)), "word\n").unwrap();
    }
    let policy = world.policy(&["edit(bad*)"], &[], &["read(back*)"]);
    for (tool, path, expected) in [
        ("read", "a\\nb", Decided::Runs),
        ("read", "a\nb", Decided::Runs),
        ("read", "bad\\xff", Decided::Runs),
        ("edit", "bad\\xff", Decided::Runs),
        ("edit", "a\\nb", Decided::Asks),
        ("read", "back\\\\slash", Decided::Refused),
        ("read", "back\\slash", Decided::Refused),
        ("read", "\\x2egit/../src/a", Decided::Asks),
        ("read", "\\x2e\\x2e/a", Decided::Asks),
        ("edit", "\\x2egit/config", Decided::Asks),
    ] {
        assert_eq!(file(&policy, tool, path), expected, "{tool} {path:?}");
    }
    assert_eq!(policy.narrowest("edit", r#"{"path":"a\\nb"}"#), []);
}
