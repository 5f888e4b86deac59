//! What a provider's refusal means: the one place that reads statuses and error bodies.
use duyetbot_core::{Code, Error, ErrorKind, Retry};
use serde_json::Value;
use std::time::Duration;
use time::{OffsetDateTime, format_description::well_known::Rfc2822};

use crate::{endpoint::Endpoint, json};

/// Characters of a provider's own words that are shown.
const SHOWN: usize = 300;

/// What failed, before it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Key,
    Forbidden,
    Quota,
    Rate,
    Overloaded,
    Context,
    Model,
    Request,
}

/// The error of a status and a body.
pub(crate) fn of_status(endpoint: &Endpoint, status: u16, after: Option<&str>, body: &str) -> Error {
    let value = json::read(body).unwrap_or(Value::Null);
    let told = Told::of(endpoint, &value);
    let class = told.class().filter(|c| fits(*c, status)).unwrap_or(match status {
        401 => Class::Key,
        403 => Class::Forbidden,
        402 => Class::Quota,
        404 => Class::Model,
        429 => Class::Rate,
        408 | 409 | 425 | 500.. => Class::Overloaded,
        _ => Class::Request,
    });
    let words = if told.words.is_empty() {
        format!("status {status}")
    } else {
        format!("{} (status {status})", told.words)
    };
    error(endpoint, class, &words, after)
}

/// The error of an error event or an error body in an answer that began well.
pub(crate) fn of_event(endpoint: &Endpoint, value: &Value) -> Error {
    let told = Told::of(endpoint, value);
    let words = if told.words.is_empty() { "an error without words" } else { &told.words };
    error(endpoint, told.class().unwrap_or(Class::Overloaded), words, None)
}

/// A status says what a word cannot undo: a 5xx is no refusal of the request.
fn fits(class: Class, status: u16) -> bool {
    match class {
        Class::Request | Class::Model | Class::Forbidden => status < 500,
        Class::Overloaded => status != 401 && status != 403,
        _ => true,
    }
}

fn error(endpoint: &Endpoint, class: Class, words: &str, after: Option<&str>) -> Error {
    let who = endpoint.host();
    let (key, base) = endpoint.variables();
    let (kind, code, sentence) = match class {
        Class::Key => (
            ErrorKind::Unauthorized,
            Code::KeyRefused,
            format!("{who} refused the key: {words}; see {key}, and {base} where it is another server's"),
        ),
        Class::Forbidden => (
            ErrorKind::Unauthorized,
            Code::KeyRefused,
            format!("{who} does not allow this with the key in {key}: {words}"),
        ),
        Class::Quota => (
            ErrorKind::LimitReached,
            Code::QuotaExhausted,
            format!("the account at {who} has no credit left: {words}"),
        ),
        Class::Rate => {
            (ErrorKind::Unavailable, Code::RateLimited, format!("{who} asks to slow down: {words}"))
        }
        Class::Overloaded => {
            (ErrorKind::Unavailable, Code::Overloaded, format!("{who} is overloaded or failing: {words}"))
        }
        Class::Context => (
            ErrorKind::Invalid,
            Code::ContextLength,
            format!("the conversation is too long for the model: {words}"),
        ),
        Class::Model => (
            ErrorKind::NotFound,
            Code::ModelUnknown,
            format!("{who} does not know this model or address: {words}; see --model and {base}"),
        ),
        Class::Request => {
            (ErrorKind::Invalid, Code::RequestRefused, format!("{who} refused the request: {words}"))
        }
    };
    let waits = matches!(class, Class::Rate | Class::Overloaded);
    let wait = after.and_then(seconds).filter(|_| waits);
    let sentence = match wait {
        Some(wait) if wait.as_secs() > 60 => format!("{sentence}; try again in {} s", wait.as_secs()),
        _ => sentence,
    };
    let retry = match (waits, wait) {
        (true, Some(wait)) => Retry::After(wait),
        (true, None) => Retry::Now,
        (false, _) => Retry::Never,
    };
    Error::new(kind, sentence).with_code(code).with_retry(retry)
}

/// `Retry-After`: seconds, or a moment.
fn seconds(after: &str) -> Option<Duration> {
    if let Ok(seconds) = after.trim().parse::<f64>() {
        return (seconds.is_finite() && seconds >= 0.0).then(|| Duration::from_secs_f64(seconds.min(1e6)));
    }
    let at = OffsetDateTime::parse(&after.trim().replace("GMT", "+0000"), &Rfc2822).ok()?;
    let now = duyetbot_core::MessageId::new().uuid().get_timestamp()?.to_unix().0;
    Some(Duration::from_secs(u64::try_from(at.unix_timestamp()).ok()?.saturating_sub(now)))
}

/// What a body tells of a failure.
struct Told {
    words: String,
    kinds: String,
}

impl Told {
    fn of(endpoint: &Endpoint, value: &Value) -> Told {
        let inner = match value {
            Value::Array(all) => all.first().unwrap_or(value),
            other => other,
        };
        let error = &inner["error"];
        let text = |v: &Value| match v {
            Value::String(s) => Some(s.clone()),
            Value::Number(n) => Some(n.to_string()),
            _ => None,
        };
        let words =
            [&error["message"], error, &inner["message"], &inner["detail"], &error["metadata"]["raw"]]
                .into_iter()
                .find_map(|v| v.as_str().filter(|s| !s.trim().is_empty()))
                .unwrap_or_default();
        let kinds = [
            &error["type"],
            &error["code"],
            &error["status"],
            &inner["error_type"],
            &inner["code"],
            &inner["type"],
        ]
        .into_iter()
        .filter_map(text)
        .collect::<Vec<_>>()
        .join(" ");
        Told { words: shown(&endpoint.redact(words)), kinds: kinds.to_lowercase() }
    }

    fn class(&self) -> Option<Class> {
        let words = self.words.to_lowercase();
        let says = |list: &[&str]| list.iter().any(|w| words.contains(w));
        let is = |list: &[&str]| list.iter().any(|w| self.kinds.contains(w));
        if is(&["context_length", "context_window"])
            || says(&[
                "context limit",
                "context length",
                "maximum context",
                "prompt is too long",
                "context window",
                "too many tokens",
                "context size",
            ])
        {
            return Some(Class::Context);
        }
        if is(&["insufficient_quota", "billing"])
            || says(&[
                "insufficient_quota",
                "credit balance",
                "exceeded your current quota",
                "credit is used up",
            ])
        {
            return Some(Class::Quota);
        }
        if is(&["authentication", "invalid_api_key", "unauthenticated"])
            || says(&["invalid api key", "incorrect api key"])
        {
            return Some(Class::Key);
        }
        if is(&["permission"]) {
            return Some(Class::Forbidden);
        }
        if is(&["rate_limit", "resource_exhausted", "too_many_requests", "429"]) || says(&["rate limit"]) {
            return Some(Class::Rate);
        }
        if is(&[
            "overloaded",
            "server_error",
            "api_error",
            "unavailable",
            "timeout",
            "internal",
            "529",
            "503",
            "502",
            "500",
        ]) || says(&["overloaded", "try again later", "temporarily", "unavailable", "timed out"])
        {
            return Some(Class::Overloaded);
        }
        if is(&["model_not_found", "not_found"]) {
            return Some(Class::Model);
        }
        is(&["invalid_request", "validation", "invalid_argument", "bad_request", "400", "422"])
            .then_some(Class::Request)
    }
}

/// A provider's words on one line, shortened. A web page is none.
fn shown(words: &str) -> String {
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.starts_with('<') {
        return String::new();
    }
    match words.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", &words[..at]),
        None => words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use duyetbot_fetch::Client;

    fn of(status: u16, after: Option<&str>, body: &str) -> Error {
        let endpoint =
            Endpoint::openai(Client::default(), Some("https://llm.example/v1".into()), Some("k".into()));
        of_status(&endpoint, status, after, body)
    }

    #[test]
    fn a_status_and_its_body_give_kind_code_and_retry() {
        let is = |e: &Error| (e.kind(), e.code().unwrap(), e.retry());
        let never = Retry::Never;
        assert_eq!(is(&of(401, None, "")), (ErrorKind::Unauthorized, Code::KeyRefused, never));
        assert_eq!(is(&of(404, None, "{}")), (ErrorKind::NotFound, Code::ModelUnknown, never));
        assert_eq!(
            is(&of(500, None, "<html>oops</html>")),
            (ErrorKind::Unavailable, Code::Overloaded, Retry::Now)
        );
        let wait = Retry::After(Duration::from_secs(7));
        assert_eq!(is(&of(429, Some("7"), "")), (ErrorKind::Unavailable, Code::RateLimited, wait));
        assert_eq!(is(&of(529, Some("7"), "")), (ErrorKind::Unavailable, Code::Overloaded, wait));
        for status in [408, 409, 502, 503, 529] {
            assert_eq!(of(status, None, "").retry(), Retry::Now, "{status}");
        }
        let quota = r#"{"error":{"message":"none left","type":"insufficient_quota"}}"#;
        assert_eq!(is(&of(429, None, quota)), (ErrorKind::LimitReached, Code::QuotaExhausted, never));
        let long = r#"{"error":{"message":"This model's maximum context length is 8192 tokens"}}"#;
        assert_eq!(is(&of(400, None, long)), (ErrorKind::Invalid, Code::ContextLength, never));
        assert!(of(429, Some("3600"), "").message().contains("try again in 3600 s"));
    }

    fn words(key: &str, words: &str) -> String {
        let endpoint = Endpoint::openai(Client::default(), None, Some(key.to_owned()));
        let body = serde_json::json!({ "error": { "message": words } });
        of_event(&endpoint, &body).message().to_owned()
    }

    #[test]
    fn a_key_that_the_provider_echoes_is_not_shown_even_where_its_words_are_cut() {
        let key = "the-key-of-the-person";
        let begin = "x".repeat(SHOWN - 10);
        for said in [format!("no such key: {key}"), format!("{begin} {key}")] {
            let words = words(key, &said);
            assert!(!words.contains("the-key") && words.contains("[redacte"), "{words}");
        }
    }

    #[test]
    fn a_key_as_short_as_a_word_leaves_words_alone() {
        assert_eq!(words("k", "it broke"), "api.openai.com is overloaded or failing: it broke");
    }

    #[test]
    fn a_web_page_is_not_shown() {
        assert!(!of(502, None, "<html><body>secret page</body></html>").message().contains("secret"));
    }
}
