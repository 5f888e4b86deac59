//! A store of one's own: anything that implements the storage traits serves. Here a clock of one's own, too.
#![allow(clippy::print_stdout)]
use duyetbot::{
    Duyetbot,
    core::{MemoryStore, Result, SettableClock, Timestamp},
};
use std::sync::Arc;

#[tokio::main]
async fn main() -> Result<()> {
    let clock = Arc::new(SettableClock::new(Timestamp(1_700_000_000_000)));
    let store = Arc::new(MemoryStore::new(clock));
    let bot = Duyetbot::builder().store(store).open().await?;
    let reply = bot.ask("Remember the milk.").await?;
    let session = bot.store().session(bot.scope(), reply.session).await?;
    println!("{} at {}", session.title, session.updated);
    assert_eq!(session.updated.date(), "2023-11-14");
    Ok(())
}
