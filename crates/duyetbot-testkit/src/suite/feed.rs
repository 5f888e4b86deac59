//! The change feed.
use duyetbot_core::{Change, Changes, SessionId};
use std::collections::BTreeSet;

use crate::{
    backend::{Backend, skips},
    fixture::{Ground, add, begin, ids, said},
};

async fn declared(backend: &dyn Backend, check: &str) -> Option<Ground> {
    let at = Ground::of(backend).await;
    (!skips(at.store.capabilities().changes, "changes", check)).then_some(at)
}

async fn changes(at: &Ground, after: u64, limit: u32) -> Changes {
    let mut page = at.store.changes(&at.mine, after, limit).await.unwrap();
    page.sessions.sort_by_key(|session| session.id);
    page
}

pub async fn a_page_carries_the_row_of_every_session_that_a_message_in_it_belongs_to(backend: &dyn Backend) {
    let check = "a_page_carries_the_row_of_every_session_that_a_message_in_it_belongs_to";
    let Some(at) = declared(backend, check).await else { return };
    let (first, a) = at.session_of(&["a", "b"]).await;
    at.session_of(&["c"]).await;
    at.store.set(&at.mine, first, &Change::Title("Renamed".into())).await.unwrap();
    let row = at.store.session(&at.mine, first).await.unwrap();
    let page = changes(&at, 0, 1).await;
    assert_eq!((ids(&page.messages), page.sessions), (vec![a[0]], vec![row.clone()]));
    assert_eq!((page.seq, page.more), (1, true));
    let page = changes(&at, 1, 1).await;
    assert_eq!((ids(&page.messages), page.sessions), (vec![a[1]], vec![row.clone()]));
    let page = changes(&at, 3, 9).await;
    assert_eq!((page.messages, page.sessions, page.seq, page.more), (vec![], vec![row], 4, false));
}

pub async fn walking_the_feed_gives_every_change_with_pages_of_any_size(backend: &dyn Backend) {
    let check = "walking_the_feed_gives_every_change_with_pages_of_any_size";
    let Some(at) = declared(backend, check).await else { return };
    let mut sessions = Vec::new();
    for n in 0..5 {
        let (session, _) = at.session_of(&["a", "b", "c"]).await;
        sessions.push(session);
        at.store.set(&at.mine, sessions[n / 2], &Change::Title(format!("Title {n}"))).await.unwrap();
        at.store.commit(&at.mine, &add(sessions[0], vec![said("more")])).await.unwrap();
    }
    at.store.commit(&at.mine, &begin(SessionId::new(), vec![])).await.unwrap();
    at.store.erase(&at.mine, sessions[1]).await.unwrap();
    at.store.set(&at.mine, sessions[2], &Change::Delete).await.unwrap();
    let everything = at.snapshot(&at.mine).await;
    for limit in [0, 1, 2, 3, 7, 100, u32::MAX] {
        let (mut after, mut messages, mut rows) = (0, Vec::new(), std::collections::BTreeMap::new());
        loop {
            let page = changes(&at, after, limit).await;
            assert!(page.seq > after, "a page that does not move on");
            assert!(page.messages.iter().all(|m| m.seq > after && m.seq <= page.seq));
            messages.extend(page.messages);
            rows.extend(page.sessions.into_iter().map(|session| (session.id, session)));
            after = page.seq;
            if !page.more {
                break;
            }
        }
        let seqs: Vec<u64> = messages.iter().map(|m| m.seq).collect();
        assert!(seqs.is_sorted_by(|a, b| a < b), "not by places, or twice: {seqs:?}");
        let mut expected = everything.messages.clone();
        expected.sort_by_key(|message| message.seq);
        assert_eq!(messages, expected, "with pages of {limit}");
        let expected: BTreeSet<SessionId> = everything.sessions.iter().map(|s| s.id).collect();
        assert_eq!(rows.keys().copied().collect::<BTreeSet<_>>(), expected);
        assert!(everything.sessions.iter().all(|session| rows[&session.id] == *session));
    }
}

pub async fn a_feed_without_changes_stays_where_it_is(backend: &dyn Backend) {
    let Some(at) = declared(backend, "a_feed_without_changes_stays_where_it_is").await else { return };
    let nothing = |seq| Changes { sessions: vec![], messages: vec![], seq, more: false };
    assert_eq!(changes(&at, 0, 9).await, nothing(0));
    at.session_of(&["a", "b"]).await;
    assert_eq!(changes(&at, 2, 9).await, nothing(2));
    assert_eq!(changes(&at, 7, 9).await, nothing(7));
}

pub async fn what_lies_in_the_bin_is_in_the_feed_marked(backend: &dyn Backend) {
    let Some(at) = declared(backend, "what_lies_in_the_bin_is_in_the_feed_marked").await else { return };
    let (session, _) = at.session_of(&["a"]).await;
    let binned = at.store.set(&at.mine, session, &Change::Delete).await.unwrap();
    let page = changes(&at, 1, 9).await;
    assert_eq!(page, Changes { sessions: vec![binned], messages: vec![], seq: 2, more: false });
}

pub async fn messages_at_places_leave_out_the_bin_and_what_is_not_there(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (kept, a) = at.session_of(&["a", "b"]).await;
    let (binned, c) = at.session_of(&["c"]).await;
    at.store.set(&at.mine, binned, &Change::Delete).await.unwrap();
    let places = [3, 2, 4, 1, 1, 99, 0, u64::from(u32::MAX)];
    let found = |places: Vec<u64>| {
        let at = &at;
        async move {
            let mut found = at.store.messages_at(&at.mine, &places).await.unwrap();
            found.sort_by_key(|message| message.seq);
            found
        }
    };
    let kept_messages = at.store.messages(&at.mine, kept, 0, 9).await.unwrap();
    assert_eq!(ids(&kept_messages), a);
    assert_eq!(found(places.to_vec()).await, kept_messages);
    at.store.set(&at.mine, binned, &Change::Restore).await.unwrap();
    assert_eq!(ids(&found(places.to_vec()).await), [a[0], a[1], c[0]]);
    assert_eq!(found(vec![]).await, []);
}

pub async fn an_owner_that_never_wrote_has_zeros(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    assert_eq!(at.store.counters(&at.mine).await.unwrap(), Default::default());
}
