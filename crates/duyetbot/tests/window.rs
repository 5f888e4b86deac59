//! What a model sees where tools say more than its window holds.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use async_trait::async_trait;
use duyetbot::{
    Duyetbot,
    core::{
        Approval, Message, Part, Role, Tool, ToolContext, ToolResult, ToolSpec, run::Settings as Behaviour,
    },
};
use duyetbot_testkit::{Scripted, ScriptedModel};
use std::sync::Arc;

/// Says the numbers up to the one that its input names.
struct Count(ToolSpec);

#[async_trait]
impl Tool for Count {
    fn spec(&self) -> &ToolSpec {
        &self.0
    }
    async fn call(&self, _: &ToolContext, input: &str) -> ToolResult {
        let input: serde_json::Value = serde_json::from_str(input).unwrap();
        let to = input["to"].as_u64().unwrap();
        ToolResult::success((1..=to).map(|n| format!("{n}\n")).collect::<String>())
    }
}

/// Asks a model with this window, which calls the tool with each of these, and answers what it saw at each request.
async fn asked(window: u32, wanted: Option<u32>, calls: &[&str]) -> Vec<Vec<Arc<Message>>> {
    let spec = ToolSpec {
        name: "count".into(),
        description: "counts".into(),
        input: serde_json::json!({ "type": "object" }),
        approval: Approval::Free,
    };
    let answers = calls.iter().map(|to| vec![Scripted::call("count", &format!("{{\"to\":{to}}}"))]);
    let model = ScriptedModel::new(answers.chain([vec![Scripted::text("Counted.")]])).with_window(window);
    let model = Arc::new(model);
    let builder = Duyetbot::builder().model(model.clone()).tool(Arc::new(Count(spec)));
    let bot = builder.behaviour(Behaviour { context_tokens: wanted, ..Behaviour::default() });
    let bot = bot.open().await.unwrap();
    bot.ask("Count for me, please.").await.unwrap();
    model.requests().into_iter().map(|request| request.messages).collect()
}

fn outputs(messages: &[Arc<Message>]) -> Vec<&str> {
    let parts = messages.iter().flat_map(|message| &message.parts);
    parts
        .filter_map(|part| match part {
            Part::Tool(used) => Some(used.result.output.as_str()),
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn the_persons_words_stay_however_much_a_tool_says() {
    let requests = asked(8_192, None, &["20000", "20000", "3"]).await;
    assert_eq!(requests.len(), 4);
    for messages in &requests {
        let said: Vec<String> = messages.iter().filter(|m| m.role == Role::User).map(|m| m.text()).collect();
        assert_eq!(said, ["Count for me, please."]);
    }
    let last = outputs(&requests[3]);
    assert_eq!(last.last(), Some(&"1\n2\n3\n"));
}

#[tokio::test]
async fn an_output_that_is_cut_keeps_both_ends_and_says_how_to_get_the_rest() {
    let requests = asked(8_192, None, &["20000"]).await;
    let output = outputs(&requests[1])[0];
    assert!(output.starts_with("1\n2\n3\n") && output.ends_with("\n19999\n20000\n"), "{output}");
    assert!(
        output.contains("characters were cut here to fit; call it again for less to see them]"),
        "{output}"
    );
}

#[tokio::test]
async fn the_persons_setting_is_the_window_of_a_model_that_is_not_known_better() {
    let requests = asked(8_192, Some(200_000), &["20000"]).await;
    assert_eq!(outputs(&requests[1])[0].lines().count(), 20_000);
    let requests = asked(200_000, Some(8_192), &["20000"]).await;
    assert!(outputs(&requests[1])[0].lines().count() < 1_000);
}
