//! The fields of a session: the last writer wins.
use duyetbot_core::{
    Change, Counters, MessageId, Session, SessionFilter, SessionId, SessionState, Timestamp,
};
use std::time::Duration;

use crate::{
    backend::{Backend, skips},
    fixture::{Ground, INVALID, NOT_FOUND, START, refusal},
};

pub async fn each_field_is_set_and_read_back(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (session, all) = at.session_of(&["a", "b"]).await;
    let mut expected = at.store.session(&at.mine, session).await.unwrap();
    let verbatim = !skips(at.store.capabilities().verbatim, "verbatim", "metadata comes back byte for byte");
    let metadata = if verbatim { r#"{"k": [1.50, "é'\""]}"# } else { r#"{"k":[1.5,"é'\""]}"# };
    for change in [
        Change::Title("It's \"new\"".into()),
        Change::State(SessionState::Paused),
        Change::Head(all[0]),
        Change::Metadata(metadata.into()),
    ] {
        at.clock.advance(Duration::from_millis(5));
        match change.clone() {
            Change::Title(title) => expected.title = title,
            Change::State(state) => expected.state = state,
            Change::Head(head) => expected.head = Some(head),
            Change::Metadata(metadata) => expected.metadata = metadata,
            Change::Updated(_) | Change::Delete | Change::Restore => {
                unreachable!("they have checks of their own")
            }
        }
        expected.seq += 1;
        expected.updated = expected.updated.plus(Duration::from_millis(5));
        assert_eq!(at.store.set(&at.mine, session, &change).await.unwrap(), expected);
        assert_eq!(at.store.session(&at.mine, session).await.unwrap(), expected);
    }
    assert_eq!(at.store.counters(&at.mine).await.unwrap().seq, expected.seq);
}

pub async fn updated_is_now_or_what_the_change_says(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (session, _) = at.session_of(&["a"]).await;
    let (later, _) = at.session_of(&["b"]).await;
    let before = at.store.session(&at.mine, session).await.unwrap();
    at.clock.advance(Duration::from_secs(1));
    let then = Timestamp(START.0 - 60_000);
    let set = at.store.set(&at.mine, session, &Change::Updated(then)).await.unwrap();
    let expected = Session { updated: then, seq: before.seq + 2, ..before };
    assert_eq!(set, expected);
    assert_eq!(at.store.session(&at.mine, session).await.unwrap(), expected);
    let page = at.store.sessions(&at.mine, &SessionFilter::default()).await.unwrap();
    assert_eq!(page.items.iter().map(|s| s.id).collect::<Vec<_>>(), [later, session]);
    let renamed = at.store.set(&at.mine, session, &Change::Title("x".into())).await.unwrap();
    assert_eq!(renamed.updated, START.plus(Duration::from_secs(1)));
}

pub async fn the_same_value_again_changes_nothing(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (session, all) = at.session_of(&["a", "b"]).await;
    for change in [
        Change::Title("Renamed".into()),
        Change::State(SessionState::Completed),
        Change::Head(all[0]),
        Change::Metadata(r#"{"a":1}"#.into()),
        Change::Updated(START),
        Change::Delete,
        Change::Restore,
    ] {
        let set = at.store.set(&at.mine, session, &change).await.unwrap();
        let before = at.snapshot(&at.mine).await;
        at.clock.advance(Duration::from_secs(1));
        assert_eq!(at.store.set(&at.mine, session, &change).await.unwrap(), set);
        assert_eq!(at.snapshot(&at.mine).await, before);
    }
}

pub async fn this_call_is_the_last_writer_though_the_clock_went_back(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (session, _) = at.session_of(&["a"]).await;
    for (now, title) in [(START.0 + 50, "one"), (START.0 - 50, "two"), (0, "three")] {
        at.clock.set(Timestamp(now));
        let set = at.store.set(&at.mine, session, &Change::Title(title.into())).await.unwrap();
        assert_eq!((set.title.as_str(), set.updated), (title, Timestamp(now)));
    }
}

pub async fn a_stamp_is_the_stores_now_or_one_more_than_the_one_it_replaces(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (session, _) = at.session_of(&["a"]).await;
    let Some(first) = backend.title_stamp(&at.mine, session).await else {
        skips(false, "a look at stamps", "a_stamp_is_the_stores_now_or_one_more_than_the_one_it_replaces");
        return;
    };
    assert_eq!(first.at, START.0);
    for (now, title, stamp) in [
        (START.0, "in the same millisecond", START.0 + 1),
        (START.0 + 50, "later", START.0 + 50),
        (START.0 + 50, "later", START.0 + 50),
        (START.0 - 50, "after the clock went back", START.0 + 51),
        (START.0 + 51, "as it stands there", START.0 + 52),
    ] {
        at.clock.set(Timestamp(now));
        at.store.set(&at.mine, session, &Change::Title(title.into())).await.unwrap();
        let stored = backend.title_stamp(&at.mine, session).await.unwrap();
        assert_eq!((stored.at, stored.device), (stamp, first.device), "{title}");
    }
    at.store.set(&at.mine, session, &Change::State(SessionState::Paused)).await.unwrap();
    let stored = backend.title_stamp(&at.mine, session).await.unwrap();
    assert_eq!(stored.at, START.0 + 52, "another field's stamp");
}

pub async fn a_field_of_an_unknown_session_is_not_found(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (erased, _) = at.session_of(&["a"]).await;
    at.store.erase(&at.mine, erased).await.unwrap();
    for session in [SessionId::new(), erased] {
        for change in [Change::Title("x".into()), Change::Head(MessageId::new()), Change::Delete] {
            assert_eq!(refusal(at.store.set(&at.mine, session, &change).await), NOT_FOUND);
        }
    }
}

pub async fn a_head_that_is_no_message_of_the_session_is_invalid(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (session, _) = at.session_of(&["a"]).await;
    let (_, elsewhere) = at.session_of(&["b"]).await;
    let before = at.snapshot(&at.mine).await;
    for head in [MessageId::new(), elsewhere[0]] {
        assert_eq!(refusal(at.store.set(&at.mine, session, &Change::Head(head)).await), INVALID);
    }
    assert_eq!(at.snapshot(&at.mine).await, before);
}

pub async fn metadata_that_is_no_object_is_invalid(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (session, _) = at.session_of(&["a"]).await;
    for metadata in ["", "[]", "1", "null", "{", r#"{"a":}"#] {
        let change = Change::Metadata(metadata.into());
        assert_eq!(refusal(at.store.set(&at.mine, session, &change).await), INVALID);
    }
}

pub async fn the_bin_gives_count_and_bytes_back_exactly_once(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (session, _) = at.session_of(&["a", "b"]).await;
    at.session_of(&["c"]).await;
    let full = at.store.counters(&at.mine).await.unwrap();
    let bytes = at.store.session(&at.mine, session).await.unwrap().bytes;
    let less = Counters { seq: 4, sessions: 1, bytes: full.bytes - bytes, ..full };
    for _ in 0..2 {
        at.store.set(&at.mine, session, &Change::Delete).await.unwrap();
        assert_eq!(at.store.counters(&at.mine).await.unwrap(), less);
    }
    for _ in 0..2 {
        at.store.set(&at.mine, session, &Change::Restore).await.unwrap();
        assert_eq!(at.store.counters(&at.mine).await.unwrap(), Counters { seq: 5, ..full });
    }
}
