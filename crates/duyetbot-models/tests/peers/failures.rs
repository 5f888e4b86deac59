//! Answers that fail: each case with the error that a run gets, and with the words that came before it.
use duyetbot_core::{Code, ErrorKind, Retry};
use std::time::Duration;

use crate::{
    client::{FORMATS, Format, Told, ask, request},
    peer,
};

/// The words that came, and the error.
async fn failed(format: Format, case: &str) -> (String, Told) {
    let word = peer::word();
    let heard = ask(&*format.model(&format!("{}/{case}", peer::wiremock())), &request(&word)).await;
    assert_eq!(peer::times_asked(&word).await, 1, "a client tries once; a run decides on more");
    (heard.text(), heard.told())
}

fn told(kind: ErrorKind, code: Code, retry: Retry, message: &str) -> Told {
    Told { kind, code, retry, message: message.to_owned() }
}

/// A failure that may pass.
fn passing(code: Code, message: &str) -> Told {
    told(ErrorKind::Unavailable, code, Retry::Now, message)
}

#[tokio::test]
async fn a_refused_key_is_told_with_the_variable_that_sets_it() {
    let refused = |message| told(ErrorKind::Unauthorized, Code::KeyRefused, Retry::Never, message);
    for (format, case, message) in [
        (
            Format::Anthropic,
            "status-401",
            "127.0.0.1 refused the key: invalid x-api-key (status 401); see ANTHROPIC_API_KEY, and ANTHROPIC_BASE_URL \
             where it is another server's",
        ),
        (
            Format::OpenAi,
            "status-401",
            "127.0.0.1 refused the key: Incorrect API key provided (status 401); see OPENAI_API_KEY, and \
             OPENAI_BASE_URL where it is another server's",
        ),
        (
            Format::Anthropic,
            "status-403",
            "127.0.0.1 does not allow this with the key in ANTHROPIC_API_KEY: The key lacks permission for this \
             resource (status 403)",
        ),
        (
            Format::OpenAi,
            "status-403",
            "127.0.0.1 does not allow this with the key in OPENAI_API_KEY: The key lacks permission for this model \
             (status 403)",
        ),
    ] {
        assert_eq!(failed(format, case).await, (String::new(), refused(message)));
    }
}

#[tokio::test]
async fn a_model_that_is_not_known_is_not_asked_for_again() {
    for (format, message) in [
        (
            Format::Anthropic,
            "127.0.0.1 does not know this model or address: model: no-such-model (status 404); see --model and \
             ANTHROPIC_BASE_URL",
        ),
        (
            Format::OpenAi,
            "127.0.0.1 does not know this model or address: The model `no-such-model` does not exist (status 404); \
             see --model and OPENAI_BASE_URL",
        ),
    ] {
        let expected = told(ErrorKind::NotFound, Code::ModelUnknown, Retry::Never, message);
        assert_eq!(failed(format, "status-404").await, (String::new(), expected));
    }
}

#[tokio::test]
async fn asked_to_slow_down_a_run_is_told_for_how_long() {
    for (format, words) in [
        (Format::Anthropic, "This request would exceed the rate limit"),
        (Format::OpenAi, "Rate limit reached"),
    ] {
        let message = format!("127.0.0.1 asks to slow down: {words} (status 429)");
        let wait = Retry::After(Duration::from_secs(1));
        let expected = told(ErrorKind::Unavailable, Code::RateLimited, wait, &message);
        assert_eq!(failed(format, "status-429").await, (String::new(), expected));
    }
}

#[tokio::test]
async fn a_server_that_is_overloaded_or_failing_may_be_asked_again() {
    for (status, at_anthropic, at_openai) in [
        (408, "The request timed out", "The request timed out"),
        (409, "The request conflicts with another", "The request conflicts with another"),
        (500, "Internal server error", "The server had an error"),
        (503, "Service unavailable", "The engine is overloaded"),
        (529, "Overloaded", "Overloaded"),
    ] {
        for (format, words) in [(Format::Anthropic, at_anthropic), (Format::OpenAi, at_openai)] {
            let message = format!("127.0.0.1 is overloaded or failing: {words} (status {status})");
            let expected = passing(Code::Overloaded, &message);
            assert_eq!(failed(format, &format!("status-{status}")).await, (String::new(), expected));
        }
    }
}

#[tokio::test]
async fn an_error_inside_a_good_status_is_an_error_and_what_came_before_it_stays() {
    for (format, words) in [
        (Format::Anthropic, "Overloaded"),
        (Format::OpenAi, "The server had an error while processing the request"),
    ] {
        let expected = passing(Code::Overloaded, &format!("127.0.0.1 is overloaded or failing: {words}"));
        assert_eq!(failed(format, "error-at-start").await, (String::new(), expected.clone()));
        let said = "The words before the fault.".to_owned();
        assert_eq!(failed(format, "error-in-stream").await, (said, expected));
    }
}

#[tokio::test]
async fn a_body_that_ends_before_its_answer_does_is_an_error() {
    for format in FORMATS {
        let expected = passing(Code::Protocol, "the answer was cut off before its end; ask again");
        assert_eq!(failed(format, "cut").await, ("The words before the end.".to_owned(), expected));
    }
}

#[tokio::test]
async fn a_connection_that_breaks_may_be_tried_again() {
    let peer = peer::wiremock();
    let host = peer.trim_start_matches("http://");
    for (case, cause) in [
        ("reset", "Connection reset by peer (os error 104)"),
        ("no-answer", "connection closed before message completed"),
        ("garbage", "invalid HTTP version parsed"),
        ("malformed", "Invalid chunk size line: missing size digit"),
    ] {
        for format in FORMATS {
            let expected = passing(Code::Network, &format!("the connection to {host} broke: {cause}"));
            assert_eq!(failed(format, case).await, (String::new(), expected), "{case}");
        }
    }
}
