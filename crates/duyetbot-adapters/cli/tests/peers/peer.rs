//! Where the peers are, and what they are asked besides what is under test.
use duyetbot_fetch::{Call, Client};
use serde_json::{Value, json};

/// The peer's address, or the program's path.
#[expect(clippy::disallowed_methods, reason = "how scripts/with-peers says where the peers are")]
fn of(variable: &str) -> String {
    std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} is not set: run it with scripts/with-peers cargo test …"))
}

/// A real, very small language model.
pub(crate) fn llm() -> String {
    of("DUYETBOT_TEST_LLM")
}

/// The scripted model: tests/fixtures/aimock.json has its answers.
pub(crate) fn aimock() -> String {
    of("DUYETBOT_TEST_AIMOCK")
}

/// The server of failures: tests/fixtures/wiremock/README.md lists them.
pub(crate) fn wiremock() -> String {
    of("DUYETBOT_TEST_WIREMOCK")
}

/// The program that makes requests up: tests/fixtures/schemathesis says what it is told.
pub(crate) fn schemathesis() -> String {
    of("DUYETBOT_TEST_SCHEMATHESIS")
}

/// A word that no other test uses.
pub(crate) fn word() -> String {
    duyetbot_core::MessageId::new().to_string()
}

fn read(call: Call) -> Value {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let response = Client::default().send(call).await.unwrap();
        assert!(response.is_success(), "{response:?}");
        serde_json::from_slice(&response.read(64 << 20).await.unwrap()).unwrap()
    })
}

/// The requests that the scripted model got with this word in them, the oldest first: who said what.
pub(crate) fn journal(word: &str) -> Vec<Vec<(String, String)>> {
    let all = read(Call::get(format!("{}/__aimock/journal", aimock())));
    let bodies = all.as_array().unwrap().iter().map(|entry| &entry["body"]);
    let with_word = bodies.filter(|body| body.to_string().contains(word));
    let said = with_word.map(|body| {
        let messages = body["messages"].as_array().unwrap().iter();
        let said = messages.map(|message| (words(&message["role"]), words(&message["content"])));
        said.filter(|(role, _)| role != "system").collect()
    });
    said.collect()
}

/// A text, or the texts of parts.
fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(|part| words(&part["text"])).collect(),
        other => panic!("{other} is no text"),
    }
}

/// A case of our own at the server of failures: it answers so in turn, and so for ever from the last one on.
pub(crate) fn case(in_turn: &[Value]) -> String {
    let case = word();
    for path in ["messages", "chat/completions"] {
        for (n, response) in in_turn.iter().enumerate() {
            let state = |n: usize| if n == 0 { "Started".to_owned() } else { n.to_string() };
            let mapping = json!({
                "scenarioName": format!("{case} {path}"),
                "requiredScenarioState": state(n),
                "newScenarioState": state((n + 1).min(in_turn.len() - 1)),
                "request": { "method": "POST", "urlPath": format!("/{case}/v1/{path}") },
                "response": response,
            });
            read(Call::post_json(format!("{}/__admin/mappings", wiremock()), mapping.to_string()));
        }
    }
    case
}
