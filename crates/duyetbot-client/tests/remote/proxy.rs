//! A proxy that cuts connections after so many bytes of the answer.
use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

pub struct Proxy {
    pub address: SocketAddr,
    cuts: Arc<Mutex<VecDeque<usize>>>,
    connections: Arc<AtomicUsize>,
}

impl Proxy {
    /// Stands before a server. The next connections are cut after so many bytes each, those after them never.
    pub async fn before(server: SocketAddr, cuts: &[usize]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Proxy {
            address: listener.local_addr().unwrap(),
            cuts: Arc::new(Mutex::new(cuts.iter().copied().collect())),
            connections: Arc::default(),
        };
        let (cuts, connections) = (proxy.cuts.clone(), proxy.connections.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                let cut = cuts.lock().unwrap().pop_front();
                tokio::spawn(pass(client, server, cut));
            }
        });
        proxy
    }
    /// How many connections were made through it.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
    /// What the next connections are cut after.
    pub fn cut(&self, after: &[usize]) {
        self.cuts.lock().unwrap().extend(after);
    }
}

async fn pass(client: TcpStream, server: SocketAddr, cut: Option<usize>) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let asking = tokio::spawn(async move {
        let _ = tokio::io::copy(&mut from_client, &mut to_server).await;
    });
    let mut left = cut.unwrap_or(usize::MAX);
    let mut piece = vec![0; 16 * 1024];
    while left > 0 {
        let Ok(read) = from_server.read(&mut piece).await else { break };
        if read == 0 {
            break;
        }
        let read = read.min(left);
        left -= read;
        if to_client.write_all(&piece[..read]).await.is_err() {
            break;
        }
    }
    // Both directions end here, in the middle of whatever was being said.
    asking.abort();
}
