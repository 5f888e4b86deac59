//! The key goes to the server and nowhere else, even where the server sends it back.
use duyetbot_core::{Code, ErrorKind, Retry};
use serde_json::json;

use crate::{
    client::{FORMATS, KEY, Told, ask, request},
    peer,
};

/// A server that repeats the key in a refusal, in an error inside a stream, and as a web page.
#[tokio::test]
async fn a_key_that_the_server_repeats_stands_in_no_error() {
    let said = format!("no such key: {KEY}, {} {KEY}", "so it is, ".repeat(28));
    let error = json!({ "error": { "type": "authentication_error", "message": said } }).to_string();
    for (status, body) in
        [(401, error.clone()), (200, format!("data: {error}\n\n")), (200, format!("<html>{KEY}"))]
    {
        let word = peer::word();
        peer::add_mapping(json!({
            "request": { "urlPathPattern": format!("/{word}/.*") },
            "response": { "status": status, "body": body },
        }))
        .await;
        for format in FORMATS {
            let model = format.model(&format!("{}/{word}", peer::wiremock()));
            // Told::of looks for the key.
            let told = ask(&*model, &request("Who am I?")).await.told();
            let whole = !body.starts_with('<');
            assert_eq!(told.message.contains("no such key: [redacted], so it is,"), whole, "{told:?}");
        }
    }
}

#[tokio::test]
async fn a_model_without_a_key_says_which_variable_is_missing() {
    let client = duyetbot_fetch::Client::default();
    let model = duyetbot_models::AnthropicModel::new(
        duyetbot_models::Endpoint::anthropic(client, Some("http://no-such-host.invalid".into()), None),
        "claude-sonnet-4-5",
    );
    let expected = Told {
        kind: ErrorKind::Unauthorized,
        code: Code::KeyMissing,
        retry: Retry::Never,
        message: "there is no key for anthropic; set ANTHROPIC_API_KEY".to_owned(),
    };
    assert_eq!(ask(&model, &request("Hello?")).await.told(), expected);
}
