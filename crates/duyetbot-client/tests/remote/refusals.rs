//! Refusals: which are tried again, how soon, and what becomes of the others.
use duyetbot_client::{Connection, RemoteAgent, RemoteStore};
use duyetbot_core::{Agent, Chat, Clock, Code, ErrorKind, Rate, Retry, SessionId, SessionStore, Timestamp};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::{
    lies::{http, server},
    place::{Place, TOKEN, ada, connection},
};

/// A clock that notes how long it was asked to wait, and does not: the longest waits are limits that are not reached.
#[derive(Default)]
struct Impatient(Mutex<Vec<Duration>>);

/// What bounds a call is longer than this, what lies between two is not.
const LIMITS: Duration = Duration::from_secs(50);

#[async_trait::async_trait]
impl Clock for Impatient {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }
    async fn sleep(&self, duration: Duration) {
        if duration > LIMITS {
            return std::future::pending().await;
        }
        self.0.lock().unwrap().push(duration);
    }
}

fn impatient(address: SocketAddr) -> (Connection, Arc<Impatient>) {
    let clock = Arc::new(Impatient::default());
    let address =
        duyetbot_client::Address::parse(&format!("http://{address}"), duyetbot_client::PlainHttp::Loopback)
            .unwrap();
    let settings = duyetbot_fetch::Settings::default();
    let token = duyetbot_client::Token::from(TOKEN.to_owned());
    (Connection::vouched(address, token, ada(), settings, clock.clone()), clock)
}

fn problem(status: &str, kind: &str, headers: &str) -> String {
    let code: u16 = status[..3].parse().unwrap();
    let body = serde_json::json!({"type": format!("urn:duyetbot:{kind}"), "title": "t", "status": code, "detail": "wait a little"});
    http(status, &format!("content-type: application/problem+json\r\n{headers}"), &body.to_string())
}

const OPEN: &str = "{\"approvals\": []}";

#[tokio::test]
async fn what_may_pass_is_tried_again_and_never_before_it_was_asked_for() {
    let busy = problem("503 Service Unavailable", "unavailable", "retry-after: 2\r\n");
    let many = problem("429 Too Many Requests", "rate_limited", "retry-after: 7\r\n");
    let proxy = http("502 Bad Gateway", "content-type: text/html\r\n", "<p>down");
    let fine = http("200 OK", "content-type: application/json\r\n", OPEN);
    let (address, heard) = server(vec![busy, many, proxy, fine]).await;
    let (connection, clock) = impatient(address);
    assert_eq!(RemoteAgent::new(connection).open_calls(&ada()).await.unwrap(), []);
    assert_eq!(heard.lock().unwrap().len(), 4);
    let waits = clock.0.lock().unwrap().clone();
    assert_eq!(waits.iter().map(Duration::as_secs).collect::<Vec<_>>(), [2, 7, 0]);
}

#[tokio::test]
async fn what_does_not_pass_is_given_up_after_a_few_tries() {
    let busy = problem("503 Service Unavailable", "unavailable", "");
    let (address, heard) = server(vec![busy]).await;
    let (connection, _) = impatient(address);
    let error = RemoteAgent::new(connection).open_calls(&ada()).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Unavailable, "wait a little"));
    assert_eq!(heard.lock().unwrap().len(), 5);
}

#[tokio::test]
async fn who_is_asked_to_wait_for_long_is_told_so_at_once() {
    let later = problem("429 Too Many Requests", "rate_limited", "retry-after: 3600\r\n");
    let (address, heard) = server(vec![later]).await;
    let error = RemoteAgent::new(connection(address, TOKEN)).open_calls(&ada()).await.unwrap_err();
    assert_eq!(error.message(), "wait a little; try again in 3600 s");
    assert_eq!(
        (error.code(), error.retry()),
        (Some(Code::RateLimited), Retry::After(Duration::from_secs(3600)))
    );
    assert_eq!(heard.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_refused_token_is_told_once() {
    let place = Place::new().await;
    let refused = connection(place.address, "another-token");
    let error = RemoteAgent::new(refused.clone()).start(&ada(), Chat::new("hi")).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Unauthorized, "this token is not valid here"));
    assert_eq!(refused.me().await.unwrap_err().kind(), ErrorKind::Unauthorized);
    assert_eq!(connection(place.address, TOKEN).me().await.unwrap().id, "ada");
}

#[tokio::test]
async fn a_connection_learns_whose_token_it_has() {
    let place = Place::new().await;
    let address = duyetbot_client::Address::parse(
        &format!("http://{}/", place.address),
        duyetbot_client::PlainHttp::Loopback,
    );
    let token = duyetbot_client::Token::from("bob-token-1\n".to_owned());
    let settings = duyetbot_fetch::Settings::default();
    let clock = Arc::new(duyetbot::SystemClock);
    let open = Connection::open(address.unwrap(), token, settings, clock).await.unwrap();
    assert_eq!((open.scope().owner(), open.scope().actor()), ("bob", "bob"));
    assert_eq!(
        RemoteAgent::new(open.clone()).open_calls(&ada()).await.unwrap_err().kind(),
        ErrorKind::Forbidden
    );
    assert_eq!(format!("{open:?}"), format!("Connection {{ address: {:?}, .. }}", open.address()));
}

#[tokio::test]
async fn the_limit_of_requests_is_waited_out() {
    let rate = Rate { limit: 2, per: Duration::from_secs(2) };
    let place = Place::with("memory:", Some(rate)).await;
    for _ in 0..4 {
        assert_eq!(place.agent().open_calls(&ada()).await.unwrap(), []);
    }
}

#[tokio::test]
async fn an_erased_session_is_gone_though_the_first_answer_was_lost() {
    let lost = String::new();
    let gone = problem("404 Not Found", "not_found", "");
    let (address, heard) = server(vec![lost, gone.clone()]).await;
    let (connection, _) = impatient(address);
    RemoteStore::new(connection).erase(&ada(), SessionId::new()).await.unwrap();
    assert_eq!(heard.lock().unwrap().len(), 2);
    let (address, _) = server(vec![gone]).await;
    let (connection, _) = impatient(address);
    let error = RemoteStore::new(connection).erase(&ada(), SessionId::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_run_that_cannot_be_seen_any_more_ends_for_its_watcher_with_why() {
    let run = duyetbot_core::RunId { session: SessionId::new(), message: duyetbot_core::MessageId::new() };
    let name = serde_json::json!({"type": "run", "runId": run.to_string(), "sessionId": run.session.to_string(), "messageId": run.message.to_string()});
    let first = http("200 OK", "content-type: text/event-stream\r\n", &format!("data: {name}\n\n"));
    for (then, kind, tries) in [
        (problem("401 Unauthorized", "unauthorized", ""), ErrorKind::Unauthorized, 2),
        (problem("404 Not Found", "not_found", ""), ErrorKind::NotFound, 2),
        (first.clone(), ErrorKind::Unavailable, 20),
    ] {
        let (address, heard) = server(vec![first.clone(), then]).await;
        let (connection, _) = impatient(address);
        let held =
            crate::place::whole(RemoteAgent::new(connection).watch(&ada(), run, 0).await.unwrap()).await;
        assert_eq!(held.ending, Some(Err((duyetbot_core::RunState::Interrupted, kind))));
        assert_eq!((held.named, heard.lock().unwrap().len()), (1, tries));
    }
}
