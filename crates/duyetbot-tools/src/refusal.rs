//! Why a call was not done, in words for the model.
use duyetbot_core::ToolResult;
#[cfg(unix)]
use std::{fmt, io};

/// A sentence that says what is wrong and what to do instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal(String);

/// What a tool has to say.
pub(crate) type Outcome = Result<String, Refusal>;

impl Refusal {
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Refusal(sentence.into())
    }

    /// The system refused; `what` names what was tried, such as `src/a.rs cannot be read`.
    #[cfg(unix)]
    pub(crate) fn io(what: impl fmt::Display, cause: &io::Error) -> Self {
        Refusal(format!("{what}: {}", words_of(cause)))
    }
}

#[cfg(unix)]
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Refusal> for ToolResult {
    fn from(refusal: Refusal) -> Self {
        ToolResult::error(refusal.0)
    }
}

/// The outcome as the result of a call.
pub(crate) fn result_of(outcome: Outcome) -> ToolResult {
    outcome.map_or_else(ToolResult::from, ToolResult::success)
}

#[cfg(unix)]
fn words_of(cause: &io::Error) -> String {
    match cause.kind() {
        io::ErrorKind::StorageFull => "the disk is full".to_owned(),
        io::ErrorKind::FileTooLarge => {
            "the file would be larger than the system or this process's limit (ulimit -f) allows".to_owned()
        }
        io::ErrorKind::QuotaExceeded => "the disk quota is used up".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => cause.to_string(),
    }
}
