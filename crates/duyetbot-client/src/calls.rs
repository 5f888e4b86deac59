//! Calls of the API and what comes back: the one place that reads statuses and makes a call again.
use bytes::Bytes;
use duyetbot_core::{Clock, Code, Error, ErrorKind, Result, Retry};
use duyetbot_fetch::{Call, LARGEST_EVENT, Response, SseEvent, events};
use duyetbot_wire::Problem;
use futures::{
    future::{Either, select},
    stream::BoxStream,
};
use serde::{Serialize, de::DeserializeOwned};
use std::{pin::pin, time::Duration};

use crate::{connection::Connection, patience};

/// Bytes of an answer that are read.
const LARGEST: usize = 64 * 1024 * 1024;
/// Bytes of a refusal that are read.
const LARGEST_PROBLEM: usize = 64 * 1024;
/// How long the head of an answer may take.
const HEAD: Duration = Duration::from_secs(60);
/// How long a whole answer may take that is no stream.
const WHOLE: Duration = Duration::from_secs(300);

/// The frames of an event stream.
pub(crate) type Frames = BoxStream<'static, Result<SseEvent>>;

impl Connection {
    /// The JSON that a call answers.
    pub(crate) async fn json<T: DeserializeOwned>(&self, call: Call) -> Result<T> {
        let answer = self.answer(call).await?;
        serde_json::from_slice(&answer).map_err(|cause| {
            let words = format!("it answered with something else than it should ({cause})");
            self.not_ours(&words)
        })
    }

    /// The whole body that a call answers.
    pub(crate) async fn answer(&self, call: Call) -> Result<Bytes> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.answer_once(call.clone()).await {
                Ok(body) => return Ok(body),
                Err(error) => self.wait_after(error, tries).await?,
            }
        }
    }

    /// The event stream that a call answers with.
    pub(crate) async fn frames(&self, call: Call) -> Result<Frames> {
        let response = self.head(call).await?;
        let kind = response.header("content-type").unwrap_or_default();
        if !kind.starts_with("text/event-stream") {
            return Err(self.not_ours(&format!("a stream of events was asked for, and {} came", named(kind))));
        }
        Ok(events(response.into_stream(), LARGEST_EVENT))
    }

    /// Waits until the call may be made again, or answers why it is not.
    pub(crate) async fn wait_after(&self, error: Error, failures: u32) -> Result<()> {
        match patience::for_call(&error, failures) {
            Some(wait) => {
                self.clock().sleep(wait).await;
                Ok(())
            }
            None => Err(with_moment(error)),
        }
    }

    /// The same of a call that is made once.
    pub(crate) async fn answer_once(&self, call: Call) -> Result<Bytes> {
        let whole = async { self.head(call).await?.read(LARGEST).await };
        match within(self.clock(), WHOLE, whole).await {
            Some(read) => read,
            None => Err(self.silent()),
        }
    }

    /// Makes a call once, and answers its head where that is one of success.
    async fn head(&self, call: Call) -> Result<Response> {
        let call = call.secret("authorization", &format!("Bearer {}", self.token().secret()));
        let Some(sent) = within(self.clock(), HEAD, self.client().send(call)).await else {
            return Err(self.silent());
        };
        let response = sent?;
        if response.is_success() { Ok(response) } else { Err(self.refusal(response).await) }
    }

    /// Why a call was refused: the server's problem, or what another says in its place.
    async fn refusal(&self, response: Response) -> Error {
        let status = response.status();
        let host = self.address().host();
        if (300..400).contains(&status) {
            let target = response.header("location").unwrap_or_default();
            let target = self.address().resolved_host(target);
            return self.not_ours(&format!(
                "it sends on to {target}, where the token is not sent; use that address"
            ));
        }
        let after = response.header("retry-after").and_then(|after| after.trim().parse().ok());
        let is_problem =
            response.header("content-type").is_some_and(|kind| kind.starts_with("application/problem+json"));
        let body = response.read_head(LARGEST_PROBLEM).await;
        let problem = serde_json::from_slice::<Problem>(&body).ok().filter(|_| is_problem);
        let error = match problem {
            Some(problem) => Error::from(problem),
            // A proxy's word. It knows no session, so that its 404 tells of a wrong address.
            None => match status {
                401 => Error::new(ErrorKind::Unauthorized, format!("{host} refused the token (status 401)")),
                408 | 429 | 502..=504 => {
                    let words = format!("{host} is not to be had at the moment (status {status})");
                    Error::new(ErrorKind::Unavailable, words).with_retry(Retry::Now)
                }
                _ => self.not_ours(&format!("it answered with status {status}")),
            },
        };
        match (error.kind(), after) {
            (ErrorKind::Unavailable, Some(seconds)) => {
                error.with_retry(Retry::After(Duration::from_secs(seconds)))
            }
            _ => error,
        }
    }

    /// What answers there is no duyetbot, or one that cannot be understood.
    pub(crate) fn not_ours(&self, words: &str) -> Error {
        let host = self.address().host();
        let sentence = format!("{host} does not answer like a duyetbot server: {words}");
        Error::new(ErrorKind::Unavailable, sentence).with_code(Code::Protocol)
    }

    fn silent(&self) -> Error {
        let words = format!("{} said nothing within the time limit", self.address().host());
        Error::new(ErrorKind::Unavailable, words).with_code(Code::Network).with_retry(Retry::Now)
    }
}

/// A value as the body of a call.
pub(crate) fn body(value: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(Error::internal)
}

fn named(kind: &str) -> &str {
    if kind.is_empty() { "something without a type" } else { kind }
}

/// Says when to come again, where that is too far off to wait for.
fn with_moment(error: Error) -> Error {
    match error.retry() {
        Retry::After(wait) => {
            let words = format!("{}; try again in {} s", error.message(), wait.as_secs());
            error.with_message(words)
        }
        _ => error,
    }
}

/// What comes of the work, if that is soon enough.
async fn within<T>(clock: &dyn Clock, limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    match select(pin!(work), clock.sleep(limit)).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}
