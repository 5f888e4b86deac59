//! Guards by the day: what all turns of a person may use until midnight, UTC.
#![allow(clippy::unwrap_used, clippy::expect_used, unreachable_pub)]

use duyetbot::{
    Duyetbot,
    core::{
        Code, Error, ModelEvent, Role, SessionId, SettableClock, StopReason, Timestamp, Usage,
        run::{Guards, Settings},
    },
};
use duyetbot_testkit::{Scripted, ScriptedModel};
use std::{sync::Arc, time::Duration};

/// 2026-11-25T23:00:00Z.
const LATE: Timestamp = Timestamp(1_795_647_600_000);

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn answer(tokens: u64, cost: f64) -> Vec<Scripted> {
    let usage = Usage { input: tokens - 1, output: 1, cost: Some(cost), ..Usage::default() };
    let events = [ModelEvent::Text("ok".into()), ModelEvent::Usage(usage), ModelEvent::Stop(StopReason::End)];
    events.map(Scripted::Event).into()
}

/// A bot over this many equal answers, with these guards.
async fn bot(answers: usize, guards: Guards) -> (Duyetbot, Arc<ScriptedModel>, Arc<SettableClock>) {
    let model = Arc::new(ScriptedModel::new((0..answers).map(|_| answer(100, 0.5))));
    let clock = Arc::new(SettableClock::new(LATE));
    let bot = Duyetbot::builder()
        .storage("memory:")
        .model(model.clone())
        .clock(clock.clone())
        .behaviour(Settings { guards, ..Settings::default() })
        .open()
        .await
        .unwrap();
    (bot, model, clock)
}

async fn refusal(bot: &Duyetbot, session: SessionId) -> Error {
    bot.ask_in(session, "and now?").await.unwrap_err()
}

#[test]
fn what_all_sessions_used_today_holds_the_next_turn_back_until_tomorrow() {
    runtime().block_on(async {
        for (guards, code, said) in [
            (
                Guards { tokens_per_day: Some(200), ..Guards::default() },
                Code::TokenLimit,
                "200 tokens were used today",
            ),
            (
                Guards { cost_per_day: Some(1.0), ..Guards::default() },
                Code::CostLimit,
                "1.00 dollars were spent today",
            ),
        ] {
            let (bot, model, clock) = bot(3, guards).await;
            let session = SessionId::new();
            bot.ask_in(SessionId::new(), "one").await.unwrap();
            bot.ask_in(session, "two").await.unwrap();
            let error = refusal(&bot, session).await;
            assert!(error.is(code) && error.message().starts_with(said), "{error}");
            assert_eq!(model.requests().len(), 2, "a model was asked though the day is used up");
            // The words stay, and the next day's turn sees them.
            clock.advance(Duration::from_secs(60 * 60));
            bot.ask_in(session, "go on").await.unwrap();
            let seen = model.requests().pop().unwrap().messages;
            let seen: Vec<String> = seen.iter().filter(|m| m.role == Role::User).map(|m| m.text()).collect();
            assert_eq!(seen, ["two", "and now?", "go on"]);
        }
    });
}
