//! Why a call would run, ask or be refused: each part of it, and the rule that decided.
use duyetbot_core::run::Verdict;
use std::fmt;

use super::{rule::Rule, set::Placed, visible::visible};

/// What becomes of a part of a call. The greatest of a call's parts is what becomes of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It runs.
    Allow,
    /// A person decides.
    Ask,
    /// It is refused.
    Deny,
}

/// One part of a call and what was decided on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The part: a command of a line, a path, a host; or the tool where it is one whole.
    pub subject: String,
    /// What becomes of it.
    pub outcome: Outcome,
    /// Why, as a phrase.
    pub why: String,
    /// The rule that decided, where one did.
    pub rule: Option<Placed>,
    /// The narrowest rule that would let it run, where one could.
    pub(crate) grant: Option<Rule>,
}

/// What would happen to a call, and by which rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What becomes of the call.
    pub verdict: Verdict,
    /// Its parts.
    pub steps: Vec<Step>,
}

impl Step {
    pub(crate) fn by(rule: &Placed, outcome: Outcome, subject: impl Into<String>) -> Step {
        Step {
            subject: subject.into(),
            outcome,
            why: format!("by {rule}"),
            rule: Some(rule.clone()),
            grant: None,
        }
    }

    pub(crate) fn allow(subject: impl Into<String>, why: impl Into<String>) -> Step {
        Step { subject: subject.into(), outcome: Outcome::Allow, why: why.into(), rule: None, grant: None }
    }

    /// It asks, and only these rules would change that.
    pub(crate) fn ask(subject: impl Into<String>, why: impl Into<String>, grant: Option<Rule>) -> Step {
        Step { subject: subject.into(), outcome: Outcome::Ask, why: why.into(), rule: None, grant }
    }
}

impl Explanation {
    /// The rules that would let the call run, as narrow as rules can be; none where it runs anyway or no rule could.
    pub(crate) fn grants(&self) -> Vec<Rule> {
        let mut grants = Vec::new();
        for step in self.steps.iter().filter(|step| step.outcome != Outcome::Allow) {
            match &step.grant {
                Some(grant) if grants.contains(grant) => {}
                Some(grant) => grants.push(grant.clone()),
                None => return Vec::new(),
            }
        }
        grants
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.verdict {
            Verdict::Allow => writeln!(f, "allowed")?,
            Verdict::Ask(why) => writeln!(f, "asks: {why}")?,
            Verdict::Deny(why) => writeln!(f, "denied: {why}")?,
            Verdict::Invalid(why) => writeln!(f, "no call that could run: {why}")?,
        }
        for step in &self.steps {
            let outcome = match step.outcome {
                Outcome::Allow => "allow",
                Outcome::Ask => "ask",
                Outcome::Deny => "deny",
            };
            writeln!(f, "  {outcome}  {}: {}", visible(&step.subject), visible(&step.why))?;
        }
        Ok(())
    }
}
