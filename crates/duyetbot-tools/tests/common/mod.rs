//! Tools that say what they are and do nothing, and policies over them.
#![allow(dead_code, reason = "each test file uses its part")]

#[cfg(unix)]
pub(crate) mod workshop;

use async_trait::async_trait;
use duyetbot_core::{
    Approval, Tool, ToolContext, ToolResult, ToolSpec,
    run::{Presence, Verdict},
};
use duyetbot_tools::rules::{GitConfig, Layout, Lists, Rules, RulesPolicy, Source};
use std::sync::Arc;

struct Named(ToolSpec);

#[async_trait]
impl Tool for Named {
    fn spec(&self) -> &ToolSpec {
        &self.0
    }
    async fn call(&self, _: &ToolContext, _: &str) -> ToolResult {
        ToolResult::error("it does nothing".to_owned())
    }
}

fn tool(name: &str, approval: Approval) -> Arc<dyn Tool> {
    Arc::new(Named(ToolSpec {
        name: name.to_owned(),
        description: String::new(),
        input: serde_json::json!({"type": "object"}),
        approval,
    }))
}

pub(crate) fn tools() -> Vec<Arc<dyn Tool>> {
    let free = ["read", "ls", "glob", "grep", "sessions", "recall"].map(|name| tool(name, Approval::Free));
    let asking = ["write", "edit", "bash", "web_fetch", "mcp_paint"].map(|name| tool(name, Approval::Ask));
    free.into_iter().chain(asking).collect()
}

pub(crate) fn layout() -> Layout {
    Layout { workspace: "/home/ann/ws".to_owned(), home: "/home/ann/.duyetbot".to_owned() }
}

fn owned(rules: &[&str]) -> Vec<String> {
    rules.iter().map(|rule| (*rule).to_owned()).collect()
}

pub(crate) fn lists(allow: &[&str], ask: &[&str], deny: &[&str]) -> Lists {
    Lists { allow: owned(allow), ask: owned(ask), deny: owned(deny) }
}

/// The rules as flags, in a plain repository, with a person there.
pub(crate) fn policy(allow: &[&str], ask: &[&str], deny: &[&str]) -> RulesPolicy {
    let mut rules = Rules::default();
    assert_eq!(rules.add(&Source::Flags, &lists(allow, ask, deny)).unwrap(), Vec::<String>::new());
    RulesPolicy::new(&tools(), rules, layout(), GitConfig::Plain, Presence::Person)
}

/// A verdict without its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decided {
    Runs,
    Asks,
    Refused,
    Invalid,
}

pub(crate) fn decided(verdict: &Verdict) -> Decided {
    match verdict {
        Verdict::Allow => Decided::Runs,
        Verdict::Ask(_) => Decided::Asks,
        Verdict::Deny(_) => Decided::Refused,
        Verdict::Invalid(_) => Decided::Invalid,
    }
}

pub(crate) fn line(policy: &RulesPolicy, line: &str) -> Decided {
    decided(&policy.explain("bash", &serde_json::json!({"command": line}).to_string()).verdict)
}

pub(crate) fn file(policy: &RulesPolicy, tool: &str, path: &str) -> Decided {
    decided(&policy.explain(tool, &serde_json::json!({"path": path}).to_string()).verdict)
}
