//! Answers of both wire formats, read out of bodies without a network: whole, split, damaged, endless.
mod any_bytes;
mod cost;
mod endless;

use bytes::Bytes;
use duyetbot_core::{ModelEvent, Result};
use duyetbot_fetch::Client;
use futures::{
    StreamExt,
    executor::block_on,
    stream::{self, BoxStream},
};
use serde_json::Value;

use crate::{
    anthropic, endpoint::Endpoint, family, history::tool_names, name::Provider, names::ToolNames, openai,
};

/// The wire formats.
const FORMATS: [Provider; 2] = [Provider::Anthropic, Provider::OpenAi];

/// The answer that such a body holds. Nothing is asked of anybody: the address is none.
fn answer(format: Provider, model: &str, body: BoxStream<'static, Result<Bytes>>) -> duyetbot_core::Answer {
    let (client, nowhere) = (Client::default(), Some("nowhere".to_owned()));
    match format {
        Provider::Anthropic => {
            let asked = anthropic::Asked {
                endpoint: Endpoint::anthropic(client, nowhere, None),
                model: model.to_owned(),
                body: Bytes::from_static(br#"{"messages":[]}"#),
                names: ToolNames::default(),
                answer_tool: None,
            };
            anthropic::answer(asked, body)
        }
        _ => {
            let names = tool_names(&duyetbot_core::Request::default(), 64);
            openai::answer(Endpoint::openai(client, nowhere, None), family::price_of(model), names, body)
        }
    }
}

/// What comes of a body in these pieces. An error is told with all that is compared of it.
fn read(format: Provider, model: &str, pieces: Vec<Vec<u8>>) -> Vec<std::result::Result<ModelEvent, String>> {
    let body = stream::iter(pieces.into_iter().map(|piece| Ok(Bytes::from(piece)))).boxed();
    let told = |error| format!("{error:?} {:?}", duyetbot_core::Error::retry(&error));
    block_on(answer(format, model, body).map(|event| event.map_err(told)).collect())
}

/// Bodies that real servers send in this format.
fn bodies(format: Provider) -> Vec<String> {
    let cases = include_str!("../../tests/fixtures/providers.jsonl").lines();
    let cases = cases.map(|line| serde_json::from_str::<Value>(line).unwrap());
    let of_cases = cases.filter(|case| case["format"] == format.as_str()).flat_map(|case| {
        let responses = case["respond"].as_array().cloned().unwrap_or_default();
        responses.into_iter().map(|response| response["body"].as_str().unwrap().to_owned())
    });
    let more = match format {
        Provider::Anthropic => [
            THOUGHTFUL_ANTHROPIC,
            include_str!("../../../../tests/fixtures/wiremock/__files/anthropic/good.sse"),
        ],
        _ => [THOUGHTFUL_OPENAI, include_str!("../../../../tests/fixtures/wiremock/__files/openai/good.sse")],
    };
    of_cases.chain(more.map(str::to_owned)).collect()
}

/// Reasoning, text and two calls, with characters of every length.
const THOUGHTFUL_ANTHROPIC: &str = r#"event: message_start
data: {"type":"message_start","message":{"usage":{"input_tokens":9,"output_tokens":1}}}

data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}

data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Both é€😀."}}

data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"c2ln"}}

data: {"type":"content_block_stop","index":0}

data: {"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}

data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Huế and Hà Nội."}}

data: {"type":"content_block_stop","index":1}

data: {"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"toolu_1","name":"get_weather","input":{}}}

data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"city\":\"Hu"}}

data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"ế\"}"}}

data: {"type":"content_block_stop","index":2}

data: {"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"toolu_2","name":"get_weather","input":{}}}

data: {"type":"content_block_stop","index":3}

data: {"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":40}}

data: {"type":"message_stop"}

"#;

/// The same in the other format.
const THOUGHTFUL_OPENAI: &str = r#"data: {"choices":[{"index":0,"delta":{"role":"assistant","reasoning_content":"Both é€😀."}}]}

data: {"choices":[{"index":0,"delta":{"content":"Huế and Hà Nội."}}]}

data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"Hu"}}]}}]}

data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"ế\"}"}}]}}]}

data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"call_2","type":"function","function":{"name":"get_weather","arguments":""}}]}}]}

data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}

data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":40}}

data: [DONE]

"#;
