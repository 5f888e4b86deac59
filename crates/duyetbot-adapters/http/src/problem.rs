//! Refusals: every one leaves as a problem document, the framework's own included.
use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use duyetbot_core::{Code, Error, ErrorKind, Retry};
use duyetbot_wire::Problem;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use std::{
    ops::{Deref, DerefMut},
    time::Duration,
};

/// What a handler answers.
pub(crate) type Answer<T> = std::result::Result<T, Refusal>;

/// How long a client is asked to wait where nothing better is known.
const AGAIN: Duration = Duration::from_secs(1);

/// Why a request is refused. The edge writes it, so that all of them have one form. Boxed: most answers are none.
#[derive(Clone, Debug)]
pub(crate) struct Refusal(Box<Reason>);

/// What a refusal says.
#[derive(Clone, Debug)]
pub(crate) struct Reason {
    pub(crate) problem: Problem,
    pub(crate) headers: HeaderMap,
    /// What stays in our log.
    pub(crate) cause: Option<Error>,
}

impl Refusal {
    pub(crate) fn new(problem: Problem) -> Self {
        Refusal(Box::new(Reason { problem, headers: HeaderMap::new(), cause: None }))
    }
    /// What cannot be found, or is another's: one answer for both, and for all routes.
    pub(crate) fn not_found() -> Self {
        let detail = "there is nothing here that you may see";
        Refusal::new(Problem::new("not_found", "Not found", 404, detail))
    }
    /// Bytes that cannot be read as what they should be.
    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Refusal::new(Problem::new("invalid", "Invalid request", 400, detail))
    }
    pub(crate) fn too_large(limit: usize) -> Self {
        let detail = format!("the body is larger than the {limit} bytes that are taken here");
        Refusal::new(Problem::new("too_large", "Too large", 413, detail))
    }
    pub(crate) fn unknown_fields(fields: Vec<String>) -> Self {
        let detail = format!("these fields are unknown here: {}", fields.join(", "));
        Refusal::new(Problem { fields, ..Problem::new("invalid", "Invalid request", 422, detail) })
    }
    pub(crate) fn unavailable(detail: &str) -> Self {
        Refusal::new(Problem::new("unavailable", "Unavailable", 503, detail)).after(AGAIN)
    }
    pub(crate) fn caused_by(mut self, cause: Option<Error>) -> Self {
        self.cause = cause;
        self
    }
    pub(crate) fn into_reason(self) -> Reason {
        *self.0
    }
    pub(crate) fn with(mut self, name: HeaderName, value: impl Into<HeaderValue>) -> Self {
        self.headers.insert(name, value.into());
        self
    }
    /// Says when to come again, in whole seconds.
    pub(crate) fn after(self, wait: Duration) -> Self {
        self.with(header::RETRY_AFTER, wait.as_millis().div_ceil(1000).max(1) as u64)
    }
    /// The refusal of a response that another layer made without one.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        let title = status.canonical_reason().unwrap_or("Refused");
        let (kind, detail) = match status {
            StatusCode::NOT_FOUND => return Refusal::not_found(),
            StatusCode::METHOD_NOT_ALLOWED => (
                "method_not_allowed",
                "this path does not take this method; the header Allow names those that it takes",
            ),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                ("unsupported_media_type", "send the body as application/json")
            }
            StatusCode::PAYLOAD_TOO_LARGE => ("too_large", "the body is larger than what is taken here"),
            StatusCode::REQUEST_TIMEOUT => ("timeout", "the request took too long to arrive"),
            status if status.is_client_error() => ("invalid", "the request cannot be read"),
            _ => ("internal", INTERNAL),
        };
        Refusal::new(Problem::new(kind, title, status.as_u16(), detail))
    }
    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl Deref for Refusal {
    type Target = Reason;
    fn deref(&self) -> &Reason {
        &self.0
    }
}

impl DerefMut for Refusal {
    fn deref_mut(&mut self) -> &mut Reason {
        &mut self.0
    }
}

const INTERNAL: &str = "something failed on our side; try again, and name the request's id where it stays so";

const STORAGE: &str =
    "the storage cannot be used at present; what was stored before is safe. Try again in a while";

/// A failure as a client may see it: of what failed inside, only that it did.
pub(crate) fn public(error: &Error) -> Problem {
    let problem = Problem::from(error);
    let named = error.context().iter().any(|(key, _)| *key == "file");
    let tells_of_a_file = named || error.is(Code::DiskFull) || error.is(Code::ReadOnly);
    match problem.status {
        500 => Problem { detail: INTERNAL.to_owned(), ..problem },
        503 if tells_of_a_file => Problem { detail: STORAGE.to_owned(), ..problem },
        _ => problem,
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        if error.kind() == ErrorKind::NotFound && !error.is(Code::ModelUnknown) {
            return Refusal::not_found();
        }
        let mut refusal = Refusal::new(public(&error));
        if error.kind() == ErrorKind::Unauthorized && error.code().is_none() {
            refusal = refusal.with(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if refusal.problem.status == 499 {
            // A status of others' servers; to a client a stopped run in its way is a conflict.
            refusal.problem.status = 409;
        }
        let wait = match error.retry() {
            Retry::After(wait) => Some(wait),
            Retry::Now => Some(AGAIN),
            Retry::Never if matches!(refusal.problem.status, 429 | 503) => Some(AGAIN),
            Retry::Never => None,
        };
        if let Some(wait) = wait {
            refusal = refusal.after(wait);
        }
        refusal.caused_by(Some(error))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status();
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_inside_is_told_without_its_words() {
        let refusal = Refusal::from(Error::new(ErrorKind::Internal, "no such table: people"));
        assert_eq!(refusal.problem, Problem::new("internal", "Internal error", 500, INTERNAL));
    }

    #[test]
    fn a_storage_that_fails_does_not_tell_where_it_lies() {
        let error = Error::new(ErrorKind::Unavailable, "the disk that holds /home/ada/talk.db is full")
            .with_code(Code::DiskFull)
            .with_context("file", "/home/ada/talk.db");
        let refusal = Refusal::from(error);
        assert_eq!(refusal.problem, Problem::new("disk_full", "Unavailable", 503, STORAGE));
        assert_eq!(refusal.headers.get(header::RETRY_AFTER), Some(&1.into()));
    }

    #[test]
    fn all_that_is_not_found_is_one_answer() {
        let of = |what: &str| Refusal::from(Error::not_found(what)).into_reason().problem;
        assert_eq!(of("session"), of("blob"));
        assert_eq!(of("run"), Refusal::of_status(StatusCode::NOT_FOUND).problem);
    }

    #[test]
    fn what_may_pass_says_when_to_come_again() {
        let again = |error: Error| Refusal::from(error).headers.get(header::RETRY_AFTER).cloned();
        let busy = Error::new(ErrorKind::Unavailable, "the storage is busy");
        let second = Duration::from_millis(1001);
        assert_eq!(again(busy.clone()), Some(1.into()));
        assert_eq!(again(busy.with_retry(Retry::After(second))), Some(2.into()));
        assert_eq!(again(Error::invalid("no")), None);
    }
}
