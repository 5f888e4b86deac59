//! Judges a shell line: each of its commands by the rules, and what is not known of it.
use std::cell::OnceCell;

use super::{
    explanation::{Outcome, Step},
    git::{Git, GitConfig},
    leads::Leads,
    protected::{paths_in, protected},
    rule::{Pattern, Rest, Rule},
    set::{List, Placed, Rules},
    shell::{Line, Simple, Word, wrappers},
};

const BASH: &str = "bash";
const THE_LINE: &str = "the line";
/// Bytes of a path that the system takes.
const LONGEST_PATH: usize = 4_096;

/// A shell line before the rules.
pub(crate) struct Judged<'a> {
    rules: &'a Rules,
    git: &'a Git,
    leads: Option<&'a dyn Leads>,
    /// What git says, read once for the line and only where it matters.
    facts: OnceCell<GitConfig>,
    line: Line,
}

impl<'a> Judged<'a> {
    pub(crate) fn new(rules: &'a Rules, git: &'a Git, leads: Option<&'a dyn Leads>, text: &str) -> Self {
        Judged { rules, git, leads, facts: OnceCell::new(), line: Line::read(text) }
    }

    /// What becomes of each part of the line.
    pub(crate) fn steps(&self) -> Vec<Step> {
        let mut steps: Vec<Step> = self.line.commands.iter().map(|command| self.command(command)).collect();
        steps.extend(self.line.inner.iter().filter_map(|command| self.forbidden(command)));
        if let Some(wide) = self.every_line() {
            steps.extend(self.protected_files());
            steps.extend(self.hides_from_rules(wide));
        } else {
            let unknown = self.line.unknown.iter();
            steps.extend(unknown.map(|what| Step::ask(THE_LINE, format!("it holds {what}"), None)));
            steps.extend(self.changes());
        }
        if steps.is_empty() {
            steps.push(Step::ask(THE_LINE, "it holds no command", None));
        }
        steps
    }

    fn command(&self, command: &Simple) -> Step {
        self.forbidden(command).unwrap_or_else(|| self.granted(command))
    }

    /// The rule that refuses a command or asks for it.
    fn forbidden(&self, command: &Simple) -> Option<Step> {
        let of = |list, outcome| {
            let rule = self.rules.of(list, BASH).find(|placed| forbids(placed, command))?;
            Some(Step::by(rule, outcome, command.shown()))
        };
        of(List::Deny, Outcome::Deny).or_else(|| of(List::Ask, Outcome::Ask))
    }

    fn granted(&self, command: &Simple) -> Step {
        let shown = command.shown();
        let Some(words) = command.known() else {
            return match self.every_line() {
                Some(rule) => Step::by(rule, Outcome::Allow, shown),
                None => Step::ask(shown, "its words are not all known", None),
            };
        };
        let exact = Some(Rule::words(words.clone()));
        if let Some(why) = self.asks_as_git(&words) {
            return Step::ask(shown, why, None);
        }
        let allows = || self.rules.of(List::Allow, BASH);
        if let Some(rule) = allows().find(|placed| is_exactly(placed, &words)) {
            return Step::by(rule, Outcome::Allow, shown);
        }
        if let Some(path) = words.iter().skip(1).find_map(|word| self.protected_in(word)) {
            return Step::ask(
                shown,
                format!("{path} is protected, and only a rule with exactly these words grants it"),
                exact,
            );
        }
        if let Some(rule) = self.every_line() {
            return Step::by(rule, Outcome::Allow, shown);
        }
        if let Some(why) = wrappers::runs_others(&words) {
            return Step::ask(
                shown,
                format!("{why}, and only a rule with exactly these words grants it"),
                exact,
            );
        }
        match allows().find(|placed| begins(placed, &words)) {
            Some(rule) => Step::by(rule, Outcome::Allow, shown),
            None => Step::ask(shown, "no rule grants it", exact),
        }
    }

    /// The rule that grants every line, `bash`.
    fn every_line(&self) -> Option<&Placed> {
        self.rules.of(List::Allow, BASH).find(|placed| matches!(placed.rule.pattern(), Pattern::Any))
    }

    /// Why a git command asks, whatever is granted by its words.
    fn asks_as_git(&self, words: &[String]) -> Option<String> {
        if !wrappers::is_git(words) || self.every_line().is_some() {
            return None;
        }
        match self.facts.get_or_init(|| self.git.now()) {
            GitConfig::Plain => None,
            GitConfig::NotRead => {
                Some("it is not known whether the repository's config names programs".to_owned())
            }
            GitConfig::Names(keys) => {
                Some(format!("the repository's config names programs: {}", keys.join(", ")))
            }
        }
    }

    /// Where a rule grants every line, what a rule for some lines could not see in this one.
    fn hides_from_rules(&self, wide: &Placed) -> Option<Step> {
        let hidden = self.line.unknown.iter().chain(&self.line.inner_unknown).next()?;
        let mut narrower = [List::Deny, List::Ask].into_iter().flat_map(|list| self.rules.of(list, BASH));
        Some(match narrower.next() {
            Some(rule) => {
                Step::ask(THE_LINE, format!("it holds {hidden}, where {rule} may not see a command"), None)
            }
            None => Step::by(wide, Outcome::Allow, THE_LINE),
        })
    }

    /// Files that give rights, named by a redirection or inside of a line that a wide rule would grant.
    fn protected_files(&self) -> Option<Step> {
        let words = self.line.commands.iter().chain(&self.line.inner).flat_map(Simple::texts);
        let partly = words.filter(|_| !self.line.unknown.is_empty());
        let path =
            partly.chain(self.line.files.iter().map(Word::text)).find_map(|word| self.protected_in(word))?;
        Some(Step::ask(THE_LINE, format!("{path} is protected"), None))
    }

    /// The protected path that a word holds, or that a part of it leads to.
    fn protected_in(&self, word: &str) -> Option<String> {
        if let Some(path) = paths_in(word).find(|path| protected(path).is_some()) {
            return Some(path.to_owned());
        }
        let leads = self.leads?;
        paths_in(word).filter(|path| path.len() <= LONGEST_PATH).find_map(|path| {
            let led = leads.leads(path)?;
            protected(&led.leads).map(|_| format!("{path} -> {}", led.leads))
        })
    }

    /// What a command of the line changes for those beside it: their grants were given for something else.
    fn changes(&self) -> Option<Step> {
        let all: Vec<Vec<String>> = self.line.commands.iter().map(Simple::known_start).collect();
        if all.len() < 2 {
            return None;
        }
        if let Some(words) = all.iter().find(|words| wrappers::changes_shell(words)) {
            let why = format!("{} may change what the other commands do", words[0]);
            return Some(Step::ask(THE_LINE, why, None));
        }
        let moves = all.iter().any(|words| wrappers::changes_directory(words));
        let depends = |words: &&Vec<String>| wrappers::is_git(words) || is_relative_program(words);
        let dependent = all.iter().find(depends).filter(|_| moves)?;
        let why = format!("{} means something else in another directory", dependent[0]);
        Some(Step::ask(THE_LINE, why, None))
    }
}

fn is_relative_program(words: &[String]) -> bool {
    words.first().is_some_and(|name| name.contains('/') && !name.starts_with('/'))
}

fn is_exactly(placed: &Placed, words: &[String]) -> bool {
    matches!(placed.rule.pattern(), Pattern::Words(rule, Rest::Nothing) if rule == words)
}

fn begins(placed: &Placed, words: &[String]) -> bool {
    matches!(placed.rule.pattern(), Pattern::Words(rule, Rest::Any) if words.starts_with(rule))
}

/// Whether a rule that forbids is meant by a command. Where it may be, it is.
fn forbids(placed: &Placed, command: &Simple) -> bool {
    let (rule, rest) = match placed.rule.pattern() {
        Pattern::Any => return true,
        Pattern::Words(rule, rest) => (rule, *rest),
        Pattern::Glob(_) | Pattern::Host(_) => return false,
    };
    let words = with_subcommand(command.known_start());
    let complete = command.known().is_some();
    // Behind a wrapper any word may be the command.
    let starts = if wrappers::launches(&words) { words.len() } else { 1 };
    (0..starts.min(words.len())).any(|start| fits(rule, rest, &words[start..], complete))
}

/// The words with git's subcommand as a word of its own, where it is a program of its own: `git-push` for `git push`.
fn with_subcommand(mut words: Vec<String>) -> Vec<String> {
    let found = words.iter().enumerate().find_map(|(at, word)| {
        let subcommand = wrappers::program(word).strip_prefix("git-")?;
        (at == 0 || wrappers::launches(&words)).then(|| (at, subcommand.to_owned()))
    });
    if let Some((at, subcommand)) = found {
        words.splice(at..=at, ["git".to_owned(), subcommand]);
    }
    words
}

fn fits(rule: &[String], rest: Rest, words: &[String], complete: bool) -> bool {
    let (Some((rule_name, rule_words)), Some((name, arguments))) = (rule.split_first(), words.split_first())
    else {
        return false;
    };
    let same_name =
        [name.as_str(), wrappers::program(name)].iter().any(|name| name.eq_ignore_ascii_case(rule_name));
    let at = |from: usize| match rest {
        Rest::Any => arguments[from..].starts_with(rule_words),
        Rest::Nothing => complete && arguments[from..] == *rule_words,
    };
    // Options before a subcommand do not hide it: `git -C . push`.
    let has_options =
        arguments.first().is_some_and(|first| first.starts_with(['-', '+'])) && !rule_words.is_empty();
    let starts = if has_options { arguments.len() } else { 1 };
    same_name && (0..starts).any(|from| from <= arguments.len() && at(from))
}
