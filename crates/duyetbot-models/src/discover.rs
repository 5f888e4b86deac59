//! Which models there are: a provider's own list, and servers on this machine.
use duyetbot_core::Result;
use duyetbot_fetch::{Call, Client};
use futures::{StreamExt, stream::FuturesUnordered};
use serde_json::Value;
use std::time::Duration;

use crate::{endpoint::Endpoint, name::Provider};

/// The usual ports of Ollama, llama.cpp and LM Studio.
pub const USUAL_PORTS: [u16; 3] = [11434, 8080, 1234];
/// How long a server on this machine may take to say that it is there.
const LOCAL_WAIT: Duration = Duration::from_millis(100);
/// Bytes of a list that are read.
const LARGEST_LIST: usize = 2 * 1024 * 1024;

/// A server on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalServer {
    /// Its address, with `/v1`.
    pub base_url: String,
    /// Its first model.
    pub model: String,
}

/// The provider's models, the newest first.
pub async fn list_models(endpoint: &Endpoint) -> Result<Vec<String>> {
    let path = if endpoint.provider == Provider::Anthropic { "/v1/models?limit=1000" } else { "/models" };
    Ok(names(&endpoint.get(path).await?))
}

fn names(list: &Value) -> Vec<String> {
    let entries =
        list["data"].as_array().or_else(|| list["models"].as_array()).map(Vec::as_slice).unwrap_or_default();
    let mut named: Vec<(String, String)> = entries
        .iter()
        .filter_map(|m| {
            let name = m["id"].as_str().or_else(|| m["name"].as_str()).or_else(|| m.as_str())?;
            // Both forms order as text: an RFC 3339 time, or seconds of one length.
            let made = match &m["created_at"] {
                Value::String(at) => at.clone(),
                _ => m["created"].as_i64().map(|n| format!("{n:012}")).unwrap_or_default(),
            };
            Some((made, name.to_owned()))
        })
        .collect();
    named.sort_by(|a, b| b.0.cmp(&a.0));
    named.into_iter().map(|(_, name)| name).collect()
}

/// The newest model of the provider's main family, of a list with the newest first.
pub fn newest_main(provider: Provider, names: &[String]) -> Option<String> {
    let first = |fits: &dyn Fn(&str) -> bool| names.iter().find(|n| fits(&n.to_lowercase())).cloned();
    match provider {
        Provider::Anthropic => first(&|n| n.contains("sonnet"))
            .or_else(|| first(&|n| n.starts_with("claude")))
            .or_else(|| names.first().cloned()),
        Provider::OpenAi => {
            const ASIDE: [&str; 13] = [
                "mini",
                "nano",
                "audio",
                "realtime",
                "search",
                "image",
                "transcribe",
                "tts",
                "instruct",
                "codex",
                "vision",
                "chat-latest",
                "preview",
            ];
            first(&|n| n.starts_with("gpt-") && !ASIDE.iter().any(|a| n.contains(a)))
                .or_else(|| first(&|n| n.starts_with("gpt-")))
                .or_else(|| first(&|n| !n.contains("embed")))
                .or_else(|| names.first().cloned())
        }
        Provider::Recall => None,
    }
}

/// The first server that answers on one of these ports of this machine; all are asked at once.
pub async fn probe_local(client: &Client, ports: &[u16]) -> Option<LocalServer> {
    let mut asked: FuturesUnordered<_> = ports.iter().map(|port| probe(client, *port)).collect();
    let mut found = Vec::new();
    while let Some(answer) = asked.next().await {
        found.extend(answer);
    }
    // Of several the one whose port is named first, whoever was faster.
    found.into_iter().min_by_key(|(port, _)| ports.iter().position(|p| p == port)).map(|(_, server)| server)
}

async fn probe(client: &Client, port: u16) -> Option<(u16, LocalServer)> {
    let base_url = format!("http://127.0.0.1:{port}/v1");
    let response = client.send(Call::get(format!("{base_url}/models")).timeout(LOCAL_WAIT)).await.ok()?;
    if !response.is_success() {
        return None;
    }
    let body = response.read(LARGEST_LIST).await.ok()?;
    let list: Value = serde_json::from_slice(&body).ok()?;
    let model = newest_main(Provider::OpenAi, &names(&list))?;
    Some((port, LocalServer { base_url, model }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_newest_of_the_main_family_is_chosen() {
        let list = json!({"data": [
            {"id": "gpt-4o", "created": 10}, {"id": "gpt-5-mini", "created": 40}, {"id": "gpt-5", "created": 30},
            {"id": "text-embedding-3", "created": 50}
        ]});
        assert_eq!(newest_main(Provider::OpenAi, &names(&list)).as_deref(), Some("gpt-5"));
        let list = json!({"data": [
            {"id": "claude-opus-9", "created_at": "2026-03-01T00:00:00Z"},
            {"id": "claude-sonnet-8", "created_at": "2026-02-01T00:00:00Z"},
            {"id": "claude-sonnet-7", "created_at": "2025-02-01T00:00:00Z"}
        ]});
        assert_eq!(newest_main(Provider::Anthropic, &names(&list)).as_deref(), Some("claude-sonnet-8"));
        assert_eq!(newest_main(Provider::OpenAi, &["qwen3".to_owned()]).as_deref(), Some("qwen3"));
    }
}
