//! From the parser's tree to the commands of a line and what is not known of it.
//!
//! Nothing is skipped: a construct that asks anyway is walked too, so that a deny rule meets what runs inside.
use brush_parser::ast::{
    AndOr, Assignment, AssignmentValue, Command, CommandPrefixOrSuffixItem, CompoundCommand, CompoundList,
    ExtendedTestExpr, FunctionDefinition, IoRedirect, Pipeline, SimpleCommand, UnexpandedArithmeticExpr,
};

use super::{
    Line, Simple, grammar, inner, interpreters, limits,
    redirection::{self, Touches, touches},
    word::{Word, quoted},
    wrappers,
};
use crate::rules::visible::is_hidden;

/// How deep lines inside lines are read: `$(…)`, `sh -c '…'`.
const DEEPEST: u8 = 4;

/// Words that bash reads as a part of its grammar, and that the parser may hand over as a command's name.
const KEYWORDS: [&str; 6] = ["coproc", "select", "function", "time", "[[", "]]"];

pub(super) fn read(text: &str) -> Line {
    let mut reader = Reader { line: Line::default(), deep: DEEPEST };
    if let Some(c) = text.chars().find(|c| !matches!(c, '\t' | '\n') && is_hidden(*c)) {
        reader.unknown(format!("the character U+{:04X}", u32::from(c)));
    }
    reader.text(text);
    reader.line
}

struct Reader {
    line: Line,
    deep: u8,
}

impl Reader {
    fn unknown(&mut self, what: impl Into<String>) {
        let what = what.into();
        if !self.line.unknown.contains(&what) {
            self.line.unknown.push(what);
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(why) = limits::beyond(text) {
            return self.unknown(format!("a line that is not read: {why}"));
        }
        let Some(program) = grammar::program(text) else {
            return self.unreadable(text);
        };
        for list in &program.complete_commands {
            self.list(list);
        }
    }

    /// Bash may read and run a part of what the parser does not read at all.
    fn unreadable(&mut self, text: &str) {
        self.unknown("a line that bash's grammar does not read");
        for raw in grammar::cut_at_commands(text) {
            let command = raw.iter().skip_while(|raw| raw.contains('='));
            let words: Vec<Word> = command.map(|raw| self.word(raw)).collect();
            if !words.is_empty() {
                self.line.inner.push(Simple { words });
            }
        }
    }

    /// A line inside a line: it asks, and its commands are looked at.
    fn inside(&mut self, text: &str) {
        let Some(deep) = self.deep.checked_sub(1) else {
            return self.unknown("lines inside lines, too deep to follow");
        };
        self.deep = deep;
        self.text(text);
        self.deep = deep + 1;
    }

    /// What a text that is not known runs: it was named as unknown before.
    fn inside_word(&mut self, raw: &str) {
        for text in inner::commands_in(raw) {
            self.inside(&text);
        }
    }

    fn list(&mut self, list: &CompoundList) {
        for item in &list.0 {
            self.pipeline(&item.0.first);
            for more in &item.0.additional {
                match more {
                    AndOr::And(pipeline) | AndOr::Or(pipeline) => self.pipeline(pipeline),
                }
            }
        }
    }

    fn pipeline(&mut self, pipeline: &Pipeline) {
        if pipeline.timed.is_some() {
            self.unknown("`time` before a command");
        }
        for command in &pipeline.seq {
            self.command(command);
        }
    }

    fn command(&mut self, command: &Command) {
        match command {
            Command::Simple(simple) => self.simple(simple),
            Command::Compound(compound, redirects) => {
                self.compound(compound);
                self.redirects(redirects.iter().flat_map(|list| &list.0));
            }
            Command::Function(function) => self.function(function),
            Command::ExtendedTest(test) => {
                self.unknown("a test in [[ ]]");
                self.test(&test.expr);
            }
        }
    }

    fn compound(&mut self, compound: &CompoundCommand) {
        match compound {
            CompoundCommand::BraceGroup(group) => self.list(&group.list),
            CompoundCommand::Subshell(subshell) => self.list(&subshell.list),
            CompoundCommand::IfClause(clause) => {
                self.list(&clause.condition);
                self.list(&clause.then);
                for other in clause.elses.iter().flatten() {
                    other.condition.iter().for_each(|condition| self.list(condition));
                    self.list(&other.body);
                }
            }
            CompoundCommand::WhileClause(clause) | CompoundCommand::UntilClause(clause) => {
                self.list(&clause.0);
                self.list(&clause.1.list);
            }
            CompoundCommand::ForClause(clause) => {
                // One small letter is no variable that a program reads from its environment.
                if !matches!(clause.variable_name.as_bytes(), [b'a'..=b'z']) || clause.values.is_none() {
                    self.unknown(format!("a loop that sets {}", clause.variable_name));
                }
                for value in clause.values.iter().flatten() {
                    self.plain_word(&value.value, "the words of a loop");
                }
                self.list(&clause.body.list);
            }
            CompoundCommand::CaseClause(clause) => {
                self.unknown("a choice by pattern (case)");
                self.inside_word(&clause.value.value);
                for item in &clause.cases {
                    item.patterns.iter().for_each(|pattern| self.inside_word(&pattern.value));
                    item.cmd.iter().for_each(|list| self.list(list));
                }
            }
            CompoundCommand::Arithmetic(command) => self.arithmetic(&command.expr),
            CompoundCommand::ArithmeticForClause(clause) => {
                for part in [&clause.initializer, &clause.condition, &clause.updater] {
                    part.iter().for_each(|part| self.arithmetic(part));
                }
                self.unknown("arithmetic");
                self.list(&clause.body.list);
            }
        }
    }

    fn arithmetic(&mut self, expression: &UnexpandedArithmeticExpr) {
        self.unknown("arithmetic");
        self.inside_word(&expression.value);
    }

    fn function(&mut self, function: &FunctionDefinition) {
        self.unknown(format!("a function, {}", quoted(&function.fname.value)));
        self.compound(&function.body.0);
        self.redirects(function.body.1.iter().flat_map(|list| &list.0));
    }

    fn test(&mut self, expression: &ExtendedTestExpr) {
        match expression {
            ExtendedTestExpr::And(left, right) | ExtendedTestExpr::Or(left, right) => {
                self.test(left);
                self.test(right);
            }
            ExtendedTestExpr::Not(inner) | ExtendedTestExpr::Parenthesized(inner) => self.test(inner),
            ExtendedTestExpr::UnaryTest(_, word) => self.inside_word(&word.value),
            ExtendedTestExpr::BinaryTest(_, left, right) => {
                self.inside_word(&left.value);
                self.inside_word(&right.value);
            }
        }
    }

    fn simple(&mut self, command: &SimpleCommand) {
        let mut words = Vec::new();
        for item in command.prefix.iter().flat_map(|prefix| &prefix.0) {
            self.item(item, &mut Vec::new());
        }
        words.extend(command.word_or_name.iter().map(|word| self.word(&word.value)));
        let mut before = command.word_or_name.as_ref().map(|word| word.value.as_str());
        for item in command.suffix.iter().flat_map(|suffix| &suffix.0) {
            if let (Some(name), CommandPrefixOrSuffixItem::IoRedirect(_)) =
                (before.and_then(redirection::variable), item)
            {
                self.unknown(format!("an assignment, {name}"));
            }
            before = match item {
                CommandPrefixOrSuffixItem::Word(word) => Some(word.value.as_str()),
                _ => None,
            };
            match item {
                // After the command's name this is an argument like any other.
                CommandPrefixOrSuffixItem::AssignmentWord(_, word) => words.push(self.word(&word.value)),
                item => self.item(item, &mut words),
            }
        }
        if words.is_empty() {
            return;
        }
        let simple = Simple { words };
        let start = simple.known_start();
        if start.first().is_some_and(|name| KEYWORDS.contains(&name.as_str())) {
            self.unknown(format!("{} at a command's start", start[0]));
        }
        let place = if self.deep == DEEPEST { &mut self.line.commands } else { &mut self.line.inner };
        place.push(simple);
        self.lines_of_a_wrapper(&start);
    }

    /// `sh -c 'rm x'` runs a line that stands in one word. It needs a rule of its own; a deny rule sees into it.
    fn lines_of_a_wrapper(&mut self, words: &[String]) {
        self.line.inner_unknown.extend(interpreters::evaluates(words));
        if !wrappers::launches(words) {
            return;
        }
        let outer = std::mem::take(&mut self.line.unknown);
        for line in words.iter().skip(1).flat_map(|word| wrappers::lines_in(word)) {
            self.inside(line);
        }
        let inner = std::mem::replace(&mut self.line.unknown, outer);
        self.line.inner_unknown.extend(inner);
    }

    fn item(&mut self, item: &CommandPrefixOrSuffixItem, words: &mut Vec<Word>) {
        match item {
            CommandPrefixOrSuffixItem::IoRedirect(redirect) => self.redirects([redirect]),
            CommandPrefixOrSuffixItem::Word(word) => words.push(self.word(&word.value)),
            CommandPrefixOrSuffixItem::AssignmentWord(assignment, _) => self.assignment(assignment),
            CommandPrefixOrSuffixItem::ProcessSubstitution(_, subshell) => {
                self.unknown("a process substitution");
                self.list(&subshell.list);
            }
        }
    }

    fn assignment(&mut self, assignment: &Assignment) {
        self.unknown(format!("an assignment, {}", assignment.name));
        self.inside_word(&assignment.name.to_string());
        match &assignment.value {
            AssignmentValue::Scalar(word) => self.inside_word(&word.value),
            AssignmentValue::Array(elements) => {
                for (key, value) in elements {
                    key.iter().for_each(|key| self.inside_word(&key.value));
                    self.inside_word(&value.value);
                }
            }
        }
    }

    fn redirects<'a>(&mut self, redirects: impl IntoIterator<Item = &'a IoRedirect>) {
        for redirect in redirects {
            match touches(redirect) {
                Touches::Nothing => {}
                Touches::Something(what, text) => {
                    self.unknown(what);
                    self.inside_word(text);
                }
                Touches::File(what, name) => {
                    self.unknown(what);
                    self.line.files.push(Word::read(name));
                    self.inside_word(name);
                }
                Touches::Commands(subshell) => {
                    self.unknown("a process substitution");
                    self.list(&subshell.list);
                }
            }
        }
    }

    fn word(&mut self, raw: &str) -> Word {
        let word = Word::read(raw);
        if let Word::Unknown { raw, why } = &word {
            self.unknown(format!("{why} in {raw}"));
            self.inside_word(raw);
        }
        word
    }

    fn plain_word(&mut self, raw: &str, place: &str) {
        if let Word::Unknown { raw, why } = Word::read(raw) {
            self.unknown(format!("{why} in {place}"));
            self.inside_word(&raw);
        }
    }
}
