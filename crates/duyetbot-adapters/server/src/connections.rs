//! Connections: accepted within bounds, served as HTTP/1 or 2, ended in time.
use axum::{Router, http::Request};
use duyetbot_core::{Error, ErrorKind, Result};
use duyetbot_http::Drain;
use hyper::{body::Incoming, service::Service};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use std::{
    future::Future,
    net::{SocketAddr, ToSocketAddrs},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};

use crate::server::ServerSettings;

/// How long accepting rests after it failed: mostly there are no file descriptors left.
const REST: Duration = Duration::from_millis(100);

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
                let connection = connection(stream, router.clone(), settings.head, &graceful);
                tokio::spawn(async move {
                    connection.await;
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

fn connection(
    stream: TcpStream,
    router: Router,
    head: Duration,
    graceful: &GracefulShutdown,
) -> impl Future<Output = ()> + Send + 'static {
    // Small frames of a stream must not wait for more.
    let _ = stream.set_nodelay(true);
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(head);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(Some(head)).max_concurrent_streams(256);
    let asked = Arc::new(AtomicBool::new(false));
    let service = Asked { service: TowerToHyperService::new(router), asked: asked.clone() };
    let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    let connection = graceful.watch(connection);
    async move {
        let mut connection = pin!(connection);
        // The builder waits for as long as the first bytes may still become either version: its own limit comes after.
        let ended = match tokio::time::timeout(head, connection.as_mut()).await {
            Ok(ended) => ended,
            Err(_) if asked.load(Ordering::Relaxed) => connection.await,
            Err(_) => return,
        };
        // Why a client's connection broke is the client's to know.
        if let Err(error) = ended {
            tracing::debug!(error = %error, "a connection broke");
        }
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
