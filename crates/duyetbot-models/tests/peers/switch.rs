//! A conversation that begins at one provider, goes on at the other, and comes back.
use serde_json::{Value, json};

use crate::{
    client::{Format, Talk},
    peer,
    tap::Tap,
};

#[tokio::test]
async fn a_conversation_moves_to_another_provider_and_back() {
    let (first, second) = (Tap::on(&peer::aimock()).await, Tap::on(&peer::aimock()).await);
    let claude = Format::Anthropic.model(first.url());
    let gpt = Format::OpenAi.model(second.url());
    let word = peer::word();
    let mut talk = Talk::new();
    talk.turn(&*claude, &format!("think and look, {word}")).await;
    talk.turn(&*claude, "What is the weather in Hanoi?").await;
    talk.turn(&*gpt, "Compare two cities.").await;
    let last = talk.turn(&*claude, "Now say hello.").await;
    assert_eq!(last[0].text(), "Hello! I am the scripted model, and I answer in several pieces.");

    let think = format!("think and look, {word}");
    let zero = json!({ "city": "Oslo" });
    let (one, two) = (
        json!({ "city": "Hanoi", "unit": "celsius" }),
        [json!({ "city": "Hanoi" }), json!({ "city": "Huế" })],
    );
    let function = |id: &str, input: &Value| json!({ "id": id, "type": "function", "function": { "name": "get_weather", "arguments": input.to_string() } });
    let result = |id: &str, input: &Value| json!({ "role": "tool", "tool_call_id": id, "content": format!("sunny: {input}") });
    // Claude's reasoning and its proof are no business of another model.
    let at_openai = json!([
        { "role": "system", "content": "You answer questions on the weather." },
        { "role": "user", "content": think },
        { "role": "assistant", "content": "One moment.", "tool_calls": [function("toolu_look_1", &zero)] },
        result("toolu_look_1", &zero),
        { "role": "assistant", "content": "It is sunny." },
        { "role": "user", "content": "What is the weather in Hanoi?" },
        { "role": "assistant", "content": "Let me look.", "tool_calls": [function("toolu_weather_1", &one)] },
        result("toolu_weather_1", &one),
        { "role": "assistant", "content": "It is 31 degrees in Hanoi." },
        { "role": "user", "content": "Compare two cities." },
        { "role": "assistant", "content": null, "tool_calls": [
            function("toolu_city_1", &two[0]), function("toolu_city_2", &two[1]),
        ] },
        result("toolu_city_1", &two[0]),
        result("toolu_city_2", &two[1]),
    ]);
    assert_eq!(second.bodies()[1]["messages"], at_openai);

    let text = |text: &str| json!({ "type": "text", "text": text });
    let called = |id: &str, input: &Value| json!({ "type": "tool_use", "id": id, "name": "get_weather", "input": input });
    let returned = |id: &str, input: &Value| json!({ "type": "tool_result", "tool_use_id": id, "content": format!("sunny: {input}") });
    let back_at_anthropic = json!([
        { "role": "user", "content": [text(&think)] },
        { "role": "assistant", "content": [
            { "type": "thinking", "thinking": "The weather is not known yet.", "signature": "aimock-placeholder-signature" },
            text("One moment."),
            called("toolu_look_1", &zero),
        ] },
        { "role": "user", "content": [returned("toolu_look_1", &zero)] },
        { "role": "assistant", "content": [text("It is sunny.")] },
        { "role": "user", "content": [text("What is the weather in Hanoi?")] },
        { "role": "assistant", "content": [text("Let me look."), called("toolu_weather_1", &one)] },
        { "role": "user", "content": [returned("toolu_weather_1", &one)] },
        { "role": "assistant", "content": [text("It is 31 degrees in Hanoi.")] },
        { "role": "user", "content": [text("Compare two cities.")] },
        { "role": "assistant", "content": [called("toolu_city_1", &two[0]), called("toolu_city_2", &two[1])] },
        { "role": "user", "content": [returned("toolu_city_1", &two[0]), returned("toolu_city_2", &two[1])] },
        { "role": "assistant", "content": [text("Both are warm.")] },
        { "role": "user", "content": [text("Now say hello.")] },
    ]);
    let mut sent = first.bodies().pop().unwrap();
    let mut messages = sent["messages"].take();
    for message in messages.as_array_mut().unwrap() {
        for block in message["content"].as_array_mut().unwrap() {
            block.as_object_mut().unwrap().remove("cache_control");
        }
    }
    assert_eq!(messages, back_at_anthropic);

    // The server's own journal has every request of the conversation, and understood the last one as the same talk.
    let journal = peer::journal(&word).await;
    let models: Vec<&str> = journal.iter().map(|body| body["model"].as_str().unwrap()).collect();
    let (claude, gpt) = ("claude-sonnet-4-5", "gpt-5");
    assert_eq!(models, [claude, claude, claude, claude, gpt, gpt, claude]);
    let roles = |body: &Value| -> Vec<String> {
        let messages = body["messages"].as_array().unwrap();
        messages.iter().map(|message| message["role"].as_str().unwrap().to_owned()).collect()
    };
    let mut expected = roles(&journal[5]);
    expected.extend(["assistant".to_owned(), "user".to_owned()]);
    assert_eq!(roles(&journal[6]), expected);
}
