//! Standard output and standard error: answers on one, everything else on the other.
use duyetbot_core::{Code, Error, ErrorKind, Result, RunState};
use duyetbot_wire::{Event, Problem};
use serde::Serialize;
use std::{
    borrow::Cow,
    io::{self, IsTerminal, Write},
};

use crate::{approval::Line, args::Format, deciding::colour, environment::Environment, exit::Exit};

/// Writes for people or for programs.
pub(crate) struct Output {
    /// How answers are written.
    pub(crate) format: Format,
    colour: bool,
}

/// Writing to standard output failed.
#[derive(Debug)]
pub(crate) enum Broken {
    /// Nobody reads any more.
    Closed,
    /// It cannot take what is written.
    Failed(io::Error),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Broken::Closed,
            _ => Broken::Failed(error),
        }
    }
}

impl From<Broken> for Error {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Closed => Error::new(ErrorKind::Cancelled, "standard output was closed"),
            Broken::Failed(error) => {
                let full = error.kind() == io::ErrorKind::StorageFull;
                let error =
                    Error::new(ErrorKind::Unavailable, format!("cannot write to standard output: {error}"));
                if full { error.with_code(Code::DiskFull) } else { error }
            }
        }
    }
}

impl Output {
    /// Colour only on a terminal that can, and that wants it.
    pub(crate) fn new(format: Format, environment: &Environment) -> Self {
        Output { format, colour: environment.wants_colour() && io::stderr().is_terminal() }
    }

    /// Without colour, where the environment could not be read.
    pub(crate) fn plain(format: Format) -> Self {
        Output { format, colour: false }
    }

    /// Writes to standard output as it is, at once.
    pub(crate) fn write(&self, text: &str) -> std::result::Result<(), Broken> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        Ok(out.flush()?)
    }

    /// Writes a line of text that may come from elsewhere: without control characters where a terminal reads it.
    pub(crate) fn line(&self, text: &str) -> Result<()> {
        Ok(self.write(&format!("{}\n", self.clean(text)))?)
    }

    /// Text that did not come from us, as this output may show it.
    pub(crate) fn clean<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if io::stdout().is_terminal() { printable(text) } else { Cow::Borrowed(text) }
    }

    /// Writes one JSON document.
    pub(crate) fn json(&self, value: &impl Serialize) -> Result<()> {
        let text = serde_json::to_string(value).map_err(Error::internal)?;
        Ok(self.write(&format!("{text}\n"))?)
    }

    /// Is the answer one JSON document?
    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// A notice on standard error.
    pub(crate) fn notice(&self, text: &str) {
        let text = printable(text);
        let line = if self.colour {
            format!("\x1b[2mduyetbot: {text}\x1b[0m\n")
        } else {
            format!("duyetbot: {text}\n")
        };
        // Where standard error is closed there is nobody left to tell.
        let _ = io::stderr().write_all(line.as_bytes());
    }

    /// A line of what would be done, on standard error, indented.
    pub(crate) fn shown(&self, line: &Line) {
        let (begin, text) = (colour(line.kind), &line.text);
        let line = if self.colour && !begin.is_empty() {
            format!("    {begin}{text}\x1b[0m\n")
        } else {
            format!("    {text}\n")
        };
        self.prompt(&line);
    }

    /// Words of ours on standard error as they are.
    pub(crate) fn prompt(&self, text: &str) {
        // As above.
        let _ = io::stderr().write_all(text.as_bytes());
    }

    /// An error: one sentence on standard error, and the problem on standard output where that is JSON.
    pub(crate) fn error(&self, error: &Error) -> Exit {
        if error.kind() != ErrorKind::Cancelled {
            self.notice(error.message());
        }
        self.document(error)
    }

    /// An error that has been told: the problem on standard output where that is JSON.
    pub(crate) fn document(&self, error: &Error) -> Exit {
        // The exit code tells it too; standard output may be what failed.
        let _ = match self.format {
            Format::Text => Ok(()),
            Format::Json => self.json(&Problem::from(error)),
            Format::StreamJson => {
                self.json(&Event::Error { state: RunState::Failed, error: Problem::from(error) })
            }
        };
        Exit::of(error)
    }
}

/// The text with control characters made visible; line feeds and tabs stay.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    let odd = |c: char| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}')
    };
    if !text.chars().any(odd) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            c if !odd(c) => out.push(c),
            c if (c as u32) < 0x20 => out.push(char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}')),
            '\u{7f}' => out.push('\u{2421}'),
            c => out.push_str(&format!("<U+{:04X}>", c as u32)),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn control_characters_are_shown_where_they_stood() {
        assert_eq!(printable("a\x1b[31mb\r\n\tc"), "a␛[31mb␍\n\tc");
        assert_eq!(printable("x\u{202e}y\u{9b}z\u{7f}"), "x<U+202E>y<U+009B>z␡");
        assert!(matches!(printable("plain é 長"), std::borrow::Cow::Borrowed(_)));
    }
}
