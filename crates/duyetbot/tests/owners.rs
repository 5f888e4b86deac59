//! Two people in one process: ids are made by clients, so that one may know, or use, the other's.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use duyetbot::{
    Duyetbot,
    core::{Agent, Chat, ErrorKind, Event, RunId, RunState, Scope},
};
use duyetbot_testkit::{Scripted, ScriptedModel};
use futures::StreamExt;
use std::sync::Arc;

async fn first_words(bot: &Duyetbot, scope: &Scope, run: RunId) -> String {
    let mut events = bot.agent().watch(scope, run, 0).await.unwrap();
    loop {
        if let (_, Event::Content { text, .. }) = events.next().await.unwrap() {
            return text;
        }
    }
}

#[tokio::test]
async fn a_run_is_seen_and_stopped_by_its_owner_alone_even_where_another_has_the_same_id() {
    let answers = ["for ada", "for bob"].map(|words| vec![Scripted::text(words), Scripted::Silence]);
    let bot = Duyetbot::builder().model(Arc::new(ScriptedModel::new(answers))).open().await.unwrap();
    let (ada, bob) = (Scope::vouched("ada", "ada"), Scope::vouched("bob", "bob"));
    let chat = Chat::new("hello");
    let chat = Chat { session: Some(chat.session_id(&ada)), ..chat };

    let run = bot.agent().start(&ada, chat.clone()).await.unwrap();
    assert_eq!(first_words(&bot, &ada, run).await, "for ada");
    let refused = bot.agent().watch(&bob, run, 0).await.map(drop).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotFound);

    assert_eq!(bot.agent().start(&bob, chat).await.unwrap(), run);
    assert_eq!(first_words(&bot, &bob, run).await, "for bob");
    bot.agent().stop(&bob, run).await.unwrap();
    let ending =
        bot.agent().watch(&bob, run, 0).await.unwrap().map(|(_, event)| event).collect::<Vec<_>>().await;
    assert!(matches!(ending.last(), Some(Event::Done { state: RunState::Cancelled, .. })), "{ending:?}");
    assert_eq!(first_words(&bot, &ada, run).await, "for ada");
    assert_eq!(bot.store().run(&ada, run).await.unwrap().state, RunState::Running);
}
