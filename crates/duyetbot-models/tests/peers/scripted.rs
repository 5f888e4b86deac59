//! What a scripted model answers in both formats, and what was sent to it.
use duyetbot_core::{BlobRef, ModelCall, ModelEvent, Part, StopReason};
use serde_json::{Value, json};
use std::sync::Arc;

use crate::{
    client::{FORMATS, Format, Heard, Talk, ask, parts, request},
    peer,
    tap::Tap,
};

fn calls(heard: &Heard) -> Vec<ModelCall> {
    let call =
        |event: &ModelEvent| if let ModelEvent::Call(call) = event { Some(call.clone()) } else { None };
    heard.events.iter().filter_map(call).collect()
}

fn call(id: &str, input: &Value) -> ModelCall {
    ModelCall {
        id: id.to_owned(),
        tool: "get_weather".to_owned(),
        input: input.to_string(),
        whole: true,
        extra: None,
    }
}

/// All that matters of the blocks of a message, without the marks of the cache.
fn unmarked(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(name, _)| *name != "cache_control");
            Value::Object(kept.map(|(name, value)| (name.clone(), unmarked(value))).collect())
        }
        Value::Array(items) => items.iter().map(unmarked).collect(),
        other => other.clone(),
    }
}

#[tokio::test]
async fn words_come_in_pieces() {
    for format in FORMATS {
        let heard = ask(&*format.model(&peer::aimock()), &request("say hello")).await;
        assert_eq!(heard.text(), "Hello! I am the scripted model, and I answer in several pieces.");
        let pieces = heard.events.iter().filter(|event| matches!(event, ModelEvent::Text(_))).count();
        assert!(pieces > 1, "{heard:?}");
        assert_eq!(heard.events.last(), Some(&ModelEvent::Stop(StopReason::End)));
    }
}

#[tokio::test]
async fn a_call_whose_input_comes_in_pieces_is_whole_and_its_result_goes_back() {
    for format in FORMATS {
        let tap = Tap::on(&peer::aimock()).await;
        let mut talk = Talk::new();
        let all = talk.turn(&*format.model(tap.url()), "What is the weather in Hanoi?").await;
        let input = json!({ "city": "Hanoi", "unit": "celsius" });
        assert_eq!(all[0].text(), "Let me look.");
        assert_eq!(calls(&all[0]), [call("toolu_weather_1", &input)]);
        assert_eq!(all[1].text(), "It is 31 degrees in Hanoi.");

        let sent = tap.bodies().remove(1);
        let (said, result) = (&sent["messages"], format!("sunny: {input}"));
        let expected = match format {
            Format::Anthropic => json!([
                { "role": "user", "content": [{ "type": "text", "text": "What is the weather in Hanoi?" }] },
                { "role": "assistant", "content": [
                    { "type": "text", "text": "Let me look." },
                    { "type": "tool_use", "id": "toolu_weather_1", "name": "get_weather", "input": input },
                ] },
                { "role": "user", "content": [
                    { "type": "tool_result", "tool_use_id": "toolu_weather_1", "content": result },
                ] },
            ]),
            Format::OpenAi => json!([
                { "role": "system", "content": "You answer questions on the weather." },
                { "role": "user", "content": "What is the weather in Hanoi?" },
                { "role": "assistant", "content": "Let me look.", "tool_calls": [
                    { "id": "toolu_weather_1", "type": "function",
                      "function": { "name": "get_weather", "arguments": input.to_string() } },
                ] },
                { "role": "tool", "tool_call_id": "toolu_weather_1", "content": result },
            ]),
        };
        assert_eq!(unmarked(said), expected);
    }
}

#[tokio::test]
async fn calls_at_once_stay_apart_and_each_gets_its_result() {
    for format in FORMATS {
        let tap = Tap::on(&peer::aimock()).await;
        let all = Talk::new().turn(&*format.model(tap.url()), "Compare two cities.").await;
        let inputs = [json!({ "city": "Hanoi" }), json!({ "city": "Huế" })];
        assert_eq!(calls(&all[0]), [call("toolu_city_1", &inputs[0]), call("toolu_city_2", &inputs[1])]);
        assert_eq!(all[1].text(), "Both are warm.");

        let sent = tap.bodies().remove(1);
        let result = |n: usize| format!("sunny: {}", inputs[n]);
        let results: Vec<(&Value, &Value)> = match format {
            Format::Anthropic => {
                let blocks = sent["messages"][2]["content"].as_array().unwrap();
                blocks.iter().map(|block| (&block["tool_use_id"], &block["content"])).collect()
            }
            Format::OpenAi => {
                let messages = sent["messages"].as_array().unwrap()[3..].iter();
                messages.map(|message| (&message["tool_call_id"], &message["content"])).collect()
            }
        };
        let expected = [(json!("toolu_city_1"), json!(result(0))), (json!("toolu_city_2"), json!(result(1)))];
        assert_eq!(results, expected.iter().map(|(id, result)| (id, result)).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn reasoning_goes_back_beside_the_call_that_it_led_to() {
    for format in FORMATS {
        let tap = Tap::on(&peer::aimock()).await;
        let all = Talk::new().turn(&*format.model(tap.url()), "think and look").await;
        let signature = (format == Format::Anthropic).then(|| "aimock-placeholder-signature".to_owned());
        let text = "The weather is not known yet.".to_owned();
        let reasoning = Part::Reasoning { text: text.clone(), signature: signature.clone(), redacted: None };
        let said = parts(&all[0].events);
        assert_eq!(said[..2], [reasoning, Part::text("One moment.")]);
        assert_eq!(calls(&all[0]), [call("toolu_look_1", &json!({ "city": "Oslo" }))]);
        assert_eq!(all[1].text(), "It is sunny.");

        let expected = match format {
            Format::Anthropic => json!({ "role": "assistant", "content": [
                { "type": "thinking", "thinking": text, "signature": signature },
                { "type": "text", "text": "One moment." },
                { "type": "tool_use", "id": "toolu_look_1", "name": "get_weather", "input": { "city": "Oslo" } },
            ] }),
            Format::OpenAi => json!({
                "role": "assistant",
                "content": "One moment.",
                "reasoning_content": text,
                "tool_calls": [{ "id": "toolu_look_1", "type": "function",
                    "function": { "name": "get_weather", "arguments": "{\"city\":\"Oslo\"}" } }],
            }),
        };
        let sent = tap.bodies().remove(1);
        let said = sent["messages"].as_array().unwrap().iter().find(|m| m["role"] == "assistant").unwrap();
        assert_eq!(said, &expected);
    }
}

#[tokio::test]
async fn a_picture_is_sent_with_the_words_around_it() {
    let bytes: Arc<[u8]> = Arc::from(*b"\x89PNG not really");
    let picture = Part::Image {
        media_type: "image/png".to_owned(),
        name: Some("dot.png".to_owned()),
        blob: BlobRef { hash: "h".to_owned(), size: bytes.len() as u64 },
    };
    for format in FORMATS {
        let tap = Tap::on(&peer::aimock()).await;
        let mut talk = Talk::new();
        talk.say(vec![picture.clone(), Part::text("What is in this picture?")]);
        talk.request.blobs.insert("h".to_owned(), bytes.clone());
        let heard = ask(&*format.model(tap.url()), &talk.request).await;
        assert_eq!(heard.text(), "One black dot.", "{heard:?}");
        let (data, text) =
            ("iVBORyBub3QgcmVhbGx5", json!({ "type": "text", "text": "What is in this picture?" }));
        let expected = match format {
            Format::Anthropic => json!([
                { "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": data } }, text,
            ]),
            Format::OpenAi => json!([
                { "type": "image_url", "image_url": { "url": format!("data:image/png;base64,{data}") } }, text,
            ]),
        };
        let sent = tap.bodies().remove(0);
        let said = sent["messages"].as_array().unwrap().last().unwrap();
        assert_eq!(unmarked(&said["content"]), expected);
    }
}

/// The paths of all marks in a body.
fn marks(value: &Value, path: &str) -> Vec<String> {
    match value {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, value)| match name.as_str() {
                "cache_control" => {
                    assert_eq!(value, &json!({ "type": "ephemeral" }));
                    vec![path.to_owned()]
                }
                _ => marks(value, &format!("{path}/{name}")),
            })
            .collect(),
        Value::Array(items) => {
            items.iter().enumerate().flat_map(|(n, item)| marks(item, &format!("{path}/{n}"))).collect()
        }
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn what_stays_the_same_is_marked_for_the_cache_and_stays_the_same() {
    let tap = Tap::on(&peer::aimock()).await;
    let model = Format::Anthropic.model(tap.url());
    let mut talk = Talk::new();
    talk.turn(&*model, "say hello").await;
    talk.turn(&*model, "Compare two cities.").await;
    let sent = tap.bodies();
    assert_eq!(sent.len(), 3);
    let last_two = [
        vec!["/messages/0/content/0"],
        vec!["/messages/0/content/0", "/messages/2/content/0"],
        // A person's message, and the results of two calls.
        vec!["/messages/2/content/0", "/messages/4/content/1"],
    ];
    for (body, of_messages) in sent.iter().zip(last_two) {
        let expected: Vec<&str> = of_messages.into_iter().chain(["/system/0", "/tools/0"]).collect();
        assert_eq!(marks(body, ""), expected);
    }
    for pair in sent.windows(2) {
        let [before, after] = [&pair[0], &pair[1]];
        assert_eq!((&before["system"], &before["tools"]), (&after["system"], &after["tools"]));
        let messages = |body: &Value| unmarked(&body["messages"]).as_array().unwrap().clone();
        assert!(
            messages(after).starts_with(&messages(before)),
            "an earlier message was sent in another form"
        );
    }
}
