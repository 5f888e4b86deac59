//! A session that is summed up because its person asks for it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use duyetbot::{
    Duyetbot,
    core::{Agent, Code, MessageId, Part, Role, SessionId},
};
use duyetbot_testkit::{Scripted, ScriptedModel};
use std::sync::Arc;

async fn talked(turns: usize, then: &[&str]) -> (Duyetbot, Arc<ScriptedModel>, SessionId) {
    let answers =
        (1..=turns).map(|n| format!("answer {n}")).chain(then.iter().map(|text| (*text).to_owned()));
    let model = Arc::new(ScriptedModel::new(answers.map(|text| vec![Scripted::text(&text)])));
    let bot = Duyetbot::builder().model(model.clone()).secret("a-secret-of-a-test").open().await.unwrap();
    let session = bot.ask("question 1").await.unwrap().session;
    for n in 2..=turns {
        bot.ask_in(session, &format!("question {n}")).await.unwrap();
    }
    (bot, model, session)
}

async fn tip(bot: &Duyetbot, session: SessionId) -> MessageId {
    bot.store().session(bot.scope(), session).await.unwrap().head.unwrap()
}

#[tokio::test]
async fn the_model_sees_the_summary_in_the_place_of_what_it_covers_and_every_message_stays() {
    let (bot, model, session) = talked(4, &["all of it, a-secret-of-a-test", "answer 5"]).await;
    let before = tip(&bot, session).await;
    let made = bot.agent().compact(bot.scope(), session, before, None).await.unwrap().unwrap();
    let summary = bot.store().message(bot.scope(), session, made.message).await.unwrap();
    assert_eq!(
        (summary.parent, summary.role, tip(&bot, session).await),
        (Some(before), Role::System, made.message)
    );
    let Some(Part::Summary { text, covers }) = summary.parts.first() else { panic!("{summary:?}") };
    assert!(text.starts_with("all of it, ") && !text.contains("a-secret-of-a-test"), "{text}");
    // The person's first and latest words and the last answer are not covered.
    assert_eq!((covers.len(), made.covers), (5, 5));

    bot.ask_in(session, "question 5").await.unwrap();
    let seen: Vec<String> = model.requests().last().unwrap().messages.iter().map(|m| m.text()).collect();
    assert!(seen.contains(&"question 1".to_owned()) && seen.contains(&"question 5".to_owned()), "{seen:?}");
    assert!(!seen.contains(&"answer 2".to_owned()), "{seen:?}");
    let all = bot.store().messages(bot.scope(), session, 0, 100).await.unwrap();
    assert_eq!(all.len(), 11);
}

#[tokio::test]
async fn too_little_is_not_summed_up() {
    let (bot, model, session) = talked(1, &[]).await;
    let tip = tip(&bot, session).await;
    assert_eq!(bot.agent().compact(bot.scope(), session, tip, None).await.unwrap(), None);
    assert_eq!(model.requests().len(), 1, "the model is not asked");
}

#[tokio::test]
async fn a_summary_without_words_changes_nothing() {
    let (bot, _, session) = talked(4, &[" "]).await;
    let tip_before = tip(&bot, session).await;
    let error = bot.agent().compact(bot.scope(), session, tip_before, None).await.unwrap_err();
    assert_eq!(error.message(), "the model gave no summary; ask again");
    assert_eq!(tip(&bot, session).await, tip_before);
}

#[tokio::test]
async fn a_session_with_an_open_answer_is_not_summed_up() {
    let model = Arc::new(ScriptedModel::new([vec![Scripted::text("half"), Scripted::Silence]]));
    let bot = Duyetbot::builder().model(model).open().await.unwrap();
    let (run, _events) = bot.stream(duyetbot::core::Chat::new("hello")).await.unwrap();
    let error = bot.agent().compact(bot.scope(), run.session, run.message, None).await.unwrap_err();
    assert!(error.is(Code::RunActive), "{error}");
}
