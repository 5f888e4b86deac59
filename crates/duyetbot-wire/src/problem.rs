//! Errors as RFC 9457 problem documents.
use duyetbot_core::{Code, Error, ErrorKind};
use serde::{Deserialize, Serialize};

/// Every KIND of `urn:duyetbot:KIND`: the kinds of errors, and the codes of [`Code::ALL`]. The list is closed.
pub const KINDS: &[&str] = &[
    "cancelled",
    "conflict",
    "content_differs",
    "context_length",
    "cost_limit",
    "damaged",
    "disk_full",
    "empty_answer",
    "erased",
    "forbidden",
    "internal",
    "invalid",
    "key_missing",
    "key_refused",
    "limit_reached",
    "message_limit",
    "model_unknown",
    "network",
    "newer_schema",
    "not_a_database",
    "not_found",
    "not_pending",
    "overloaded",
    "parent_missing",
    "protocol",
    "quota_exhausted",
    "rate_limited",
    "read_only",
    "repeated_call",
    "request_refused",
    "run_active",
    "session_limit",
    "stale_epoch",
    "step_limit",
    "storage_limit",
    "text_rule",
    "token_limit",
    "too_large",
    "unauthorized",
    "unavailable",
    "unsupported",
];

/// A problem document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// `urn:duyetbot:KIND`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What kind of failure it is, for people.
    pub title: String,
    /// The HTTP status that it has, or would have.
    pub status: u16,
    /// A sentence that says what to do.
    pub detail: String,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
}

impl From<&Error> for Problem {
    fn from(error: &Error) -> Self {
        let (word, title, status) = of(error.kind());
        Problem {
            kind: format!("urn:duyetbot:{}", error.code().map_or(word, Code::as_str)),
            title: title.to_owned(),
            status: if error.is(Code::RateLimited) { 429 } else { status },
            detail: error.message().to_owned(),
            instance: None,
        }
    }
}

fn of(kind: ErrorKind) -> (&'static str, &'static str, u16) {
    match kind {
        ErrorKind::NotFound => ("not_found", "Not found", 404),
        ErrorKind::Conflict => ("conflict", "Conflict", 409),
        ErrorKind::LimitReached => ("limit_reached", "Limit reached", 403),
        ErrorKind::Invalid => ("invalid", "Invalid request", 422),
        ErrorKind::Unauthorized => ("unauthorized", "Not signed in", 401),
        ErrorKind::Forbidden => ("forbidden", "Not allowed", 403),
        ErrorKind::Unavailable => ("unavailable", "Unavailable", 503),
        ErrorKind::Cancelled => ("cancelled", "Stopped", 499),
        ErrorKind::Unsupported => ("unsupported", "Not supported", 501),
        _ => ("internal", "Internal error", 500),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_and_kind_stands_in_the_list_and_it_is_in_order() {
        assert!(KINDS.windows(2).all(|w| w[0] < w[1]));
        for code in Code::ALL {
            assert!(KINDS.contains(&code.as_str()), "{code:?}");
        }
        let words = [ErrorKind::NotFound, ErrorKind::Conflict, ErrorKind::LimitReached, ErrorKind::Invalid]
            .into_iter()
            .chain([
                ErrorKind::Unauthorized,
                ErrorKind::Forbidden,
                ErrorKind::Unavailable,
                ErrorKind::Cancelled,
            ])
            .chain([ErrorKind::Unsupported, ErrorKind::Internal])
            .map(|kind| of(kind).0);
        assert!(words.into_iter().all(|word| KINDS.contains(&word)));
    }

    #[test]
    fn a_problem_has_the_code_and_the_sentence() {
        let error = Error::new(ErrorKind::Unavailable, "wait a little").with_code(Code::RateLimited);
        let json = serde_json::to_string(&Problem::from(&error)).unwrap();
        assert_eq!(
            json,
            r#"{"type":"urn:duyetbot:rate_limited","title":"Unavailable","status":429,"detail":"wait a little"}"#
        );
    }
}
