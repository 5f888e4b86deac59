//! A run that is watched through everything that happens to the connection.
use duyetbot_core::{Code, Error, ErrorKind, Event, Result, Retry, RunId, RunState, Watched};
use duyetbot_fetch::{Call, SseEvent};
use duyetbot_wire as wire;
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};

use crate::{calls::Frames, connection::Connection, patience};

/// Watches a run from the edge of its n-th step, to its end.
///
/// A run that cannot be seen at all is an error at once; what breaks later is mended: after a cut the stream goes on from the
/// last edge that came, and the open step comes once more, whole.
pub(crate) async fn watch(
    connection: Connection,
    run: RunId,
    after: u32,
) -> Result<BoxStream<'static, Watched>> {
    let mut failures = 0;
    let frames = loop {
        match open(&connection, run, after).await {
            Ok(frames) => break frames,
            Err(error) => {
                failures += 1;
                connection.wait_after(error, failures).await?;
            }
        }
    };
    let watching = Watching {
        connection,
        run,
        held: after,
        frames: Some(frames),
        shown: 0,
        furthest: (after, 0),
        failures: 0,
        named: false,
        ended: false,
    };
    let events = stream::unfold(watching, |mut watching| async move {
        let event = watching.next().await?;
        Some((event, watching))
    });
    Ok(events.boxed())
}

/// The stream of a run from the edge of its n-th step.
async fn open(connection: &Connection, run: RunId, held: u32) -> Result<Frames> {
    let url = connection.address().of(&format!("/agent/stream/{run}"));
    connection.frames(Call::get_stream(url).header("last-event-id", &format!("{run}:{held}"))).await
}

/// The event of a frame's data.
pub(crate) fn read(connection: &Connection, data: &str) -> Result<wire::Event> {
    serde_json::from_str(data)
        .map_err(|cause| connection.not_ours(&format!("an event cannot be read ({cause})")))
}

struct Watching {
    connection: Connection,
    run: RunId,
    /// Committed steps that the watcher holds.
    held: u32,
    frames: Option<Frames>,
    /// How much of the open step this connection has shown.
    shown: usize,
    /// The most that any connection has shown: beyond it there is something new.
    furthest: (u32, usize),
    /// Connections in a row that showed nothing new.
    failures: u32,
    /// The watcher was told which run it is.
    named: bool,
    ended: bool,
}

impl Watching {
    async fn next(&mut self) -> Option<Watched> {
        loop {
            if self.ended {
                return None;
            }
            let came = match &mut self.frames {
                None => open(&self.connection, self.run, self.held).await.map(Came::Connection),
                Some(frames) => match frames.next().await {
                    Some(frame) => frame.map(Came::Frame),
                    None => Err(self.cut()),
                },
            };
            let taken = match came {
                Ok(Came::Connection(frames)) => {
                    (self.frames, self.shown) = (Some(frames), 0);
                    continue;
                }
                Ok(Came::Frame(frame)) => self.take(&frame),
                Err(error) => Err(error),
            };
            match taken {
                Ok(Some(watched)) => return Some(watched),
                Ok(None) => {}
                Err(error) => {
                    self.frames = None;
                    if let Some(lost) = self.wait_after(error).await {
                        return Some(lost);
                    }
                }
            }
        }
    }

    /// What a frame tells the watcher.
    fn take(&mut self, frame: &SseEvent) -> Result<Option<Watched>> {
        let event = read(&self.connection, &frame.data)?;
        if event == wire::Event::Reset {
            // The server knows less of the run than was held: all of it comes again.
            (self.held, self.shown, self.furthest) = (0, 0, (0, 0));
            return Ok(None);
        }
        let words = |cause: &Error| format!("an event names nothing ({cause})");
        let event = event.into_core().map_err(|cause| self.connection.not_ours(&words(&cause)))?;
        let Some(event) = event else { return Ok(None) };
        if let Event::Run { run } = &event {
            if *run != self.run {
                return Err(self.connection.not_ours("it shows another run than was asked for"));
            }
            if std::mem::replace(&mut self.named, true) {
                return Ok(None);
            }
        }
        let position = frame.id.as_deref().and_then(|id| self.position(id));
        self.look_how_far(&event, position);
        self.ended = matches!(event, Event::Done { .. } | Event::Error { .. });
        Ok(Some((position, event)))
    }

    /// The count of steps in an id, where it is of this run.
    fn position(&self, id: &str) -> Option<u32> {
        let (run, count) = id.rsplit_once(':')?;
        let is_this_run = run.parse::<RunId>().ok()? == self.run;
        count.parse().ok().filter(|_| is_this_run)
    }

    fn look_how_far(&mut self, event: &Event, position: Option<u32>) {
        self.shown += match event {
            Event::Run { .. } => 0,
            Event::Content { text, .. } | Event::Reasoning { text, .. } => text.len(),
            _ => 1,
        };
        if let Some(position) = position {
            (self.held, self.shown) = (position, 0);
        }
        if (self.held, self.shown) > self.furthest {
            self.furthest = (self.held, self.shown);
            self.failures = 0;
        }
    }

    /// Waits until it is worth another look; answers what the watcher is told where it is not.
    async fn wait_after(&mut self, error: Error) -> Option<Watched> {
        self.failures += 1;
        if let Some(wait) = patience::for_run(&error, self.failures) {
            self.connection.clock().sleep(wait).await;
            return None;
        }
        self.ended = true;
        let words = format!("{}; the run itself is not ended by that", error.message());
        let error = error.with_message(words).with_context("run", self.run);
        Some((None, Event::Error { state: RunState::Interrupted, error }))
    }

    fn cut(&self) -> Error {
        let words = format!("the connection to {} broke", self.connection.address().host());
        Error::new(ErrorKind::Unavailable, words).with_code(Code::Network).with_retry(Retry::Now)
    }
}

enum Came {
    Connection(Frames),
    Frame(SseEvent),
}
