//! Streaming, and stopping in the middle: what was said stays.
#![allow(clippy::print_stdout)]
use duyetbot::{
    Duyetbot,
    core::{Agent, Chat, Event, Result, RunState},
};
use duyetbot_testkit::{Scripted, ScriptedModel};
use futures::StreamExt;
use std::sync::Arc;

#[tokio::main]
async fn main() -> Result<()> {
    let model = ScriptedModel::new([vec![Scripted::text("one "), Scripted::text("two "), Scripted::Silence]]);
    let bot = Duyetbot::builder().model(Arc::new(model)).open().await?;
    let (run, mut events) = bot.stream(Chat::new("Count for ever.")).await?;
    let (mut ended, mut said) = (None, String::new());
    while let Some((_, event)) = events.next().await {
        match event {
            Event::Content { text, .. } => {
                print!("{text}");
                if text.contains("two") {
                    bot.agent().stop(bot.scope(), run).await?;
                }
            }
            Event::Done { state, message, .. } => {
                ended = Some(state);
                let Some(id) = message else { continue };
                let kept = bot.store().message(bot.scope(), run.session, id).await?;
                println!("\nkept: {:?}, cut: {}", kept.text(), kept.cut);
                said = kept.text();
            }
            _ => {}
        }
    }
    assert_eq!((ended, said.as_str()), (Some(RunState::Cancelled), "one two "));
    Ok(())
}
