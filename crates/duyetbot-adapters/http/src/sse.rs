//! A run as a stream of server-sent events: it lives as long as its reader, never longer, and its end stops nothing.
use axum::{body::Body, response::Response};
use bytes::Bytes;
use duyetbot_core::{Clock, ErrorKind, Event, RunId, RunState, Timestamp, Watched};
use futures::{
    FutureExt, StreamExt,
    future::{BoxFuture, Either, select},
    stream::{self, BoxStream, Fuse},
};
use http::{HeaderName, HeaderValue, header};
use std::{convert::Infallible, pin::pin, sync::Arc, time::Duration};

use crate::{metrics::OpenStream, parts::Api, problem::public};

/// A comment at once, so that every proxy passes the head on; and how soon to come back after a cut.
const FIRST: &str = ": here\nretry: 1000\n\n";
const HEARTBEAT: &str = ":\n\n";
/// A server that stops is soon there again.
const LAST: &str = ": the server is stopping; resume with Last-Event-ID\nretry: 500\n\n";
/// The storage of a run failed, which is not the run's end: who comes back learns what became of it.
const LOST: &str = ": the run cannot be followed for the moment; resume with Last-Event-ID\nretry: 1000\n\n";
/// Bytes that go out in one piece where they are there already: with one event more, what one reader holds.
const PIECE: usize = 64 * 1024;

/// The answer that carries these events.
pub(crate) fn stream(api: &Api, events: BoxStream<'static, Watched>, reset: Reset) -> Response {
    let drain = api.drain.clone();
    let open = Open {
        events: events.fuse(),
        run: None,
        silence: Silence::new(api.clock.clone(), api.settings.heartbeat),
        drained: async move { drain.begun().await }.boxed(),
        _counted: api.metrics().stream(),
    };
    let mut first = FIRST.to_owned();
    if reset == Reset::Whole {
        first.push_str(&frame(None, &duyetbot_wire::Event::Reset));
    }
    let frames = stream::once(async { Bytes::from(first) }).chain(stream::unfold(Some(open), step));
    let mut response = Response::new(Body::from_stream(frames.map(Ok::<_, Infallible>)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store, no-transform"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}

/// Whether what the reader holds is void.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reset {
    /// The reader goes on from what it holds.
    GoOn,
    /// It starts again.
    Whole,
}

struct Open {
    events: Fuse<BoxStream<'static, Watched>>,
    run: Option<RunId>,
    silence: Silence,
    drained: BoxFuture<'static, ()>,
    _counted: OpenStream,
}

/// Tells when a stream has said nothing for so long. One timer serves many events: it is set anew when it rings, not with
/// each of them.
struct Silence {
    clock: Arc<dyn Clock>,
    most: Duration,
    since: Timestamp,
    timer: BoxFuture<'static, ()>,
}

impl Silence {
    fn new(clock: Arc<dyn Clock>, most: Duration) -> Self {
        let (since, timer) = (clock.now(), rings(clock.clone(), most));
        Silence { clock, most, since, timer }
    }

    fn broken(&mut self) {
        self.since = self.clock.now();
    }

    async fn lasts(&mut self) {
        loop {
            (&mut self.timer).await;
            // A clock that was set back says nothing of how long it was silent.
            let silent =
                u64::try_from(self.clock.now().0 - self.since.0).map_or(self.most, Duration::from_millis);
            let left = self.most.saturating_sub(silent);
            let next = if left.is_zero() { self.most } else { left };
            self.timer = rings(self.clock.clone(), next);
            if left.is_zero() {
                return;
            }
        }
    }
}

fn rings(clock: Arc<dyn Clock>, after: Duration) -> BoxFuture<'static, ()> {
    async move { clock.sleep(after).await }.boxed()
}

/// The next piece of the stream: events, a sign of life, or the end.
async fn step(open: Option<Open>) -> Option<(Bytes, Option<Open>)> {
    let mut open = open?;
    let quiet = {
        let silence = pin!(open.silence.lasts());
        // Events that are there go first: a stream that is drained still says all that is known.
        match select(open.events.next(), select(&mut open.drained, silence)).await {
            Either::Left((event, _)) => Either::Left(event?),
            Either::Right((Either::Left(_), _)) => Either::Right(LAST),
            Either::Right((Either::Right(_), _)) => Either::Right(HEARTBEAT),
        }
    };
    open.silence.broken();
    match quiet {
        Either::Left(first) => {
            let (mut frames, mut next) = (String::new(), Some(first));
            while let Some((position, event)) = next {
                if is_lost(position, &event) {
                    frames.push_str(LOST);
                    return Some((frames.into(), None));
                }
                if let Event::Run { run } = &event {
                    open.run = Some(*run);
                }
                frames.push_str(&frame(open.run.zip(position), &event_of(&event)));
                let more = frames.len() < PIECE;
                next = if more { open.events.next().now_or_never().flatten() } else { None };
            }
            Some((frames.into(), Some(open)))
        }
        Either::Right(LAST) => Some((Bytes::from_static(LAST.as_bytes()), None)),
        Either::Right(words) => Some((Bytes::from_static(words.as_bytes()), Some(open))),
    }
}

/// Does this end the watch, and not the run? What is gone for good is told as such.
fn is_lost(position: Option<u32>, event: &Event) -> bool {
    let Event::Error { state: RunState::Interrupted, error } = event else { return false };
    position.is_none() && error.kind() != ErrorKind::NotFound
}

/// An event as the public sees it.
fn event_of(event: &Event) -> duyetbot_wire::Event {
    match event {
        Event::Error { state, error } => duyetbot_wire::Event::Error { state: *state, error: public(error) },
        event => duyetbot_wire::Event::from(event),
    }
}

/// One event as a frame. JSON holds no line break, so that one line carries it.
fn frame(id: Option<(RunId, u32)>, event: &duyetbot_wire::Event) -> String {
    let json = serde_json::to_string(event).unwrap_or_default();
    match id {
        Some((run, position)) => format!("id: {run}:{position}\ndata: {json}\n\n"),
        None => format!("data: {json}\n\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use duyetbot_core::SettableClock;

    const MOST: Duration = Duration::from_secs(15);

    fn at(clock: &SettableClock, second: i64) {
        clock.set(Timestamp(second * 1_000));
    }

    #[test]
    fn silence_is_counted_from_what_was_said_last_however_the_timer_stands() {
        let clock = Arc::new(SettableClock::new(Timestamp(0)));
        let mut silence = Silence::new(clock.clone(), MOST);
        let mut is_told = || silence.lasts().now_or_never().is_some();
        assert!(!is_told());
        at(&clock, 15);
        assert_eq!((is_told(), is_told()), (true, false));
        silence.broken();
        at(&clock, 25);
        silence.broken();
        let mut is_told = || silence.lasts().now_or_never().is_some();
        // The timer rings within the silence, which goes on until 40.
        for (second, told) in [(30, false), (39, false), (40, true), (40, false), (54, false), (55, true)] {
            at(&clock, second);
            assert_eq!(is_told(), told, "{second}");
        }
    }

    #[test]
    fn a_clock_that_is_set_back_silences_nobody() {
        let clock = Arc::new(SettableClock::new(Timestamp(1_000_000)));
        let mut silence = Silence::new(clock.clone(), MOST);
        at(&clock, 0);
        assert!(silence.lasts().now_or_never().is_none());
        at(&clock, 15);
        assert!(silence.lasts().now_or_never().is_some());
    }
}
