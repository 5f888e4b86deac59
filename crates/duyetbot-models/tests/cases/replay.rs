//! A server that answers a case's requests in order, in the pieces and with the ends that the case demands.
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

pub struct Server {
    port: u16,
    requests: Arc<Mutex<Vec<Value>>>,
}

impl Server {
    pub async fn start(case: &Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (case, seen) = (case.clone(), requests.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, case.clone(), seen.clone()));
            }
        });
        Server { port, requests }
    }
    pub fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
    pub fn requests(&self) -> Vec<Value> {
        self.requests.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, case: Value, seen: Arc<Mutex<Vec<Value>>>) {
    while let Some(body) = request(&mut stream).await {
        let n = {
            let mut seen = seen.lock().unwrap();
            seen.push(body);
            seen.len()
        };
        let plain = plain_answer(case["format"].as_str().unwrap());
        let response = match case["respond"].as_array() {
            Some(all) => all[n.min(all.len()) - 1].clone(),
            None => plain,
        };
        if !answer(&mut stream, &response).await {
            return;
        }
    }
}

async fn request(stream: &mut TcpStream) -> Option<Value> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break at + 4;
        }
        let mut piece = [0; 4096];
        match stream.read(&mut piece).await {
            Ok(n) if n > 0 => bytes.extend_from_slice(&piece[..n]),
            _ => return None,
        }
    };
    let headers = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
    let length: usize = headers
        .lines()
        .find_map(|l| l.strip_prefix("content-length:"))
        .map_or(0, |n| n.trim().parse().unwrap());
    while bytes.len() < head + length {
        let mut piece = [0; 4096];
        match stream.read(&mut piece).await {
            Ok(n) if n > 0 => bytes.extend_from_slice(&piece[..n]),
            _ => return None,
        }
    }
    Some(serde_json::from_slice(&bytes[head..head + length]).unwrap_or(Value::Null))
}

/// Writes a response; `false` where the connection is over with it.
async fn answer(stream: &mut TcpStream, response: &Value) -> bool {
    let body = response["body"].as_str().unwrap().as_bytes();
    let status = response["status"].as_u64().unwrap_or(200);
    let mut head = format!("HTTP/1.1 {status} X\r\n");
    let headers = response["headers"].as_object().cloned().unwrap_or_default();
    for (name, value) in &headers {
        head.push_str(&format!("{name}: {}\r\n", value.as_str().unwrap()));
    }
    if !headers.contains_key("content-type") {
        head.push_str("content-type: text/event-stream\r\n");
    }
    head.push_str("transfer-encoding: chunked\r\n\r\n");
    if stream.write_all(head.as_bytes()).await.is_err() {
        return false;
    }
    let mut rest = body;
    let mut sizes: Vec<usize> =
        response["chunks"].as_array().into_iter().flatten().map(|n| n.as_u64().unwrap() as usize).collect();
    sizes.push(usize::MAX);
    for size in sizes {
        let (piece, after) = rest.split_at(size.min(rest.len()));
        rest = after;
        if piece.is_empty() {
            continue;
        }
        let chunk = [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
        if stream.write_all(&chunk).await.is_err() || stream.flush().await.is_err() {
            return false;
        }
        settle().await;
    }
    match response["close"].as_str() {
        Some("reset") => {
            settle().await;
            // Without a wait for what was sent, the peer gets a reset.
            #[expect(deprecated, reason = "a reset is what is wanted")]
            stream.set_linger(Some(Duration::ZERO)).unwrap();
            false
        }
        Some(_) => false,
        None => stream.write_all(b"0\r\n\r\n").await.is_ok(),
    }
}

/// Lets the client read what was sent, so that each piece is one of its own.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}

fn plain_answer(format: &str) -> Value {
    let body = if format == "openai" {
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"ok\"},\"finish_reason\":null}]}\n\n\
         data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"
    } else {
        "data: {\"type\":\"message_start\",\"message\":{}}\n\n\
         data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n\
         data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"ok\"}}\n\n\
         data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}\n\ndata: {\"type\":\"message_stop\"}\n\n"
    };
    json!({ "status": 200, "body": body })
}
