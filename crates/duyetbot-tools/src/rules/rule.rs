//! One rule: a tool, and which of its calls.
use globset::{GlobBuilder, GlobMatcher};
use std::{fmt, str::FromStr};

use super::{
    host,
    shell::{pattern_words, quoted},
    visible::visible,
};

/// A rule: `tool`, or `tool(pattern)`.
///
/// ```
/// use duyetbot_tools::rules::Rule;
///
/// let rule: Rule = "bash(git status:*)".parse()?;
/// assert_eq!(rule.to_string(), "bash(git status:*)");
/// # Ok::<(), duyetbot_tools::rules::MalformedRule>(())
/// ```
#[derive(Clone, Debug)]
pub struct Rule {
    tool: String,
    pattern: Pattern,
}

#[derive(Clone, Debug)]
pub(crate) enum Pattern {
    /// Every call.
    Any,
    /// A command: these words, and whether any may follow.
    Words(Vec<String>, Rest),
    /// A path in the workspace.
    Glob(PathGlob),
    /// A host.
    Host(String),
}

/// What may follow the words of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// Nothing.
    Nothing,
    /// Any words.
    Any,
}

/// A glob, compiled twice: what grants heeds case, what forbids does not.
#[derive(Clone, Debug)]
pub(crate) struct PathGlob {
    text: String,
    grants: GlobMatcher,
    forbids: GlobMatcher,
}

/// A text that is no rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MalformedRule {
    /// The text.
    pub rule: String,
    /// What is wrong with it, and what to write.
    pub why: String,
}

impl fmt::Display for MalformedRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no rule: {}", visible(&self.rule), self.why)
    }
}

impl std::error::Error for MalformedRule {}

/// The tools whose pattern is a path.
pub(crate) const OF_PATHS: [&str; 6] = ["read", "write", "edit", "ls", "glob", "grep"];

const HOW: &str = "write `tool` or `tool(pattern)`, as in `read`, `bash(git status:*)`, `edit(src/**)`, \
                   `web_fetch(example.org)`";

impl FromStr for Rule {
    type Err = MalformedRule;

    fn from_str(text: &str) -> Result<Self, MalformedRule> {
        let malformed = |why: String| MalformedRule { rule: text.to_owned(), why };
        let trimmed = text.trim();
        let (tool, pattern) = match trimmed.split_once('(') {
            None => (trimmed, None),
            Some((tool, rest)) => {
                let pattern = rest.strip_suffix(')');
                (tool, Some(pattern.ok_or_else(|| malformed(format!("its bracket does not close; {HOW}")))?))
            }
        };
        let is_name = |c: char| c.is_ascii_alphanumeric() || "_-.:/".contains(c);
        if tool.is_empty() || !tool.chars().all(is_name) {
            return Err(malformed(format!("it does not begin with a tool's name; {HOW}")));
        }
        let pattern = match pattern {
            None => Pattern::Any,
            Some("") => {
                return Err(malformed(format!("its pattern is empty; write `{tool}` for every call")));
            }
            Some(pattern) => Pattern::of(tool, pattern).map_err(malformed)?,
        };
        Ok(Rule { tool: tool.to_owned(), pattern })
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tool = &self.tool;
        match &self.pattern {
            Pattern::Any => write!(f, "{tool}"),
            Pattern::Glob(glob) => write!(f, "{tool}({})", glob.text),
            Pattern::Host(host) => write!(f, "{tool}({host})"),
            Pattern::Words(words, rest) => {
                let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
                let rest = if *rest == Rest::Any { ":*" } else { "" };
                write!(f, "{tool}({}{rest})", words.join(" "))
            }
        }
    }
}

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Eq for Rule {}

impl Rule {
    /// Every call of a tool.
    pub(crate) fn any(tool: &str) -> Rule {
        Rule { tool: tool.to_owned(), pattern: Pattern::Any }
    }

    /// The command of exactly these words.
    pub(crate) fn words(words: Vec<String>) -> Rule {
        Rule { tool: "bash".to_owned(), pattern: Pattern::Words(words, Rest::Nothing) }
    }

    /// Exactly this path; none where no rule can say it.
    pub(crate) fn path(tool: &str, path: &str) -> Option<Rule> {
        // A backslash escapes in a glob, and a name that is not shown as it is would name others too.
        if path.contains(['\\', '\u{fffd}']) || path.chars().any(char::is_control) {
            return None;
        }
        let glob = PathGlob::new(&globset::escape(path)).ok()?;
        Some(Rule { tool: tool.to_owned(), pattern: Pattern::Glob(glob) })
    }

    /// Exactly this host.
    pub(crate) fn host(host: String) -> Rule {
        Rule { tool: "web_fetch".to_owned(), pattern: Pattern::Host(host) }
    }

    /// Which tool it is for.
    pub fn tool(&self) -> &str {
        &self.tool
    }

    pub(crate) fn pattern(&self) -> &Pattern {
        &self.pattern
    }
}

impl Pattern {
    fn of(tool: &str, pattern: &str) -> Result<Pattern, String> {
        match tool {
            "bash" => Pattern::words(pattern),
            "web_fetch" => host::of_rule(pattern).map(Pattern::Host).ok_or_else(|| {
                "its pattern is no host; write exactly one, without scheme, port or `*`, as in \
                 `web_fetch(example.org)`"
                    .to_owned()
            }),
            tool if OF_PATHS.contains(&tool) => PathGlob::new(pattern).map(Pattern::Glob).map_err(|why| {
                format!("{why}; write a path or a glob relative to the workspace, as in `{tool}(src/**)`")
            }),
            tool => Err(format!("`{tool}` takes no pattern; write `{tool}` for every call of it")),
        }
    }

    fn words(pattern: &str) -> Result<Pattern, String> {
        let (words, rest) = match pattern.strip_suffix(":*") {
            Some(words) => (words, Rest::Any),
            None => (pattern, Rest::Nothing),
        };
        if words.trim().is_empty() {
            return Err(
                "it names no command; write `bash` for every line, or begin with a command's name".to_owned()
            );
        }
        let words = pattern_words(words).ok_or_else(|| {
            "its words hold something that the shell would replace or that joins commands; write one command's words, \
             others in single quotes, and `:*` at the end for any words after them, as in `bash(git status:*)`"
                .to_owned()
        })?;
        Ok(Pattern::Words(words, rest))
    }
}

impl PathGlob {
    fn new(glob: &str) -> Result<PathGlob, String> {
        let text = glob.trim_start_matches("./");
        let leaves = text.starts_with(['/', '~']) || text.split('/').any(|name| name == "..");
        if leaves {
            return Err("its path leaves the workspace".to_owned());
        }
        if text.is_empty() || text.ends_with('/') {
            return Err("its path names no file; end it with `**` for all in a folder".to_owned());
        }
        let compiled = |heeds_case: Case| {
            let glob = GlobBuilder::new(text)
                .literal_separator(true)
                .backslash_escape(true)
                .case_insensitive(heeds_case == Case::Ignored)
                .build();
            glob.map(|glob| glob.compile_matcher())
                .map_err(|wrong| format!("its glob is wrong: {}", wrong.kind()))
        };
        Ok(PathGlob {
            text: text.to_owned(),
            grants: compiled(Case::Heeded)?,
            forbids: compiled(Case::Ignored)?,
        })
    }

    /// Whether the glob is this very path and no other.
    pub(crate) fn names(&self, path: &str) -> bool {
        self.text == path || self.text == globset::escape(path)
    }

    pub(crate) fn grants(&self, path: &str) -> bool {
        self.grants.is_match(path)
    }

    pub(crate) fn forbids(&self, path: &str) -> bool {
        self.forbids.is_match(path)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Case {
    Heeded,
    Ignored,
}
