//! A fake model on a port of this machine: it answers Anthropic's Messages API with the same words each time, an event a
//! word, as fast as they are read.
use serde_json::json;
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream},
    net::{TcpListener, TcpStream},
};

use crate::Result;

/// Words of an answer.
pub(crate) const TOKENS: usize = 50;
/// The place of the first word among the events.
const FIRST_WORD: usize = 2;
/// The model's name.
pub(crate) const NAME: &str = "anthropic/bench";

/// The whole answer.
pub(crate) fn answer() -> String {
    (0..TOKENS).map(token).collect()
}

fn token(n: usize) -> String {
    format!("word{n} ")
}

/// Serves until the runtime ends; answers the address.
pub(crate) async fn serve() -> Result<SocketAddr> {
    serve_slowly(Duration::ZERO).await
}

/// The same with a rest before each event after the first word.
pub(crate) async fn serve_slowly(rest: Duration) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // A client that leaves early has what it wanted.
            tokio::spawn(async move { talk(stream, rest).await.ok() });
        }
    });
    Ok(address)
}

async fn talk(stream: TcpStream, rest: Duration) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufStream::new(stream);
    loop {
        let mut length = 0;
        let mut line = String::new();
        loop {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let lower = line.to_ascii_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        send_answer(&mut stream, rest).await?;
    }
}

/// Each event goes out by itself, as from a model that speaks word by word.
async fn send_answer(stream: &mut BufStream<TcpStream>, rest: Duration) -> Result<()> {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n\
                transfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await?;
    for (n, event) in events().enumerate() {
        if n > FIRST_WORD && !rest.is_zero() {
            tokio::time::sleep(rest).await;
        }
        let chunk = format!("{:x}\r\n{event}\r\n", event.len());
        stream.write_all(chunk.as_bytes()).await?;
        stream.flush().await?;
    }
    stream.write_all(b"0\r\n\r\n").await?;
    stream.flush().await?;
    Ok(())
}

fn events() -> impl Iterator<Item = String> {
    let message = json!({ "id": "msg_bench", "type": "message", "role": "assistant", "model": "bench", "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": { "input_tokens": 25, "output_tokens": 1 } });
    let begin = [
        event("message_start", &json!({ "message": message })),
        event("content_block_start", &json!({ "index": 0, "content_block": { "type": "text", "text": "" } })),
    ];
    let words = (0..TOKENS).map(|n| {
        let delta = json!({ "type": "text_delta", "text": token(n) });
        event("content_block_delta", &json!({ "index": 0, "delta": delta }))
    });
    let delta = json!({ "stop_reason": "end_turn", "stop_sequence": null });
    let end = [
        event("content_block_stop", &json!({ "index": 0 })),
        event("message_delta", &json!({ "delta": delta, "usage": { "output_tokens": TOKENS } })),
        event("message_stop", &json!({})),
    ];
    begin.into_iter().chain(words).chain(end)
}

fn event(kind: &str, fields: &serde_json::Value) -> String {
    let mut data = fields.clone();
    data["type"] = kind.into();
    format!("event: {kind}\ndata: {data}\n\n")
}
