//! What a person does to a run from afar: decide, stop, search; and what an agent on a server cannot do.
use duyetbot_core::{Agent, CallId, Chat, Code, Decision, ErrorKind, Event, RunState, Scope, ToolStatus};

use crate::place::{Held, Place, ada, rest, until, whole};

async fn waiting(
    place: &Place,
) -> (duyetbot_core::RunId, Held, futures::stream::BoxStream<'static, duyetbot_core::Watched>) {
    let mouth = place.model.answer();
    mouth.call("c", "open", r#"{"n":1}"#);
    mouth.end();
    let agent = place.agent();
    let run = agent.start(&ada(), Chat::new("open it")).await.unwrap();
    let mut events = agent.watch(&ada(), run, 0).await.unwrap();
    let mut held = Held::default();
    until(&mut events, &mut held, |event| matches!(event, Event::Approval { .. })).await;
    (run, held, events)
}

#[tokio::test]
async fn a_call_is_found_and_decided_from_afar_and_the_run_goes_on() {
    let place = Place::new().await;
    let (run, mut held, events) = waiting(&place).await;
    let agent = place.agent();
    let open = agent.open_calls(&ada()).await.unwrap();
    assert_eq!(open, place.bot.agent().open_calls(&ada()).await.unwrap());
    let call = CallId("c".to_owned());
    assert!(!agent.decide(&ada(), run, &call, Decision::Allow).await.unwrap().ended());
    rest(&mut held, events).await;
    let result = (ToolStatus::Success, r#"open {"n":1}"#.to_owned());
    assert_eq!(held.calls[&call], (r#"open {"n":1}"#.to_owned(), Some(result)));
    assert_eq!(held.words(), "ok");
    let other = agent.decide(&ada(), run, &call, Decision::Deny).await.unwrap_err();
    assert_eq!((other.kind(), other.code()), (ErrorKind::Conflict, Some(Code::NotPending)));
}

#[tokio::test]
async fn a_message_goes_where_a_run_waits_and_not_where_one_speaks() {
    let place = Place::new().await;
    let (run, ..) = waiting(&place).await;
    let next = place.agent().start(&ada(), Chat::new("leave it").in_session(run.session)).await.unwrap();
    whole(place.agent().watch(&ada(), next, 0).await.unwrap()).await;
    let mouth = place.model.answer();
    let speaks = place.agent().start(&ada(), Chat::new("speak").in_session(run.session)).await.unwrap();
    let refused = place.agent().start(&ada(), Chat::new("me too").in_session(run.session)).await.unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (ErrorKind::Conflict, Some(Code::RunActive)));
    assert_eq!(refused.context().iter().find(|(key, _)| *key == "run").unwrap().1, speaks.to_string());
    drop(mouth);
}

#[tokio::test]
async fn a_run_is_stopped_from_afar_and_what_was_said_stays() {
    let place = Place::new().await;
    let mouth = place.model.answer();
    mouth.say("half ");
    let agent = place.agent();
    let run = agent.start(&ada(), Chat::new("go")).await.unwrap();
    let mut events = agent.watch(&ada(), run, 0).await.unwrap();
    let mut held = Held::default();
    until(&mut events, &mut held, |event| matches!(event, Event::Content { .. })).await;
    agent.stop(&ada(), run).await.unwrap();
    rest(&mut held, events).await;
    assert_eq!(held.words(), "half ");
    assert!(matches!(held.ending, Some(Ok((RunState::Cancelled, ..)))), "{:?}", held.ending);
    assert_eq!(agent.stop(&ada(), run).await.unwrap(), RunState::Cancelled);
}

#[tokio::test]
async fn a_watcher_from_the_edge_of_a_step_gets_what_follows_it() {
    let place = Place::new().await;
    let mouth = place.model.answer();
    mouth.say("first ");
    mouth.call("a", "look", "{}");
    mouth.end();
    let run = place.agent().start(&ada(), Chat::new("go")).await.unwrap();
    let all = whole(place.agent().watch(&ada(), run, 0).await.unwrap()).await;
    let later = whole(place.agent().watch(&ada(), run, 1).await.unwrap()).await;
    assert_eq!((all.words(), later.words()), ("first ok".to_owned(), "ok".to_owned()));
    assert_eq!(later.ending, all.ending);
    // A position beyond the end shows the whole.
    assert_eq!(whole(place.agent().watch(&ada(), run, 99).await.unwrap()).await.words(), "first ok");
}

#[tokio::test]
async fn a_search_from_afar_finds_what_a_search_there_finds() {
    let place = Place::new().await;
    for n in 0..7 {
        let run = place.agent().start(&ada(), Chat::new(format!("the blue door {n}"))).await.unwrap();
        whole(place.agent().watch(&ada(), run, 0).await.unwrap()).await;
    }
    let there = place.bot.agent().search(&ada(), "blue door", 5).await.unwrap();
    assert_eq!(there.len(), 5);
    assert_eq!(place.agent().search(&ada(), "blue door", 5).await.unwrap(), there);
    assert_eq!(place.agent().search(&ada(), "green", 5).await.unwrap(), []);
}

#[tokio::test]
async fn what_a_server_cannot_be_asked_for_is_unsupported_and_another_person_forbidden() {
    let place = Place::new().await;
    let agent = place.agent();
    let run = agent.start(&ada(), Chat::new("hi")).await.unwrap();
    let unsupported = |error: duyetbot_core::Error| {
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.message().starts_with(&place.address.to_string()), "{error}");
    };
    unsupported(agent.models(&ada()).await.unwrap_err());
    unsupported(agent.compact(&ada(), run.session, run.message, None).await.unwrap_err());
    assert_eq!(agent.model(&ada(), None).await.unwrap(), None);
    let bob = Scope::vouched("bob", "bob");
    for refused in [
        agent.start(&bob, Chat::new("hi")).await.unwrap_err(),
        agent.watch(&bob, run, 0).await.err().unwrap(),
        agent.open_calls(&bob).await.unwrap_err(),
        agent.stop(&bob, run).await.unwrap_err(),
    ] {
        assert_eq!(refused.kind(), ErrorKind::Forbidden);
    }
}
