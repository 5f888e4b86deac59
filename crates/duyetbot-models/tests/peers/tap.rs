//! Stands between a client and a peer: keeps every request as it was sent, and tells when the client hangs up.
use serde_json::Value;
use std::sync::{Arc, Mutex};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

/// The bodies of the requests that have arrived whole, in their order.
type Sent = Arc<Mutex<Vec<Value>>>;

pub struct Tap {
    url: String,
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

    /// The bodies of all requests, in their order.
    pub fn bodies(&self) -> Vec<Value> {
        self.sent.lock().unwrap().clone()
    }
}

async fn pass_on(client: TcpStream, peer: TcpStream, sent: &Sent, arrived: &Notify) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_peer, mut to_peer) = peer.into_split();
    // The client may be gone before the peer's last byte.
    tokio::spawn(async move { tokio::io::copy(&mut from_peer, &mut to_client).await.ok() });
    let mut begun = Vec::new();
    let mut piece = [0; 16 * 1024];
    while let Ok(read) = from_client.read(&mut piece).await {
        if read == 0 {
            return;
        }
        begun.extend_from_slice(&piece[..read]);
        while let Some(body) = whole_request(&mut begun) {
            sent.lock().unwrap().push(body);
        }
        to_peer.write_all(&piece[..read]).await.unwrap();
        arrived.notify_one();
    }
}

/// Takes the first request off the bytes once all of it is there; answers its body.
fn whole_request(bytes: &mut Vec<u8>) -> Option<Value> {
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let lines = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
    let length = lines.lines().find_map(|line| line.strip_prefix("content-length:"));
    let end = head + 4 + length.map_or(0, |length| length.trim().parse::<usize>().unwrap());
    if bytes.len() < end {
        return None;
    }
    let request: Vec<u8> = bytes.drain(..end).collect();
    Some(serde_json::from_slice(&request[head + 4..]).unwrap())
}
