//! Where the peers are, and what they are asked besides what is under test.
use duyetbot_fetch::{Call, Client};
use serde_json::Value;

/// The peer's address.
#[expect(clippy::disallowed_methods, reason = "how scripts/with-peers says where the peers are")]
fn url(variable: &str) -> String {
    std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} is not set: run it with scripts/with-peers cargo test …"))
}

/// The scripted model: tests/fixtures/aimock.json has its answers.
pub fn aimock() -> String {
    url("DUYETBOT_TEST_AIMOCK")
}

/// The server of failures: tests/fixtures/wiremock/README.md lists them.
pub fn wiremock() -> String {
    url("DUYETBOT_TEST_WIREMOCK")
}

/// A word that no other test uses.
pub fn word() -> String {
    duyetbot_core::MessageId::new().to_string()
}

async fn read(call: Call) -> Value {
    let response = Client::default().send(call).await.unwrap();
    assert!(response.is_success(), "{response:?}");
    serde_json::from_slice(&response.read(64 << 20).await.unwrap()).unwrap()
}

/// The bodies that the scripted model got with this word in them, the oldest first, in its own form.
pub async fn journal(word: &str) -> Vec<Value> {
    let all = read(Call::get(format!("{}/__aimock/journal", aimock()))).await;
    let bodies = all.as_array().unwrap().iter().map(|entry| entry["body"].clone());
    bodies.filter(|body| body.to_string().contains(word)).collect()
}

/// Adds an answer to the server of failures.
pub async fn add_mapping(mapping: Value) {
    read(Call::post_json(format!("{}/__admin/mappings", wiremock()), mapping.to_string())).await;
}

/// How often the server of failures was asked with this word.
pub async fn times_asked(word: &str) -> u64 {
    let asked = serde_json::json!({ "bodyPatterns": [{ "contains": word }] }).to_string();
    read(Call::post_json(format!("{}/__admin/requests/count", wiremock()), asked)).await["count"]
        .as_u64()
        .unwrap()
}
