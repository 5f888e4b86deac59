//! Errors as RFC 9457 problem documents.
use duyetbot_core::{Code, Error, ErrorKind, Retry};
use serde::{Deserialize, Serialize};

/// Every KIND of `urn:duyetbot:KIND`: the kinds of errors, the codes of [`Code::ALL`], and what only HTTP knows. The list
/// is closed.
pub const KINDS: &[&str] = &[
    "cancelled",
    "conflict",
    "content_differs",
    "context_length",
    "cost_limit",
    "cursor_unknown",
    "damaged",
    "disk_full",
    "email_taken",
    "empty_answer",
    "erased",
    "forbidden",
    "identity_taken",
    "internal",
    "invalid",
    "key_missing",
    "key_refused",
    "limit_reached",
    "method_not_allowed",
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
    "stale_epoch",
    "step_limit",
    "text_rule",
    "timeout",
    "token_limit",
    "too_large",
    "unauthorized",
    "unavailable",
    "unsupported",
    "unsupported_media_type",
    "user_erased",
];

/// A problem document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
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
    /// What it is about: over HTTP the request's id, as it stands in the server's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// The run that is in the way, or that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// Which limit was reached: `sessions`, `messages_per_session`, `storage_bytes`, `api_tokens`, `requests_per_minute` or
    /// `runs_at_once`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    /// The fields of the request that are unknown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
}

impl Problem {
    /// A problem of this kind, one of [`KINDS`].
    pub fn new(kind: &str, title: &str, status: u16, detail: impl Into<String>) -> Self {
        Problem {
            kind: format!("urn:duyetbot:{kind}"),
            title: title.to_owned(),
            status,
            detail: detail.into(),
            instance: None,
            run_id: None,
            limit: None,
            fields: Vec::new(),
        }
    }
}

impl From<&Error> for Problem {
    fn from(error: &Error) -> Self {
        let (word, title, status) = of(error.kind());
        let limit = error.code().and_then(limit);
        let word = match error.code() {
            Some(code) if limit.is_none() => code.as_str(),
            _ => word,
        };
        let status = match error.code() {
            Some(Code::RateLimited | Code::RunLimit) => 429,
            Some(Code::CursorUnknown) => 400,
            _ => status,
        };
        let run = error.context().iter().find(|(key, _)| *key == "run");
        Problem {
            run_id: run.map(|(_, run)| run.clone()),
            limit: limit.map(str::to_owned),
            ..Problem::new(word, title, status, error.message())
        }
    }
}

/// The limit that a code tells of, by the name of its setting: to a program all are `limit_reached`.
fn limit(code: Code) -> Option<&'static str> {
    match code {
        Code::SessionLimit => Some("sessions"),
        Code::MessageLimit => Some("messages_per_session"),
        Code::StorageLimit => Some("storage_bytes"),
        Code::ApiTokenLimit => Some("api_tokens"),
        Code::RunLimit => Some("runs_at_once"),
        _ => None,
    }
}

impl From<Problem> for Error {
    /// The failure that the problem tells of. When to try again stands beside it, in a header.
    fn from(problem: Problem) -> Self {
        let word = problem.kind.rsplit(':').next().unwrap_or_default();
        let of_limit = |code: &Code| limit(*code).is_some() && limit(*code) == problem.limit.as_deref();
        let mut codes = Code::ALL.iter().copied();
        let code = match word {
            "limit_reached" => codes.find(of_limit),
            word => codes.find(|code| code.as_str() == word),
        };
        let kind = kind_of(word, code, problem.status);
        let mut error = Error::new(kind, problem.detail);
        if let Some(code) = code {
            error = error.with_code(code);
        }
        if let Some(run) = problem.run_id {
            error = error.with_context("run", run);
        }
        if let Some(request) = problem.instance {
            error = error.with_context("request", request);
        }
        if kind == ErrorKind::Unavailable { error.with_retry(Retry::Now) } else { error }
    }
}

/// The kind of a problem: its word where that is one, else what its status says.
fn kind_of(word: &str, code: Option<Code>, status: u16) -> ErrorKind {
    if let Some(kind) = ALL_KINDS.into_iter().find(|kind| of(*kind).0 == word) {
        return kind;
    }
    match (status, code) {
        (403, Some(_)) => ErrorKind::LimitReached,
        (401, _) => ErrorKind::Unauthorized,
        (403, None) => ErrorKind::Forbidden,
        (404, _) => ErrorKind::NotFound,
        (409, _) => ErrorKind::Conflict,
        (499, _) => ErrorKind::Cancelled,
        (408 | 425 | 429 | 502..=504, _) => ErrorKind::Unavailable,
        (405 | 501, _) => ErrorKind::Unsupported,
        (400..=499, _) => ErrorKind::Invalid,
        _ => ErrorKind::Internal,
    }
}

const ALL_KINDS: [ErrorKind; 10] = [
    ErrorKind::NotFound,
    ErrorKind::Conflict,
    ErrorKind::LimitReached,
    ErrorKind::Invalid,
    ErrorKind::Unauthorized,
    ErrorKind::Forbidden,
    ErrorKind::Unavailable,
    ErrorKind::Cancelled,
    ErrorKind::Unsupported,
    ErrorKind::Internal,
];

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
        // What this server will not do, whoever asks and however often: no failure of its own, that would be tried again.
        ErrorKind::Unsupported => ("unsupported", "Not supported", 403),
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
            assert!(limit(*code).is_some() || KINDS.contains(&code.as_str()), "{code:?}");
        }
        let words = ALL_KINDS.map(|kind| of(kind).0);
        assert!(words.into_iter().all(|word| KINDS.contains(&word)));
    }

    #[test]
    fn a_reached_limit_is_one_kind_and_says_which() {
        let error = Error::new(ErrorKind::LimitReached, "delete some").with_code(Code::SessionLimit);
        let problem = Problem {
            limit: Some("sessions".into()),
            ..Problem::new("limit_reached", "Limit reached", 403, "delete some")
        };
        assert_eq!(Problem::from(&error), problem);
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

    #[test]
    fn an_error_comes_back_from_its_problem_with_kind_code_run_and_words() {
        let told = |error: &Error| (error.kind(), error.code(), error.message().to_owned());
        let run = |error: &Error| error.context().iter().find(|(key, _)| *key == "run").cloned();
        let through = |error: Error| {
            let error = error.with_context("run", "r");
            let back = Error::from(Problem::from(&error));
            assert_eq!((told(&back), run(&back)), (told(&error), run(&error)));
        };
        for kind in ALL_KINDS {
            through(Error::new(kind, "words"));
        }
        // The kinds that codes have where they are made.
        for (kind, codes) in [
            (
                ErrorKind::Conflict,
                &[Code::StaleEpoch, Code::ContentDiffers, Code::RunActive, Code::Erased][..],
            ),
            (ErrorKind::LimitReached, &[Code::SessionLimit, Code::StorageLimit, Code::QuotaExhausted]),
            (ErrorKind::LimitReached, &[Code::StepLimit, Code::CostLimit, Code::RepeatedCall]),
            (ErrorKind::Unauthorized, &[Code::KeyMissing, Code::KeyRefused]),
            (ErrorKind::Invalid, &[Code::CursorUnknown, Code::TextRule, Code::ContextLength]),
            (ErrorKind::Unavailable, &[Code::RateLimited, Code::Network, Code::Overloaded, Code::DiskFull]),
            (ErrorKind::NotFound, &[Code::ModelUnknown]),
        ] {
            codes.iter().for_each(|code| through(Error::new(kind, "words").with_code(*code)));
        }
        assert_eq!(Error::from(Problem::new("of_tomorrow", "New", 409, "no")).kind(), ErrorKind::Conflict);
    }
}
