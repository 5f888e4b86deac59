//! What is asked of a server, and what came of it.
use futures::future::{join_all, try_join_all};
use std::{
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use super::client::{Connection, Place};
use crate::{
    Result,
    cost::{Stopwatch, middle},
};

/// So many chats at once, for so long.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) at_once: usize,
    pub(crate) time: Duration,
    /// Each chat first makes a session of its own.
    pub(crate) session: bool,
    /// Numbers that the messages name: none twice, or so many over and over, so that recall finds the earlier ones.
    pub(crate) numbers: Option<usize>,
}

/// Messages that were made.
static MADE: AtomicUsize = AtomicUsize::new(0);

/// What came of it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Measured {
    pub(crate) chats: usize,
    pub(crate) errors: usize,
    /// Chats a second.
    pub(crate) rate: f64,
    /// The middle of the times to the first token.
    pub(crate) first: Duration,
    /// Of the server's processor, a chat.
    pub(crate) cpu: Duration,
}

impl Measured {
    /// The middle of each figure; the errors of all.
    pub(crate) fn median(of: &[Measured]) -> Measured {
        let mut rates: Vec<f64> = of.iter().map(|m| m.rate).collect();
        rates.sort_by(f64::total_cmp);
        Measured {
            chats: of.iter().map(|m| m.chats).sum(),
            errors: of.iter().map(|m| m.errors).sum(),
            rate: rates.get(rates.len() / 2).copied().unwrap_or_default(),
            first: middle(of.iter().map(|m| m.first)),
            cpu: middle(of.iter().map(|m| m.cpu)),
        }
    }
}

impl Load {
    pub(crate) async fn run(self, place: &Place) -> Result<Measured> {
        let watch = Stopwatch::start();
        let end = tokio::time::sleep(self.time);
        let (stop, stopped) = tokio::sync::watch::channel(());
        let workers = (0..self.at_once).map(|_| {
            let (place, stopped) = (place.clone(), stopped.clone());
            tokio::spawn(async move { self.work(&place, &stopped).await })
        });
        let workers: Vec<_> = workers.collect();
        end.await;
        drop(stop);
        let mut firsts = Vec::new();
        let mut errors = 0;
        for worker in join_all(workers).await {
            let (more, failed) = worker?;
            firsts.extend(more);
            errors += failed;
        }
        let took = watch.stop().wall;
        let chats = firsts.len();
        Ok(Measured {
            chats,
            errors,
            rate: chats as f64 / took.as_secs_f64(),
            first: middle(firsts.into_iter()),
            cpu: Duration::ZERO,
        })
    }

    /// One chat after the other; a connection that failed is opened anew.
    async fn work(self, place: &Place, stopped: &tokio::sync::watch::Receiver<()>) -> (Vec<Duration>, usize) {
        let (mut firsts, mut errors, mut kept) = (Vec::new(), 0, None);
        while stopped.has_changed().is_ok() {
            let n = MADE.fetch_add(1, Ordering::Relaxed);
            let message = format!("hello {}", self.numbers.map_or(n, |most| n % most));
            match self.chat(place, kept.take(), &message).await {
                Ok((first, connection)) => {
                    firsts.push(first);
                    kept = Some(connection);
                }
                Err(_) => errors += 1,
            }
        }
        (firsts, errors)
    }

    async fn chat(
        self,
        place: &Place,
        kept: Option<Connection>,
        message: &str,
    ) -> Result<(Duration, Connection)> {
        let mut connection = match kept {
            Some(connection) => connection,
            None => Connection::open(place).await?,
        };
        let session = if self.session { Some(connection.session().await?) } else { None };
        let first = connection.chat(&body(session.as_deref(), message, true)).await?;
        Ok((first, connection))
    }
}

fn body(session: Option<&str>, message: &str, stream: bool) -> String {
    let mut body = serde_json::json!({ "message": message, "stream": stream });
    if let Some(session) = session {
        body["sessionId"] = session.into();
    }
    body.to_string()
}

/// The middle of the times to the first token where the model itself is asked.
pub(crate) async fn model_alone(model: SocketAddr, times: usize) -> Result<Duration> {
    let mut connection = Connection::open(&Place { address: model, token: String::new() }).await?;
    let mut firsts = Vec::with_capacity(times);
    for _ in 0..times {
        let watch = Stopwatch::start();
        connection.begin("/v1/messages", Some("{}"), "text_delta").await?;
        firsts.push(watch.stop().wall);
        connection.drain().await?;
    }
    Ok(middle(firsts.into_iter()))
}

/// So many streams whose answers are being written.
pub(crate) async fn live(place: &Place, streams: usize, session: bool) -> Result<Vec<Connection>> {
    let mut open = Vec::with_capacity(streams);
    for n in 0..streams {
        let mut connection = Connection::open(place).await?;
        let session = if session { Some(connection.session().await?) } else { None };
        let body = body(session.as_deref(), &format!("hello {n}"), true);
        connection.begin("/agent/chat", Some(&body), r#""type":"content""#).await?;
        open.push(connection);
    }
    Ok(open)
}

/// One run, and so many streams that watch it.
pub(crate) async fn watching(place: &Place, streams: usize) -> Result<Vec<Connection>> {
    let mut first = Connection::open(place).await?;
    let events = first.begin("/agent/chat", Some(&body(None, "hello", true)), r#""type":"content""#).await?;
    let (_, run) = events.split_once(r#""runId":""#).ok_or("no run in the stream")?;
    let run = run.split('"').next().unwrap_or_default();
    let mut open = Vec::with_capacity(streams);
    for _ in 0..streams {
        let mut connection = Connection::open(place).await?;
        connection.begin(&format!("/agent/stream/{run}"), None, "\n\n").await?;
        open.push(connection);
    }
    Ok(open)
}

/// Chats that are not streamed, each in a session of its own: so many a second.
pub(crate) async fn unstreamed(place: &Place, at_once: usize, time: Duration) -> Result<f64> {
    let watch = Stopwatch::start();
    let (stop, stopped) = tokio::sync::watch::channel(());
    let workers = (0..at_once).map(|_| {
        let (place, stopped) = (place.clone(), stopped.clone());
        tokio::spawn(async move {
            let (mut connection, mut chats) = (Connection::open(&place).await?, 0);
            while stopped.has_changed().is_ok() {
                let message = format!("hello {}", MADE.fetch_add(1, Ordering::Relaxed));
                connection.post("/agent/chat", &body(None, &message, false)).await?;
                chats += 1;
            }
            Result::Ok(chats)
        })
    });
    let workers: Vec<_> = workers.collect();
    tokio::time::sleep(time).await;
    drop(stop);
    let mut chats = 0;
    for worker in join_all(workers).await {
        chats += worker??;
    }
    Ok(f64::from(chats) / watch.stop().wall.as_secs_f64())
}

/// Fills a server with so many sessions of one turn.
pub(crate) async fn fill(place: &Place, sessions: usize) -> Result<()> {
    let each = sessions.div_ceil(8);
    try_join_all((0..8).map(|worker| async move {
        let mut connection = Connection::open(place).await?;
        for n in (0..each).filter(|n| worker * each + n < sessions) {
            connection.post("/agent/chat", &body(None, &format!("question {worker} {n}"), false)).await?;
        }
        Result::Ok(())
    }))
    .await?;
    Ok(())
}

/// A session of so many turns.
pub(crate) async fn long_session(place: &Place, turns: usize) -> Result<String> {
    let mut connection = Connection::open(place).await?;
    let session = connection.session().await?;
    for n in 0..turns {
        connection.post("/agent/chat", &body(Some(&session), &format!("question {n}"), false)).await?;
    }
    Ok(session)
}

/// How long each of so many reads takes, sorted.
pub(crate) async fn reads(place: &Place, path: &str, times: usize) -> Result<Vec<Duration>> {
    let mut connection = Connection::open(place).await?;
    let mut took = Vec::with_capacity(times);
    for _ in 0..times {
        let watch = Stopwatch::start();
        connection.get(path).await?;
        took.push(watch.stop().wall);
    }
    took.sort_unstable();
    Ok(took)
}

/// So many of a hundred of these sorted times are not longer.
pub(crate) fn percentile(sorted: &[Duration], of: usize) -> Duration {
    let at = (sorted.len() * of / 100).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().unwrap_or_default()
}
