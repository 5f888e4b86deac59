//! How a turn meets a provider that fails: what is tried again, after how long, and what the session keeps of it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use async_trait::async_trait;
use duyetbot::{
    Access, Duyetbot, ModelSettings, SystemClock,
    core::{Chat, Clock, Code, Error, Event, Message, MessageId, Role, RunId, Timestamp},
};
use duyetbot_fetch::{Call, Client};
use futures::StreamExt;
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

/// Waits a fiftieth of what is asked for, and remembers what was asked for.
#[derive(Default)]
struct QuickClock(Mutex<Vec<Duration>>);

/// How often a run's driver and its watchers look up: no waits of a retry.
const TICKS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];

impl QuickClock {
    fn waits(&self) -> Vec<Duration> {
        self.0.lock().unwrap().iter().copied().filter(|wait| !TICKS.contains(wait)).collect()
    }
}

#[async_trait]
impl Clock for QuickClock {
    fn now(&self) -> Timestamp {
        SystemClock.now()
    }
    async fn sleep(&self, duration: Duration) {
        self.0.lock().unwrap().push(duration);
        SystemClock.sleep(duration / 50).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "how scripts/with-peers says where the peers are")]
fn wiremock() -> String {
    std::env::var("DUYETBOT_TEST_WIREMOCK").unwrap_or_else(|_| {
        panic!("DUYETBOT_TEST_WIREMOCK is not set: run it with scripts/with-peers cargo test …")
    })
}

async fn admin(path: &str, body: &Value) -> Value {
    let call = Call::post_json(format!("{}/__admin/{path}", wiremock()), body.to_string());
    let response = Client::default().send(call).await.unwrap();
    assert!(response.is_success(), "{response:?}");
    serde_json::from_slice(&response.read(1 << 20).await.unwrap()).unwrap()
}

/// A server that answers so in turn, and well from then on. Answers its case.
async fn case(in_turn: &[Value]) -> String {
    let case = MessageId::new().to_string();
    let files = [("messages", "anthropic/good.sse"), ("chat/completions", "openai/good.sse")];
    for (path, file) in files {
        let headers = json!({ "Content-Type": "text/event-stream" });
        let good = json!({ "status": 200, "headers": headers, "bodyFileName": file });
        let state = |n: usize| if n == 0 { "Started".to_owned() } else { n.to_string() };
        for (n, response) in in_turn.iter().chain([&good]).enumerate() {
            let mapping = json!({
                "scenarioName": format!("{case} {path}"),
                "requiredScenarioState": state(n),
                "newScenarioState": state((n + 1).min(in_turn.len())),
                "request": { "method": "POST", "urlPath": format!("/{case}/v1/{path}") },
                "response": response,
            });
            admin("mappings", &mapping).await;
        }
    }
    case
}

/// What became of a turn.
struct Turn {
    result: Result<String, Error>,
    requests: u64,
    waits: Vec<Duration>,
    stored: Vec<Message>,
}

impl Turn {
    /// Who said what, and whether it was cut.
    fn said(&self) -> Vec<(Role, String, bool)> {
        self.stored[1..].iter().map(|m| (m.role, m.text(), m.cut)).collect()
    }
}

const PROVIDERS: [&str; 2] = ["anthropic/claude-wiremock", "openai/gpt-wiremock"];

async fn turn(model: &str, case: &str) -> Turn {
    let base = format!("{}/{case}", wiremock());
    let access = |base_url| Access { key: Some("a-key-of-this-test".to_owned()), base_url: Some(base_url) };
    let clock = Arc::new(QuickClock::default());
    let settings = ModelSettings {
        model: Some(model.to_owned()),
        anthropic: access(base.clone()),
        openai: access(format!("{base}/v1")),
        ..ModelSettings::default()
    };
    let bot = Duyetbot::builder().models(settings).clock(clock.clone()).open().await.unwrap();
    let word = MessageId::new().to_string();
    let (run, mut events) = bot.stream(Chat::new(&word)).await.unwrap();
    let mut result = Err(Error::invalid("no end"));
    while let Some((_, event)) = events.next().await {
        match event {
            Event::Done { message, .. } => result = Ok(text(&bot, run, message.unwrap()).await),
            Event::Error { error, .. } => result = Err(error),
            _ => {}
        }
    }
    let stored = bot.store().path(bot.scope(), run.session, None, 100).await.unwrap();
    assert_eq!((stored[0].role, stored[0].text()), (Role::User, word.clone()));
    let counted = admin("requests/count", &json!({ "bodyPatterns": [{ "contains": word }] })).await;
    Turn { result, requests: counted["count"].as_u64().unwrap(), waits: clock.waits(), stored }
}

async fn text(bot: &Duyetbot, run: RunId, message: MessageId) -> String {
    bot.store().message(bot.scope(), run.session, message).await.unwrap().text()
}

fn status(status: u16) -> Value {
    json!({ "status": status, "body": "{\"error\":{\"message\":\"not now\"}}" })
}

/// Half of a second and its doublings, each between its half and itself.
fn are_backoffs(waits: &[Duration]) {
    for (wait, longest) in waits.iter().zip([500, 1_000, 2_000, 4_000].map(Duration::from_millis)) {
        assert!((longest / 2..=longest).contains(wait), "{waits:?}");
    }
}

#[tokio::test]
async fn failures_that_pass_are_waited_out_and_the_answer_stands_alone() {
    let reset = json!({ "fault": "CONNECTION_RESET_BY_PEER" });
    let at_start = json!({ "status": 200, "body": "data: {\"error\":{\"message\":\"overloaded\"}}\n\n" });
    for model in PROVIDERS {
        let case = case(&[status(529), reset.clone(), at_start.clone(), status(408)]).await;
        let turn = turn(model, &case).await;
        assert_eq!(turn.result.as_deref().unwrap(), "It worked at last.");
        assert_eq!(turn.said(), [(Role::Assistant, "It worked at last.".to_owned(), false)]);
        assert_eq!((turn.requests, turn.waits.len()), (5, 4));
        are_backoffs(&turn.waits);
    }
}

#[tokio::test]
async fn a_body_that_ends_before_its_first_word_is_asked_for_again() {
    for model in PROVIDERS {
        let case = case(&[json!({ "status": 200, "body": "" })]).await;
        let turn = turn(model, &case).await;
        assert_eq!((turn.result.as_deref().unwrap(), turn.requests), ("It worked at last.", 2));
    }
}

#[tokio::test]
async fn after_five_failures_the_turn_fails_and_the_persons_message_stays() {
    for model in PROVIDERS {
        let turn = turn(model, "status-500").await;
        assert_eq!(turn.result.as_ref().unwrap_err().code(), Some(Code::Overloaded));
        assert_eq!(turn.said(), []);
        assert_eq!((turn.requests, turn.waits.len()), (5, 4));
        are_backoffs(&turn.waits);
    }
}

#[tokio::test]
async fn a_provider_is_given_the_time_that_it_asks_for() {
    let busy = |after: &str| json!({ "status": 429, "headers": { "Retry-After": after }, "body": "{}" });
    for model in PROVIDERS {
        let case = case(&[busy("7"), busy("0")]).await;
        let turn = turn(model, &case).await;
        assert_eq!((turn.result.as_deref().unwrap(), turn.requests), ("It worked at last.", 3));
        assert_eq!(turn.waits, [Duration::from_secs(7), Duration::ZERO]);
    }
}

#[tokio::test]
async fn a_long_wait_ends_the_turn_at_once_and_says_when_to_come_back() {
    for model in PROVIDERS {
        let case =
            case(&[json!({ "status": 429, "headers": { "Retry-After": "3600" }, "body": "{}" })]).await;
        let turn = turn(model, &case).await;
        let error = turn.result.unwrap_err();
        let words = "127.0.0.1 asks to slow down: status 429; try again in 3600 s";
        assert_eq!((error.code(), error.message()), (Some(Code::RateLimited), words));
        assert_eq!((turn.requests, turn.waits), (1, vec![]));
    }
}

#[tokio::test]
async fn what_cannot_pass_is_not_tried_again() {
    for (case, code) in [
        ("status-401", Code::KeyRefused),
        ("status-403", Code::KeyRefused),
        ("status-404", Code::ModelUnknown),
    ] {
        for model in PROVIDERS {
            let turn = turn(model, case).await;
            assert_eq!(turn.result.as_ref().unwrap_err().code(), Some(code));
            assert_eq!((turn.said(), turn.requests), (vec![], 1));
        }
    }
}

#[tokio::test]
async fn after_the_first_word_nothing_is_tried_again_and_what_came_is_kept_as_cut() {
    for (case, code, words) in [
        ("error-in-stream", Code::Overloaded, "The words before the fault."),
        ("cut", Code::Protocol, "The words before the end."),
    ] {
        for model in PROVIDERS {
            let turn = turn(model, case).await;
            assert_eq!(turn.result.as_ref().unwrap_err().code(), Some(code));
            assert_eq!(turn.said(), [(Role::Assistant, words.to_owned(), true)]);
            assert_eq!((turn.requests, turn.waits.len()), (1, 0));
        }
    }
    // What was paid for until then is known where the provider tells it at the start, and the words are counted.
    let usage = turn(PROVIDERS[0], "cut").await.stored[1].usage.unwrap();
    assert_eq!((usage.input, usage.output, usage.estimated), (11, 7, true));
    let usage = turn(PROVIDERS[1], "cut").await.stored[1].usage.unwrap();
    assert_eq!((usage.input > 0, usage.output, usage.estimated), (true, 7, true));
}

#[tokio::test]
async fn an_answer_at_the_token_limit_is_kept_as_cut_and_is_no_failure() {
    for model in PROVIDERS {
        let turn = turn(model, "max-tokens").await;
        assert_eq!(turn.result.as_deref().unwrap(), "The longest answer that fits");
        assert_eq!(turn.said(), [(Role::Assistant, "The longest answer that fits".to_owned(), true)]);
    }
}

#[tokio::test]
async fn an_answer_without_a_word_is_asked_for_once_more_and_then_fails() {
    for model in PROVIDERS {
        let turn = turn(model, "empty").await;
        assert_eq!(turn.result.as_ref().unwrap_err().code(), Some(Code::EmptyAnswer));
        assert_eq!((turn.said(), turn.requests), (vec![], 2));
    }
}
