//! Shell lines: which commands are in one, in which words, and what of it cannot be told without running it.
//!
//! Measured on about fifty hostile lines: `tree-sitter-bash` 0.25 misreads here-documents, `1<>`, `coproc` and a line
//! continuation and needs a C compiler; `brush-parser` 0.3 read all, in 5 µs a line, and builds for wasm32.
//! (0.4 reads them alike, but brings test tools and C into the build; `yash-syntax` is under the GPL.)
mod grammar;
mod inner;
mod interpreters;
mod limits;
mod reading;
mod redirection;
mod word;
pub(crate) mod wrappers;

pub(crate) use grammar::pattern_words;
pub(crate) use word::{Word, quoted};

/// A line as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Line {
    /// Every simple command of the line itself.
    pub(crate) commands: Vec<Simple>,
    /// Those in lines inside it, as far as they were found: in a substitution, in the argument of `sh -c`.
    pub(crate) inner: Vec<Simple>,
    /// The files that its redirections name.
    pub(crate) files: Vec<Word>,
    /// What is not known of it, a phrase each. A line with such a phrase runs only where a person says so.
    pub(crate) unknown: Vec<String>,
    /// What is not known of what its commands run by their words or their input. The words themselves are known.
    pub(crate) inner_unknown: Vec<String>,
}

/// A simple command: a name and its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Simple {
    /// Its words, the name first.
    pub(crate) words: Vec<Word>,
}

impl Line {
    /// Reads a line.
    pub(crate) fn read(text: &str) -> Line {
        reading::read(text)
    }

    /// Whether git may run in it, as a command of its own or as a word of one that runs others.
    pub(crate) fn has_git(&self) -> bool {
        let commands = || self.commands.iter().chain(&self.inner);
        commands().any(|command| command.words.iter().filter_map(Word::known).any(wrappers::is_git_program))
    }
}

impl Simple {
    /// All its words, where all are known.
    pub(crate) fn known(&self) -> Option<Vec<String>> {
        self.words.iter().map(|word| word.known().map(str::to_owned)).collect()
    }

    /// Its words as far as they are known from the first on.
    pub(crate) fn known_start(&self) -> Vec<String> {
        self.words.iter().map_while(Word::known).map(str::to_owned).collect()
    }

    /// All its words, the unknown ones as they stand in the line.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(Word::text)
    }

    /// The command as a person would write it.
    pub(crate) fn shown(&self) -> String {
        let words = self.words.iter().map(|word| match word {
            Word::Known(text) => quoted(text),
            Word::Unknown { raw, .. } => raw.clone(),
        });
        words.collect::<Vec<_>>().join(" ")
    }
}
