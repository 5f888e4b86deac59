//! What keeps a server from starting: all of it, told at once.
use duyetbot_core::{Error, Result};

use crate::exit::Exit;

/// What keeps a server from starting, as far as the settings say it.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Error>);

impl Faults {
    /// These, which were found before.
    pub(super) fn of(faults: Vec<Error>) -> Self {
        Faults(faults)
    }
    /// What this answers, where it is well.
    pub(super) fn note<T>(&mut self, found: Result<T>) -> Option<T> {
        found.map_err(|fault| self.0.push(fault)).ok()
    }
    /// What was made without a fault.
    pub(super) fn unless_any<T>(self, made: Option<T>) -> std::result::Result<T, Self> {
        match made {
            Some(made) if self.0.is_empty() => Ok(made),
            _ => Err(self),
        }
    }
    /// Each of them in a sentence.
    pub(super) fn sentences(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(Error::message)
    }
    /// How a program ends that has them.
    pub(super) fn exit(&self) -> Exit {
        self.0.first().map_or(Exit::Failed, Exit::of)
    }
    /// All of them as one error.
    pub(super) fn into_error(mut self) -> Error {
        if self.0.len() == 1 {
            return self.0.remove(0);
        }
        let list: String = self.sentences().map(|sentence| format!("\n  {sentence}")).collect();
        let words = format!("{} settings keep the server from starting:{list}", self.0.len());
        match self.0.into_iter().next() {
            Some(first) => first.with_message(words),
            None => Error::invalid(words),
        }
    }
}
