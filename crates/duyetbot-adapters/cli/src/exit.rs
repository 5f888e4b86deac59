//! Errors to exit codes and to words on standard error.
use duyetbot_core::{Code, Error, ErrorKind};
use std::process::ExitCode;

/// What is invalid, but not by how the program was called.
const FAILURES: [Code; 4] =
    [Code::ContextLength, Code::RequestRefused, Code::NotADatabase, Code::NewerSchema];

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done,
    /// Failed.
    Failed,
    /// Used wrongly.
    Usage,
    /// Not signed in, or a provider refused the key.
    Unauthorized,
    /// A limit or guard.
    Limit,
    /// A call was refused because nobody could decide.
    Refused,
    /// Stopped by a person.
    Stopped,
}

impl Exit {
    /// The documented number.
    pub(crate) fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Unauthorized => 3,
            Exit::Limit => 4,
            Exit::Refused => 5,
            Exit::Stopped => 130,
        }
    }
    /// The code of an error.
    pub(crate) fn of(error: &Error) -> Exit {
        match error.kind() {
            ErrorKind::Unauthorized | ErrorKind::Forbidden => Exit::Unauthorized,
            ErrorKind::LimitReached => Exit::Limit,
            ErrorKind::Cancelled => Exit::Stopped,
            ErrorKind::Invalid if !FAILURES.iter().any(|code| error.is(*code)) => Exit::Usage,
            _ => Exit::Failed,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}
