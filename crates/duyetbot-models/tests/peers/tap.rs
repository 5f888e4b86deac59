//! Stands between a client and a peer: keeps every request as it was sent, and tells when the client hangs up.
use serde_json::Value;
use std::sync::{Arc, Mutex};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

type Sent = Arc<Mutex<Vec<Vec<u8>>>>;

pub struct Tap {
    url: String,
    /// What was sent, by connection.
    sent: Sent,
    arrived: Arc<Notify>,
    hung_up: Arc<Notify>,
}

impl Tap {
    /// Passes on to this peer.
    pub async fn on(peer: &str) -> Self {
        let peer = peer.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tap = Tap {
            url: format!("http://{}", listener.local_addr().unwrap()),
            sent: Sent::default(),
            arrived: Arc::default(),
            hung_up: Arc::default(),
        };
        let (sent, arrived, hung_up) = (tap.sent.clone(), tap.arrived.clone(), tap.hung_up.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let peer = TcpStream::connect(&peer).await.unwrap();
                let (sent, arrived, hung_up) = (sent.clone(), arrived.clone(), hung_up.clone());
                tokio::spawn(async move {
                    pass_on(client, peer, &sent, &arrived).await;
                    hung_up.notify_one();
                });
            }
        });
        tap
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Waits until the client has sent something.
    pub async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// Waits until the client has closed a connection.
    pub async fn hung_up(&self) {
        self.hung_up.notified().await;
    }

    /// The bodies of all requests, in the order of their connections.
    pub fn bodies(&self) -> Vec<Value> {
        self.sent.lock().unwrap().iter().flat_map(|bytes| bodies(bytes)).collect()
    }
}

async fn pass_on(client: TcpStream, peer: TcpStream, sent: &Sent, arrived: &Notify) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_peer, mut to_peer) = peer.into_split();
    // The client may be gone before the peer's last byte.
    tokio::spawn(async move { tokio::io::copy(&mut from_peer, &mut to_client).await.ok() });
    let number = {
        let mut sent = sent.lock().unwrap();
        sent.push(Vec::new());
        sent.len() - 1
    };
    let mut piece = [0; 16 * 1024];
    while let Ok(read) = from_client.read(&mut piece).await {
        if read == 0 {
            return;
        }
        sent.lock().unwrap()[number].extend_from_slice(&piece[..read]);
        to_peer.write_all(&piece[..read]).await.unwrap();
        arrived.notify_one();
    }
}

/// The bodies of the requests that one connection carried.
fn bodies(mut bytes: &[u8]) -> Vec<Value> {
    let mut bodies = Vec::new();
    while let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
        let head = String::from_utf8_lossy(&bytes[..at]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
        let body = &bytes[at + 4..at + 4 + length];
        bodies.push(serde_json::from_slice(body).unwrap());
        bytes = &bytes[at + 4 + length..];
    }
    bodies
}
