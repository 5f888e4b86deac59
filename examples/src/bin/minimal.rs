//! A minimal agent: it remembers what it was told, in another session too.
#![allow(clippy::print_stdout)]
use duyetbot::{Duyetbot, core::Result};

#[tokio::main]
async fn main() -> Result<()> {
    let bot = Duyetbot::open("memory:").await?;
    bot.ask("The spare key hangs behind the blue door.").await?;
    let reply = bot.ask("Where is the spare key?").await?;
    println!("{}", reply.text);
    assert!(reply.text.contains("behind the blue door"));
    Ok(())
}
