//! A tool of one's own: the model calls it, and its result stands in the transcript.
#![allow(clippy::print_stdout)]
use async_trait::async_trait;
use duyetbot::{
    Duyetbot,
    core::{Approval, Result, Tool, ToolContext, ToolResult, ToolSpec},
};
use duyetbot_testkit::{Scripted, ScriptedModel};
use serde_json::{Value, json};
use std::sync::Arc;

struct Dice(ToolSpec);

#[async_trait]
impl Tool for Dice {
    fn spec(&self) -> &ToolSpec {
        &self.0
    }
    async fn call(&self, _context: &ToolContext, input: &str) -> ToolResult {
        let sides = serde_json::from_str::<Value>(input).ok().and_then(|v| v["sides"].as_u64());
        match sides {
            Some(sides) if sides > 0 => ToolResult::success(format!("rolled {sides} of {sides}")),
            _ => ToolResult::error("the field `sides` must be a whole number above 0"),
        }
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let dice = Dice(ToolSpec {
        name: "dice".to_owned(),
        description: "Rolls a die.".to_owned(),
        input: json!({"type": "object", "properties": {"sides": {"type": "integer"}}, "required": ["sides"]}),
        approval: Approval::Free,
    });
    // A scripted model stands for a real one, so that this runs anywhere.
    let model = ScriptedModel::new([
        vec![Scripted::call("dice", r#"{"sides":20}"#)],
        vec![Scripted::text("It is a twenty.")],
    ]);
    let bot = Duyetbot::builder().model(Arc::new(model)).tool(Arc::new(dice)).open().await?;
    let reply = bot.ask("Roll a twenty-sided die.").await?;
    println!("{}", reply.text);
    assert_eq!(reply.text, "It is a twenty.");
    Ok(())
}
