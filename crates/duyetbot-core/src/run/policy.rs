//! Which calls run, which ask, which are refused: a pure decision.
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};

use crate::{
    error::{Error, ErrorKind, Result},
    redact::Redactor,
    tool::{Approval, Tool},
};

/// What becomes of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It runs.
    Allow,
    /// A person decides; the text says why.
    Ask(String),
    /// It is refused, and the model gets this text.
    Deny(String),
    /// It is no call that could run, and the model gets this text.
    Invalid(String),
}

/// Rules of one list of a message. They are stored with its run.
pub const MOST_RULES: usize = 100;
/// Characters of such a rule.
pub const LONGEST_RULE: usize = 1_000;

/// What one message narrows its run to, as rules of the policy's own grammar. It never widens what the policy grants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Narrowing {
    /// The only calls that may run; without a list all that the policy lets run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow: Option<Vec<String>>,
    /// Calls that are refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deny: Vec<String>,
}

impl Narrowing {
    fn rules(&self) -> impl Iterator<Item = &String> {
        self.allow.iter().flatten().chain(&self.deny)
    }
    /// Refuses what is not to be stored with a run: too much, and secrets.
    pub(super) fn check(&self, redactor: &Redactor) -> Result<()> {
        if self.rules().any(|rule| redactor.alters(rule)) {
            return Err(Error::invalid("a rule of the message holds a value that is kept secret"));
        }
        let lists = [self.allow.as_deref().unwrap_or_default(), &self.deny];
        if lists.iter().any(|rules| rules.len() > MOST_RULES)
            || self.rules().any(|rule| rule.chars().count() > LONGEST_RULE)
        {
            return Err(Error::invalid(format!(
                "allow and deny of a message are each at most {MOST_RULES} rules of at most {LONGEST_RULE} characters"
            )));
        }
        Ok(())
    }
    /// Does it leave the policy as it is?
    pub fn is_empty(&self) -> bool {
        self.allow.is_none() && self.deny.is_empty()
    }
}

/// Judges calls. It may look at what they would touch, briefly; it changes nothing and waits for nobody.
pub trait Policy: Send + Sync + 'static {
    /// What becomes of a call of this tool with this input (JSON text).
    fn judge(&self, tool: &str, input: &str) -> Verdict;

    /// Whether a judgement depends on what the calls before this one in the same answer do. Such a call runs after they have
    /// ended and before any that follows, and is judged again right before it runs.
    fn depends(&self, tool: &str, input: &str) -> bool {
        let _ = (tool, input);
        false
    }

    /// Why a call that would ask cannot succeed as things stand, in words for the model; none where it may, or where nobody
    /// can tell. A person is not asked about such a call.
    fn foresees(&self, tool: &str, input: &str) -> Option<String> {
        let _ = (tool, input);
        None
    }

    /// The policy for a run that begins or goes on now, where what it judges by may have changed since it was made. Without
    /// one, this policy judges every run.
    fn renewed(&self) -> Option<Arc<dyn Policy>> {
        None
    }

    /// The policy for a run whose message narrows it: it grants nothing that this one does not.
    ///
    /// # Errors
    /// `Invalid` where a text is no rule, `Unsupported` where this policy knows no rules.
    fn narrowed(&self, narrowing: &Narrowing) -> Result<Arc<dyn Policy>> {
        let _ = narrowing;
        Err(Error::new(ErrorKind::Unsupported, "this agent takes no rules with a message"))
    }
}

/// Judges by what the tools say of themselves.
#[derive(Clone)]
pub struct ToolPolicy {
    approvals: BTreeMap<String, Approval>,
    presence: Presence,
    narrowing: Narrowing,
}

/// Whether a person is there to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// A person can decide, now or later.
    Person,
    /// Nobody will: a pipe, a workflow. What asks is denied.
    Nobody,
}

impl ToolPolicy {
    /// Judges by the specs of these tools.
    pub fn new(tools: &[Arc<dyn Tool>], presence: Presence) -> Self {
        let approvals = tools.iter().map(|t| (t.spec().name.clone(), t.spec().approval)).collect();
        ToolPolicy { approvals, presence, narrowing: Narrowing::default() }
    }

    /// A rule of this policy is a tool's name alone. One for a tool that is not here narrows nothing.
    fn check(&self, rule: &str) -> Result<()> {
        let name = rule.split('(').next().unwrap_or_default();
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c)) {
            return Err(Error::invalid(format!("{rule:?} is no rule; it begins with the name of a tool")));
        }
        if name != rule && self.approvals.contains_key(name) {
            return Err(Error::invalid(format!(
                "{rule:?}: here a rule is a tool's name alone, such as {name}"
            )));
        }
        Ok(())
    }

    fn is_narrowed_out(&self, tool: &str) -> bool {
        let names = |rules: &[String]| rules.iter().any(|rule| rule == tool);
        names(&self.narrowing.deny) || self.narrowing.allow.as_deref().is_some_and(|allow| !names(allow))
    }
}

impl Policy for ToolPolicy {
    fn judge(&self, tool: &str, input: &str) -> Verdict {
        let Some(approval) = self.approvals.get(tool) else {
            let names: Vec<&str> = self.approvals.keys().map(String::as_str).collect();
            let have = if names.is_empty() { "there are no tools".to_owned() } else { names.join(", ") };
            return Verdict::Invalid(format!("there is no tool {tool:?}; the tools are: {have}"));
        };
        match serde_json::from_str::<serde_json::Value>(input) {
            Ok(serde_json::Value::Object(_)) => {}
            Ok(_) => return Verdict::Invalid("the input must be a JSON object".into()),
            Err(e) => return Verdict::Invalid(format!("the input is not valid JSON: {e}")),
        }
        if self.is_narrowed_out(tool) {
            return Verdict::Deny(format!("the rules that came with the message refuse {tool}"));
        }
        match (approval, self.presence) {
            (Approval::Free, _) => Verdict::Allow,
            (Approval::Ask, Presence::Person) => Verdict::Ask(format!("{tool} asks before it runs")),
            (Approval::Ask, Presence::Nobody) => {
                Verdict::Deny(format!("{tool} needs a person's word, and nobody is there to give it"))
            }
        }
    }
    fn narrowed(&self, narrowing: &Narrowing) -> Result<Arc<dyn Policy>> {
        narrowing.rules().try_for_each(|rule| self.check(rule))?;
        Ok(Arc::new(ToolPolicy { narrowing: narrowing.clone(), ..self.clone() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tool::{ToolContext, ToolSpec};
    use crate::{ToolResult, error::ErrorKind};
    use async_trait::async_trait;

    struct Named(ToolSpec);

    #[async_trait]
    impl Tool for Named {
        fn spec(&self) -> &ToolSpec {
            &self.0
        }
        async fn call(&self, _context: &ToolContext, input: &str) -> ToolResult {
            ToolResult::success(input)
        }
    }

    fn policy() -> ToolPolicy {
        let tool = |name: &str, approval| {
            let (name, description) = (name.to_owned(), String::new());
            Arc::new(Named(ToolSpec { name, description, input: serde_json::json!({}), approval }))
                as Arc<dyn Tool>
        };
        ToolPolicy::new(&[tool("look", Approval::Free), tool("open", Approval::Ask)], Presence::Person)
    }

    fn narrowing(allow: Option<&[&str]>, deny: &[&str]) -> Narrowing {
        let owned = |rules: &[&str]| rules.iter().map(|rule| (*rule).to_owned()).collect();
        Narrowing { allow: allow.map(owned), deny: owned(deny) }
    }

    #[test]
    fn a_message_takes_from_what_the_tools_grant_and_adds_nothing() {
        let of = |allow, deny: &[&str]| {
            let narrowed = policy().narrowed(&narrowing(allow, deny)).unwrap();
            ["look", "open"].map(|tool| match narrowed.judge(tool, "{}") {
                Verdict::Allow => "allow",
                Verdict::Ask(_) => "ask",
                Verdict::Deny(_) => "deny",
                Verdict::Invalid(_) => "invalid",
            })
        };
        assert_eq!(of(None, &[]), ["allow", "ask"]);
        assert_eq!(of(None, &["look", "gone(x)"]), ["deny", "ask"]);
        assert_eq!(of(Some(&["open"]), &[]), ["deny", "ask"]);
        assert_eq!(of(Some(&[]), &[]), ["deny", "deny"]);
        assert_eq!(of(Some(&["look", "open"]), &["open"]), ["allow", "deny"]);
    }

    #[test]
    fn a_rule_that_cannot_be_kept_is_refused() {
        for rule in ["", "(x)", "look(x)", "two words"] {
            let refused = policy().narrowed(&narrowing(None, &[rule])).err().unwrap();
            assert_eq!(refused.kind(), ErrorKind::Invalid, "{rule}");
        }
    }
}
