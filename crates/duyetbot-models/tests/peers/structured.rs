//! An answer in a given shape.
use duyetbot_core::{ModelEvent, OutputSchema, StopReason};
use serde_json::{Value, json};

use crate::{
    client::{FORMATS, Format, ask, request},
    peer,
    tap::Tap,
};

fn schema() -> Value {
    json!({
        "type": "object",
        "properties": { "city": { "type": "string" }, "degrees": { "type": "number" } },
        "required": ["city", "degrees"],
        "additionalProperties": false,
    })
}

#[tokio::test]
async fn an_answer_of_a_given_shape_comes_as_text_in_both_formats() {
    for format in FORMATS {
        let tap = Tap::on(&peer::aimock()).await;
        let mut request = request("The weather, as a record.");
        request.schema = Some(OutputSchema { name: "weather_record".to_owned(), schema: schema() });
        let heard = ask(&*format.model(tap.url()), &request).await;
        let record: Value = serde_json::from_str(&heard.text()).unwrap();
        assert_eq!(record, json!({ "city": "Hanoi", "degrees": 31 }));
        assert_eq!(heard.events.last(), Some(&ModelEvent::Stop(StopReason::End)));
        assert!(!heard.events.iter().any(|event| matches!(event, ModelEvent::Call(_))), "{heard:?}");

        let sent = tap.bodies().remove(0);
        match format {
            Format::Anthropic => {
                assert_eq!(sent["tool_choice"], json!({ "type": "tool", "name": "weather_record" }));
                assert_eq!(sent["tools"][0]["input_schema"], schema());
            }
            Format::OpenAi => assert_eq!(
                sent["response_format"],
                json!({
                    "type": "json_schema",
                    "json_schema": { "name": "weather_record", "schema": schema(), "strict": true },
                })
            ),
        }
    }
}
