//! All rules that hold, and where each was written. The most forbidding wins: deny over ask over allow.
use std::fmt;

use super::{
    rule::{MalformedRule, Pattern, Rule},
    visible::visible,
};

/// Where a rule was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A flag of this call.
    Flags,
    /// What came with a person's message. It can only narrow.
    Message,
    /// The environment.
    Environment,
    /// The person's own config, by its path. What a person allows for always is written there.
    Home(String),
    /// The project's config, by its path. It can only narrow.
    Project(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Flags => f.write_str("a flag"),
            Source::Message => f.write_str("the message"),
            Source::Environment => f.write_str("the environment"),
            Source::Home(path) | Source::Project(path) => f.write_str(path),
        }
    }
}

/// Which list a rule stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum List {
    /// Its calls run.
    Allow,
    /// A person decides.
    Ask,
    /// Its calls are refused.
    Deny,
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            List::Allow => "allow",
            List::Ask => "ask",
            List::Deny => "deny",
        })
    }
}

/// The lists of one source, as they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lists {
    /// What runs.
    pub allow: Vec<String>,
    /// What a person decides.
    pub ask: Vec<String>,
    /// What is refused.
    pub deny: Vec<String>,
}

/// A rule in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The rule.
    pub rule: Rule,
    /// Its list.
    pub list: List,
    /// Where it was written.
    pub source: Source,
}

impl fmt::Display for Placed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}` of {}", self.list, visible(&self.rule.to_string()), self.source)
    }
}

/// Rules of a source that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Where it was written.
    pub source: Source,
    /// In which list.
    pub list: List,
    /// What is wrong.
    pub rule: MalformedRule,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the rules in {}, `{}`: {}", self.source, self.list, self.rule)
    }
}

impl std::error::Error for Refused {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.rule)
    }
}

/// All rules that hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    rules: Vec<Placed>,
}

impl Rules {
    /// Adds the rules of one source, and answers what of them was ignored, a sentence each.
    ///
    /// # Errors
    /// A text that is no rule, by its source and its list. Nothing of that source is added then. What a project's file
    /// would allow is ignored before it is read, so it cannot be an error.
    pub fn add(&mut self, source: &Source, lists: &Lists) -> Result<Vec<String>, Refused> {
        let mut ignored = Vec::new();
        let mut added = Vec::new();
        for (list, texts) in [(List::Allow, &lists.allow), (List::Ask, &lists.ask), (List::Deny, &lists.deny)]
        {
            for text in texts {
                if list == List::Allow && matches!(source, Source::Project(_)) {
                    let text = visible(text);
                    ignored.push(format!(
                        "{source}: allow `{text}` is ignored, a project's file can only narrow"
                    ));
                    continue;
                }
                let refused = |rule| Refused { source: source.clone(), list, rule };
                added.push(Placed { rule: text.parse().map_err(refused)?, list, source: source.clone() });
            }
        }
        self.rules.extend(added);
        Ok(ignored)
    }

    /// Every rule, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = &Placed> {
        self.rules.iter()
    }

    /// Does a rule keep `read` from this path of the workspace, or let a person decide?
    pub fn withholds(&self, path: &str) -> bool {
        [List::Deny, List::Ask].into_iter().flat_map(|list| self.of(list, "read")).any(|placed| match placed
            .rule
            .pattern()
        {
            Pattern::Any => true,
            Pattern::Glob(glob) => glob.forbids(path),
            Pattern::Words(..) | Pattern::Host(_) => false,
        })
    }

    /// The rules of one list for one tool.
    pub(crate) fn of<'a>(&'a self, list: List, tool: &'a str) -> impl Iterator<Item = &'a Placed> {
        self.rules.iter().filter(move |placed| placed.list == list && placed.rule.tool() == tool)
    }
}
