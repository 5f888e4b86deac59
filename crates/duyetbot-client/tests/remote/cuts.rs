//! A watcher that is cut and resumes at every position ends with the identical text, tool events and ending.
use duyetbot_client::RemoteAgent;
use duyetbot_core::{Agent, Chat, Event, RunId};
use proptest::{collection::vec, prelude::*, test_runner::TestRunner};

use crate::{
    place::{Held, Place, TOKEN, ada, connection, rest, until, whole},
    proxy::Proxy,
};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

async fn run_with_everything(place: &Place) -> RunId {
    let first = place.model.answer();
    first.think("let me see 🦀");
    first.say("I look. ");
    first.call("a", "look", r#"{"n":1}"#);
    first.call("b", "look", r#"{"n":2}"#);
    first.end();
    let second = place.model.answer();
    second.call("c", "look", r#"{"n":3}"#);
    second.end();
    let third = place.model.answer();
    third.think("so");
    third.say("Schön, so: 日本。");
    third.end();
    let run = place.agent().start(&ada(), Chat::new("hi")).await.unwrap();
    whole(place.agent().watch(&ada(), run, 0).await.unwrap()).await;
    run
}

/// Watches through a proxy that cuts the connections after so many bytes each.
async fn through(place: &Place, run: RunId, cuts: &[usize]) -> Held {
    let proxy = Proxy::before(place.address, cuts).await;
    let agent = RemoteAgent::new(connection(proxy.address, TOKEN));
    let mut held = whole(agent.watch(&ada(), run, 0).await.unwrap()).await;
    // Edges may be told twice, and never out of order.
    assert!(held.edges.is_sorted(), "{:?}", held.edges);
    held.edges.dedup();
    held
}

#[test]
fn a_watcher_that_is_cut_after_any_byte_ends_with_the_same() {
    let runtime = runtime();
    let place = runtime.block_on(Place::new());
    let run = runtime.block_on(run_with_everything(&place));
    let unbroken = runtime.block_on(through(&place, run, &[]));
    assert_eq!((unbroken.messages.len(), unbroken.order.len(), unbroken.named), (3, 3, 1));
    assert_eq!(unbroken.edges, [1, 2, 3]);
    // The head has about 700 bytes; every position of the events is one of these.
    let all = runtime.block_on(async {
        let cut_at = |at: usize| through(&place, run, std::slice::from_ref(Box::leak(Box::new(at))));
        let mut wrong = Vec::new();
        for first in (1..3_200).step_by(32) {
            let some = (first..first + 32).map(cut_at);
            let held = futures::future::join_all(some).await;
            wrong.extend((first..).zip(held).filter(|(_, held)| *held != unbroken).map(|(at, _)| at));
        }
        wrong
    });
    assert_eq!(all, Vec::<usize>::new(), "cut after these bytes the watcher holds something else");
}

#[test]
fn a_watcher_that_is_cut_several_times_ends_with_the_same() {
    let runtime = runtime();
    let place = runtime.block_on(Place::new());
    let run = runtime.block_on(run_with_everything(&place));
    let unbroken = runtime.block_on(through(&place, run, &[]));
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() });
    runner
        .run(&vec(0_usize..3_000, 1..5), |cuts| {
            prop_assert_eq!(runtime.block_on(through(&place, run, &cuts)), unbroken.clone());
            Ok(())
        })
        .unwrap();
}

#[tokio::test]
async fn a_run_that_is_begun_over_a_connection_that_breaks_is_begun_once() {
    let place = Place::new().await;
    // The answer is lost before its head, within it, and before the run's name.
    for cuts in [&[0][..], &[1, 40], &[0, 0, 600]] {
        let before = place.model.requests().len();
        let proxy = Proxy::before(place.address, cuts).await;
        let agent = RemoteAgent::new(connection(proxy.address, TOKEN));
        let run = agent.start(&ada(), Chat::new("hi")).await.unwrap();
        let held = whole(agent.watch(&ada(), run, 0).await.unwrap()).await;
        assert_eq!(
            (held.words(), place.model.requests().len() - before),
            ("ok".to_owned(), 1),
            "cut {cuts:?}"
        );
        assert!(proxy.connections() > cuts.len());
        let session = place.bot.store().session(&ada(), run.session).await.unwrap();
        assert_eq!(session.messages, 2);
    }
}

#[tokio::test]
async fn a_watcher_that_is_cut_while_the_run_speaks_goes_on_live() {
    let place = Place::new().await;
    let mouth = place.model.answer();
    let proxy = Proxy::before(place.address, &[]).await;
    let agent = RemoteAgent::new(connection(proxy.address, TOKEN));
    let run = agent.start(&ada(), Chat::new("hi")).await.unwrap();
    // Each connection is cut some words after it was made.
    proxy.cut(&[900, 1_000, 1_200, 1_500]);
    let mut events = agent.watch(&ada(), run, 0).await.unwrap();
    let mut held = Held::default();
    let mut said = String::new();
    for n in 0..60 {
        let words = format!("{n} ü ");
        mouth.say(&words);
        said.push_str(&words);
        while held.words() != said {
            until(&mut events, &mut held, |_| true).await;
        }
    }
    mouth.end();
    rest(&mut held, events).await;
    assert!(proxy.connections() >= 5, "{} connections", proxy.connections());
    assert_eq!((held.words(), held.named), (said, 1));
    assert!(matches!(held.ending, Some(Ok(_))), "{:?}", held.ending);
}

#[tokio::test]
async fn two_clients_watch_one_run_live() {
    let place = Place::new().await;
    let mouth = place.model.answer();
    let (first, second) = (place.agent(), place.agent());
    let run = first.start(&ada(), Chat::new("hi")).await.unwrap();
    let mut watchers =
        [first.watch(&ada(), run, 0).await.unwrap(), second.watch(&ada(), run, 0).await.unwrap()];
    let mut held = [Held::default(), Held::default()];
    for n in 0..5 {
        let words = format!("{n} ");
        mouth.say(&words);
        for (events, held) in watchers.iter_mut().zip(&mut held) {
            until(
                events,
                held,
                |event| matches!(event, Event::Content { text, .. } if text.contains(&words)),
            )
            .await;
        }
    }
    mouth.end();
    for (events, held) in watchers.into_iter().zip(&mut held) {
        rest(held, events).await;
    }
    assert_eq!(held[0].words(), "0 1 2 3 4 ");
    assert_eq!(held[0], held[1]);
}
