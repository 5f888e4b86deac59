//! Clocks that go back, stand still or differ: order is that of writing, and nothing is lost.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use duyetbot::{
    Duyetbot,
    core::{Message, Role, SessionFilter, SessionId, SettableClock, Timestamp},
};
use duyetbot_testkit::ScriptedModel;
use std::{collections::BTreeSet, path::Path, sync::Arc, time::Duration};

const HOUR: Duration = Duration::from_secs(3600);

/// 2026-11-25T12:00:00Z.
const NOON: Timestamp = Timestamp(1_795_608_000_000);
/// Of the year 2035.
const LATER: Timestamp = Timestamp(2_064_000_000_000);

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

struct Person {
    bot: Duyetbot,
    model: Arc<ScriptedModel>,
    clock: Arc<SettableClock>,
}

impl Person {
    async fn new(folder: &Path) -> Self {
        let (model, clock) = (Arc::new(ScriptedModel::new([])), Arc::new(SettableClock::new(NOON)));
        let bot = Duyetbot::builder()
            .storage(&format!("sqlite:{}", folder.join("talk.db").display()))
            .model(model.clone())
            .clock(clock.clone())
            .open()
            .await
            .unwrap();
        Person { bot, model, clock }
    }

    async fn say(&self, session: SessionId, words: &str) {
        let reply = self.bot.ask_in(session, words).await.unwrap();
        assert_eq!(reply.text, "ok");
    }

    /// The session's path, from its beginning.
    async fn path(&self, session: SessionId) -> Vec<Message> {
        self.bot.store().path(self.bot.scope(), session, None, 1000).await.unwrap()
    }

    /// The person's words of the latest request.
    fn asked(&self) -> Vec<String> {
        let request = self.model.requests().pop().unwrap();
        request.messages.iter().filter(|m| m.role == Role::User).map(|m| m.text()).collect()
    }
}

fn words(messages: &[Message]) -> Vec<String> {
    messages.iter().filter(|m| m.role == Role::User).map(Message::text).collect()
}

/// Case: clock-goes-backwards
#[test]
fn the_order_is_that_of_writing_whatever_the_clock_shows() {
    let folder = tempfile::tempdir().unwrap();
    runtime().block_on(async {
        let person = Person::new(folder.path()).await;
        let session = SessionId::new();
        let mut said = Vec::new();
        for moment in [NOON, NOON.minus(HOUR), LATER, NOON.plus(HOUR)] {
            person.clock.set(moment);
            for n in 0..3 {
                let words = format!("turn {n} at {moment}");
                person.say(session, &words).await;
                said.push(words);
                // What is asked is in the order of writing at every turn, whatever the clock showed at each.
                assert_eq!(person.asked(), said);
            }
        }
        let path = person.path(session).await;
        assert_eq!(words(&path), said);
        assert_eq!(path.len(), 24);
        let times: Vec<String> = path.iter().step_by(6).map(|m| m.created.to_string()).collect();
        assert_eq!(
            times,
            [
                "2026-11-25T12:00:00.000Z",
                "2026-11-25T11:00:00.000Z",
                "2035-05-28T21:20:00.000Z",
                "2026-11-25T13:00:00.000Z",
            ]
        );
        let ids: BTreeSet<_> = path.iter().map(|m| m.id).collect();
        assert_eq!(ids.len(), 24);
        let feed = person.bot.store().messages(person.bot.scope(), session, 0, 1000).await.unwrap();
        assert_eq!(words(&feed), said);
        person.bot.close().await.unwrap();
    });
}

/// Case: clock-goes-backwards
#[test]
fn a_list_sorts_by_time_and_loses_nothing_when_the_clock_went_back() {
    let folder = tempfile::tempdir().unwrap();
    runtime().block_on(async {
        let person = Person::new(folder.path()).await;
        let mut sessions = BTreeSet::new();
        for moment in [LATER, NOON, NOON, NOON.minus(HOUR), NOON] {
            person.clock.set(moment);
            let session = SessionId::new();
            person.say(session, "hello").await;
            sessions.insert(session);
        }
        // A page at a time, with the clock stepping between the pages.
        let mut filter = SessionFilter { limit: 2, ..SessionFilter::default() };
        let mut listed = Vec::new();
        loop {
            person.clock.set(if listed.len() == 2 { Timestamp(1) } else { LATER });
            let page = person.bot.store().sessions(person.bot.scope(), &filter).await.unwrap();
            listed.extend(page.items.iter().map(|s| (s.updated, s.id)));
            filter.cursor = page.next;
            if filter.cursor.is_none() {
                break;
            }
        }
        let mut sorted = listed.clone();
        sorted.sort_by(|a, b| b.cmp(a));
        assert_eq!(listed, sorted);
        assert_eq!(listed.into_iter().map(|(_, id)| id).collect::<BTreeSet<_>>(), sessions);
        person.bot.close().await.unwrap();
    });
}

/// Case: clock-goes-backwards
#[test]
fn two_processes_an_hour_apart_write_one_session_in_the_order_of_their_turns() {
    let folder = tempfile::tempdir().unwrap();
    runtime().block_on(async {
        let (early, late) = (Person::new(folder.path()).await, Person::new(folder.path()).await);
        late.clock.set(NOON.plus(HOUR));
        let session = SessionId::new();
        let said = ["late one", "early two", "late three", "early four"].map(str::to_owned);
        for (n, words) in said.iter().enumerate() {
            let person = if n % 2 == 0 { &late } else { &early };
            person.say(session, words).await;
            assert_eq!(person.asked(), said[..=n]);
        }
        for person in [&early, &late] {
            let path = person.path(session).await;
            assert_eq!(words(&path), said);
            assert!(path.windows(2).all(|pair| pair[1].parent == Some(pair[0].id)));
            assert_eq!(
                person.bot.store().session(person.bot.scope(), session).await.unwrap().head,
                path.last().map(|m| m.id)
            );
        }
        // A field settles by the last writer, also where that one's clock is behind.
        for (person, title) in [(&late, "by the late one"), (&early, "by the early one")] {
            let change = duyetbot::core::Change::Title(title.to_owned());
            person.bot.store().set(person.bot.scope(), session, &change).await.unwrap();
            assert_eq!(late.bot.store().session(late.bot.scope(), session).await.unwrap().title, title);
        }
        early.bot.close().await.unwrap();
        late.bot.close().await.unwrap();
    });
}
