//! Finding sessions: one, a page, by the beginning of an id.
use duyetbot_core::{
    Change, Code, Session, SessionCursor, SessionFilter, SessionId, SessionState, Timestamp,
};
use std::{collections::BTreeSet, time::Duration};

use crate::{
    backend::Backend,
    fixture::{ALL_STATES, Ground, INVALID, NOT_FOUND, add, begin, refusal, said},
};

async fn page_ids(at: &Ground, filter: &SessionFilter) -> Vec<SessionId> {
    at.store.sessions(&at.mine, filter).await.unwrap().items.iter().map(|s| s.id).collect()
}

/// Walks all pages.
async fn walk(at: &Ground, filter: SessionFilter) -> Vec<Session> {
    let mut filter = filter;
    let mut all = Vec::new();
    loop {
        let page = at.store.sessions(&at.mine, &filter).await.unwrap();
        assert!(page.items.len() <= filter.page_size(), "a page is larger than asked");
        assert!(page.next.is_none() || !page.items.is_empty(), "an empty page with a next one");
        all.extend(page.items);
        assert!(all.len() < 1000, "the pages do not end");
        match page.next {
            Some(next) => filter.cursor = Some(next),
            None => return all,
        }
    }
}

pub async fn an_unknown_or_erased_session_is_not_found(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    assert_eq!(refusal(at.store.session(&at.mine, SessionId::new()).await), NOT_FOUND);
    let (session, _) = at.session_of(&["a"]).await;
    at.store.erase(&at.mine, session).await.unwrap();
    assert_eq!(refusal(at.store.session(&at.mine, session).await), NOT_FOUND);
}

pub async fn a_session_in_the_bin_is_answered_marked(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (session, _) = at.session_of(&["a"]).await;
    let before = at.store.session(&at.mine, session).await.unwrap();
    let set = at.store.set(&at.mine, session, &Change::Delete).await.unwrap();
    assert_eq!(set, Session { deleted: true, seq: 2, ..before });
    assert_eq!(at.store.session(&at.mine, session).await.unwrap(), set);
}

pub async fn sessions_come_the_latest_updated_first(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let mut all = Vec::new();
    for _ in 0..3 {
        all.push(at.session_of(&["a"]).await.0);
        at.clock.advance(Duration::from_millis(1));
    }
    at.store.commit(&at.mine, &add(all[0], vec![said("again")])).await.unwrap();
    assert_eq!(page_ids(&at, &SessionFilter::default()).await, [all[0], all[2], all[1]]);
    at.clock.advance(Duration::from_millis(1));
    at.store.set(&at.mine, all[1], &Change::Title("Renamed".into())).await.unwrap();
    assert_eq!(page_ids(&at, &SessionFilter::default()).await, [all[1], all[0], all[2]]);
}

pub async fn walking_the_pages_gives_each_session_once_also_of_one_moment(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let mut all = Vec::new();
    for n in 0..11 {
        if n % 4 == 3 {
            at.clock.advance(Duration::from_millis(1));
        }
        let (session, _) = at.session_of(&["a"]).await;
        all.push(at.store.session(&at.mine, session).await.unwrap());
    }
    all.sort_by_key(|session| std::cmp::Reverse((session.updated, session.id)));
    for limit in [1, 2, 3, 4, 5, 10, 11, 12, 0, 1000, u32::MAX] {
        let filter = SessionFilter { limit, ..Default::default() };
        assert_eq!(walk(&at, filter).await, all, "with pages of {limit}");
    }
}

pub async fn a_session_that_does_not_change_is_met_once_while_others_do(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let mut all = Vec::new();
    for _ in 0..6 {
        all.push(at.session_of(&["a"]).await.0);
        at.clock.advance(Duration::from_millis(1));
    }
    let filter = SessionFilter { limit: 2, ..Default::default() };
    let first = at.store.sessions(&at.mine, &filter).await.unwrap();
    at.store.commit(&at.mine, &add(all[0], vec![said("moves to the front")])).await.unwrap();
    at.store.set(&at.mine, all[4], &Change::Delete).await.unwrap();
    at.session_of(&["new"]).await;
    let rest = walk(&at, SessionFilter { cursor: first.next.clone(), ..filter }).await;
    let met: Vec<SessionId> = first.items.iter().chain(&rest).map(|s| s.id).collect();
    assert_eq!(met, [all[5], all[4], all[3], all[2], all[1]]);
}

pub async fn there_is_a_next_page_only_where_there_is_more(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    for _ in 0..2 {
        at.session_of(&["a"]).await;
    }
    for (limit, more) in [(1, true), (2, false), (3, false), (0, false)] {
        let filter = SessionFilter { limit, ..Default::default() };
        let page = at.store.sessions(&at.mine, &filter).await.unwrap();
        assert_eq!(page.next.is_some(), more, "with pages of {limit}");
    }
}

pub async fn a_page_holds_fifty_unless_another_number_is_asked_and_never_over_a_thousand(
    backend: &dyn Backend,
) {
    let at = Ground::of(backend).await;
    for _ in 0..51 {
        at.store.commit(&at.mine, &begin(SessionId::new(), vec![])).await.unwrap();
    }
    let page = at.store.sessions(&at.mine, &SessionFilter::default()).await.unwrap();
    assert_eq!((page.items.len(), page.next.is_some()), (50, true));
    let filter = SessionFilter { limit: u32::MAX, ..Default::default() };
    assert_eq!(filter.page_size(), 1000);
    assert_eq!(page_ids(&at, &filter).await.len(), 51);
}

pub async fn a_cursor_that_we_did_not_make_is_invalid(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    for _ in 0..2 {
        at.session_of(&["a"]).await;
    }
    let filter = SessionFilter { limit: 1, ..Default::default() };
    let unknown = (INVALID.0, Some(Code::CursorUnknown));
    let ours = at.store.sessions(&at.mine, &filter).await.unwrap().next.unwrap();
    let of_another = SessionCursor { updated: Timestamp(i64::MAX), id: SessionId::new() }.encode(&at.other);
    for cursor in [String::new(), "x".into(), "50".into(), "' or 1=1 --".into(), ours[1..].into(), of_another]
    {
        let filter = SessionFilter { cursor: Some(cursor), ..filter.clone() };
        assert_eq!(refusal(at.store.sessions(&at.mine, &filter).await), unknown);
    }
    let filter = SessionFilter { cursor: Some(ours), ..filter };
    assert_eq!(refusal(at.store.sessions(&at.other, &filter).await), unknown);
    assert_eq!(page_ids(&at, &filter).await.len(), 1);
}

pub async fn a_list_shows_active_and_paused_sessions_unless_states_are_named(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let mut of = Vec::new();
    for state in ALL_STATES {
        let (session, _) = at.session_of(&["a"]).await;
        at.store.set(&at.mine, session, &Change::State(state)).await.unwrap();
        of.push(session);
    }
    let listed = |states: &[SessionState]| {
        let filter = SessionFilter { states: states.to_vec(), ..Default::default() };
        let at = &at;
        async move { page_ids(at, &filter).await.into_iter().collect::<BTreeSet<_>>() }
    };
    assert_eq!(listed(&[]).await, BTreeSet::from([of[0], of[1]]));
    assert_eq!(listed(&[SessionState::Completed]).await, BTreeSet::from([of[2]]));
    assert_eq!(
        listed(&[SessionState::Active, SessionState::Completed]).await,
        BTreeSet::from([of[0], of[2]])
    );
}

pub async fn a_list_shows_the_bin_or_what_lies_outside_it(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (kept, _) = at.session_of(&["a"]).await;
    let (binned, _) = at.session_of(&["b"]).await;
    at.store.set(&at.mine, binned, &Change::Delete).await.unwrap();
    assert_eq!(page_ids(&at, &SessionFilter::default()).await, [kept]);
    assert_eq!(page_ids(&at, &SessionFilter { deleted: true, ..Default::default() }).await, [binned]);
}

pub async fn a_list_of_a_place_shows_what_was_begun_there(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let mut commits = Vec::new();
    for place in [Some("host:/here"), Some("host:/here/deeper"), None] {
        let mut commit = begin(SessionId::new(), vec![]);
        if let Some(create) = commit.create.as_mut() {
            create.place = place.map(str::to_owned);
        }
        at.store.commit(&at.mine, &commit).await.unwrap();
        commits.push(commit.session);
    }
    let filter = SessionFilter { place: Some("host:/here".into()), ..Default::default() };
    assert_eq!(page_ids(&at, &filter).await, [commits[0]]);
}

pub async fn a_title_is_found_whatever_its_case_and_no_pattern(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let mut of = Vec::new();
    for title in ["Étude 100% in Ä", "snake_case", "plain"] {
        let (session, _) = at.session_of(&["a"]).await;
        at.store.set(&at.mine, session, &Change::Title(title.into())).await.unwrap();
        of.push(session);
    }
    let found = |title: &str| {
        let filter = SessionFilter { title: Some(title.into()), ..Default::default() };
        let at = &at;
        async move { page_ids(at, &filter).await.into_iter().collect::<BTreeSet<_>>() }
    };
    assert_eq!(found("éTUDE").await, BTreeSet::from([of[0]]));
    assert_eq!(found("IN ä").await, BTreeSet::from([of[0]]));
    assert_eq!(found("%").await, BTreeSet::from([of[0]]));
    assert_eq!(found("_").await, BTreeSet::from([of[1]]));
    assert_eq!(found("p_ain").await, BTreeSet::new());
    assert_eq!(found("*").await, BTreeSet::new());
    assert_eq!(found("").await, of.into_iter().collect::<BTreeSet<_>>());
}

pub async fn the_beginning_of_an_id_finds_at_most_two_by_id(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let id = |text: &str| text.parse::<SessionId>().unwrap();
    let of = [
        id("0193aaaa-0000-7000-8000-000000000003"),
        id("0193aaaa-0000-7000-8000-000000000001"),
        id("0193aaab-0000-7000-8000-000000000002"),
    ];
    for session in of {
        at.store.commit(&at.mine, &begin(session, vec![])).await.unwrap();
    }
    at.store.set(&at.mine, of[1], &Change::Delete).await.unwrap();
    let found = |prefix: &str| {
        let prefix = prefix.to_owned();
        let at = &at;
        async move {
            let found = at.store.sessions_by_prefix(&at.mine, &prefix).await.unwrap();
            found.iter().map(|s| s.id).collect::<Vec<_>>()
        }
    };
    assert_eq!(found("0193aaa").await, [of[1], of[0]]);
    assert_eq!(found("").await, [of[1], of[0]]);
    assert_eq!(found("0193AAAB").await, [of[2]]);
    assert_eq!(found("0193aaaa-0000-7000-8000-000000000003").await, [of[0]]);
    assert_eq!(found("0193aaaa-0000-7000-8000-0000000000030").await, []);
    for pattern in ["%", "_", "0193aaa_", "*", "0193aaaa'", "é"] {
        assert_eq!(found(pattern).await, [], "{pattern}");
    }
}
