//! Connections: accepted within bounds, served as HTTP/1 or 2, ended in time.
use axum::{Router, http::Request};
use duyetbot_core::{Error, ErrorKind, Result};
use duyetbot_http::Drain;
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
    service::Service,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::graceful::{GracefulConnection, GracefulShutdown, Watcher},
    service::TowerToHyperService,
};
use std::{
    fmt::Display,
    future::Future,
    io,
    net::{SocketAddr, ToSocketAddrs},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::Interest,
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{Instant, sleep, timeout_at},
};

use crate::server::ServerSettings;

/// How long accepting rests after it failed: mostly there are no file descriptors left.
const REST: Duration = Duration::from_millis(100);
/// What every connection of HTTP/2 begins with, and none of HTTP/1 does.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// How long a connection that sent less than tells its version is left before it is looked at again: twice as long each
/// time that nothing has come.
const LITTLE: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_millis(640);

/// Binds an address, such as `127.0.0.1:8787`; port 0 picks one.
///
/// # Errors
///
/// `Invalid` where it is no address, `Unavailable` where it cannot be bound.
pub async fn listen(address: &str) -> Result<TcpListener> {
    let addresses = resolve(address)?;
    TcpListener::bind(&*addresses).await.map_err(|error| {
        let what = format!("cannot listen on {address}: {error}; choose another with --listen ADDR");
        Error::new(ErrorKind::Unavailable, what)
    })
}

/// Does an address reach no further than this machine?
///
/// # Errors
///
/// `Invalid` where it is no address.
pub fn is_loopback(address: &str) -> Result<bool> {
    Ok(resolve(address)?.iter().all(|found| found.ip().to_canonical().is_loopback()))
}

fn resolve(address: &str) -> Result<Vec<SocketAddr>> {
    let refused =
        || Error::invalid(format!("{address:?} is no address to listen on; it looks like 127.0.0.1:8787"));
    let found: Vec<_> = address.to_socket_addrs().map_err(|_| refused())?.collect();
    if found.is_empty() { Err(refused()) } else { Ok(found) }
}

/// Accepts until told to stop, then tells streams, and waits for what is open as long as the settings say.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    settings: &ServerSettings,
    drain: &Drain,
    stop: impl Future<Output = ()>,
) -> Result<()> {
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(settings.connections));
    let mut stop = pin!(stop);
    loop {
        let accepted = async {
            // A closed semaphore is not ours: it lives as long as this loop.
            let place = places.clone().acquire_owned().await.ok();
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            accepted = accepted => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, _)) => {
                let (router, head, drain) = (router.clone(), settings.head, drain.clone());
                let watcher = graceful.watcher();
                tokio::spawn(async move {
                    connection(stream, router, head, &drain, watcher).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(REST).await;
            }
        }
    }
    drop(listener);
    drain.begin();
    if tokio::time::timeout(settings.drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("connections were cut: they did not end in time");
    }
    Ok(())
}

/// Serves a connection. Its version is told by a look at its first bytes that leaves them where they are: a reader that has
/// them apart takes twice the room for what follows.
async fn connection(stream: TcpStream, router: Router, head: Duration, drain: &Drain, watcher: Watcher) {
    let deadline = Instant::now() + head;
    // Small frames of a stream must not wait for more.
    let _ = stream.set_nodelay(true);
    let version = tokio::select! {
        version = timeout_at(deadline, version(&stream)) => version,
        () = drain.begun() => return,
    };
    let asked = Arc::new(AtomicBool::new(false));
    let service = Asked { service: TowerToHyperService::new(router), asked: asked.clone() };
    let stream = TokioIo::new(stream);
    match version {
        Ok(Ok(Version::One)) => {
            let mut builder = http1::Builder::new();
            builder.timer(TokioTimer::new()).header_read_timeout(head);
            finish(builder.serve_connection(stream, service), watcher, deadline, &asked).await;
        }
        Ok(Ok(Version::Two)) => {
            let mut builder = http2::Builder::new(TokioExecutor::new());
            builder.timer(TokioTimer::new()).keep_alive_interval(Some(head)).max_concurrent_streams(256);
            finish(builder.serve_connection(stream, service), watcher, deadline, &asked).await;
        }
        // It said nothing that could be answered.
        Ok(Err(_)) | Err(_) => {}
    }
}

/// Which HTTP a client speaks.
enum Version {
    One,
    Two,
}

async fn version(stream: &TcpStream) -> io::Result<Version> {
    let (mut before, mut pause) = (0, LITTLE);
    loop {
        let mut first = [0; PREFACE.len()];
        let seen = stream.peek(&mut first).await?;
        if first[..seen] != PREFACE[..seen] {
            return Ok(Version::One);
        }
        if seen == PREFACE.len() {
            return Ok(Version::Two);
        }
        if seen == 0 || stream.ready(Interest::READABLE).await?.is_read_closed() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        pause = if seen > before { LITTLE } else { LONGEST.min(2 * pause) };
        before = seen;
        sleep(pause).await;
    }
}

/// Serves it to its end; one that asked for nothing until the deadline ends then.
async fn finish<C>(connection: C, watcher: Watcher, deadline: Instant, asked: &AtomicBool)
where
    C: GracefulConnection,
    C::Error: Display,
{
    let mut connection = pin!(watcher.watch(connection));
    let ended = match timeout_at(deadline, connection.as_mut()).await {
        Ok(ended) => ended,
        Err(_) if asked.load(Ordering::Relaxed) => connection.await,
        Err(_) => return,
    };
    // Why a client's connection broke is the client's to know.
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}

/// A service that notes that it was asked.
struct Asked<S> {
    service: S,
    asked: Arc<AtomicBool>,
}

impl<S: Service<Request<Incoming>>> Service<Request<Incoming>> for Asked<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn call(&self, request: Request<Incoming>) -> S::Future {
        self.asked.store(true, Ordering::Relaxed);
        self.service.call(request)
    }
}
