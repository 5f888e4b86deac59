//! Failures that pass: the client gives each one to its caller, and the next request is answered.
use duyetbot_core::{ChatModel, Code, ModelEvent, Retry, StopReason};
use std::time::Duration;

use crate::{
    client::{FORMATS, ask, request},
    peer,
};

/// Asks twice: the first answer fails with this, the second one is good.
async fn fails_once(case: &str, code: Code, retry: Retry) {
    for format in FORMATS {
        let model = format.model(&format!("{}/{case}", peer::wiremock()));
        let word = peer::word();
        let told = ask(&*model, &request(&word)).await.told();
        assert_eq!((told.code, told.retry), (code, retry), "{case}: {}", told.message);
        answers(&*model, &word).await;
        assert_eq!(peer::times_asked(&word).await, 2, "{case}");
    }
}

async fn answers(model: &dyn ChatModel, word: &str) {
    let heard = ask(model, &request(word)).await;
    assert_eq!(heard.text(), "It worked at last.", "{heard:?}");
    assert_eq!(heard.events.last(), Some(&ModelEvent::Stop(StopReason::End)));
}

#[tokio::test]
async fn a_status_that_passes_is_told_and_then_gone() {
    for status in [408, 409, 500, 503, 529] {
        fails_once(&format!("retry-{status}"), Code::Overloaded, Retry::Now).await;
    }
    fails_once("retry-429", Code::RateLimited, Retry::After(Duration::from_secs(1))).await;
}

#[tokio::test]
async fn a_connection_that_was_reset_is_made_anew() {
    fails_once("retry-reset", Code::Network, Retry::Now).await;
}

#[tokio::test]
async fn an_error_before_the_first_word_is_told_and_then_gone() {
    fails_once("retry-error-at-start", Code::Overloaded, Retry::Now).await;
}
