//! The least that a server of this stack can do: a message goes to the model, its words come back, and nothing is kept.
use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::State,
    http::{Request, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::post,
};
use futures::{StreamExt, stream};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{convert::Infallible, net::SocketAddr};
use tokio::net::TcpListener;

use crate::Result;

type Model = Client<HttpConnector, Body>;

#[derive(Clone)]
struct Upstream {
    client: Model,
    address: SocketAddr,
}

#[derive(Deserialize)]
struct Chat {
    message: String,
}

/// Serves until it is killed; the address is its one line of output.
#[expect(clippy::print_stdout, reason = "it is how the address is told")]
pub(crate) async fn serve(model: SocketAddr) -> Result<()> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client = Client::builder(TokioExecutor::new()).build(connector);
    let router =
        Router::new().route("/agent/chat", post(chat)).with_state(Upstream { client, address: model });
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
        stream.set_nodelay(true).ok();
    });
    Ok(axum::serve(listener, router).await?)
}

async fn chat(State(upstream): State<Upstream>, Json(chat): Json<Chat>) -> Response {
    match ask(&upstream, &chat.message).await {
        Ok(body) => ([(CONTENT_TYPE, "text/event-stream")], body).into_response(),
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

async fn ask(upstream: &Upstream, message: &str) -> Result<Body> {
    let message = json!({ "role": "user", "content": message });
    let body = json!({ "model": "bench", "max_tokens": 1024, "stream": true, "messages": [message] });
    let request = Request::post(format!("http://{}/v1/messages", upstream.address))
        .header(CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()))?;
    let answer = Body::new(upstream.client.request(request).await?.into_body()).into_data_stream();
    let words = stream::unfold((answer, String::new()), |(mut answer, mut unread)| async move {
        loop {
            unread.push_str(std::str::from_utf8(&answer.next().await?.ok()?).ok()?);
            let whole = unread.rfind("\n\n").map_or(0, |at| at + 2);
            let events: String = unread.drain(..whole).as_str().lines().filter_map(event).collect();
            if !events.is_empty() {
                return Some((Ok::<_, Infallible>(Bytes::from(events)), (answer, unread)));
            }
        }
    });
    Ok(Body::from_stream(words))
}

/// What a line of the model's becomes.
fn event(line: &str) -> Option<String> {
    let event: Value = serde_json::from_str(line.strip_prefix("data: ")?).ok()?;
    let ours = match event["type"].as_str()? {
        "content_block_delta" => json!({ "type": "content", "content": event["delta"]["text"] }),
        "message_stop" => json!({ "type": "done" }),
        _ => return None,
    };
    Some(format!("data: {ours}\n\n"))
}
