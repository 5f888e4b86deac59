//! What a commit writes, where it puts messages, and what refuses it.
use duyetbot_core::{
    BlobRef, Change, Code, Commit, Committed, Content, Counters, HeadMove, IndexPiece, Message, MessageId,
    NewMessage, Origin, Part, Role, RunState, Session, SessionId, SessionState, ToolResult, ToolUse, Usage,
};
use std::time::Duration;

use crate::{
    backend::{Backend, skips},
    fixture::{
        Ground, INVALID, MADE, NOT_FOUND, START, add, answer, begin, conflict, ids, open, refusal, said,
        step, under, words,
    },
};

pub async fn a_commit_writes_its_session_messages_and_counters(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let session = SessionId::new();
    let (first, second) = (said("hello"), answer("hello you"));
    let (ids, contents) = ([first.id, second.id], [first.content.clone(), second.content.clone()]);
    let bytes = contents[0].size() + contents[1].size();

    let committed = at.store.commit(&at.mine, &begin(session, vec![first, second])).await.unwrap();
    assert_eq!(committed, Committed { seq: 2, head: Some(ids[1]), fresh: true, run: None });
    assert_eq!(
        at.store.session(&at.mine, session).await.unwrap(),
        Session {
            id: session,
            state: SessionState::Active,
            title: "A title".into(),
            head: Some(ids[1]),
            parent: None,
            place: Some("host:/here".into()),
            metadata: "{}".into(),
            deleted: false,
            created: MADE,
            updated: START,
            seq: 2,
            messages: 2,
            bytes,
            run: None,
        }
    );
    let stored = |n: usize, parent, role, text| Message {
        id: ids[n],
        session,
        parent,
        role,
        parts: vec![Part::text(text)],
        origin: Origin::Api,
        model: None,
        usage: None,
        cut: false,
        created: MADE,
        seq: n as u64 + 1,
        hash: contents[n].hash().to_owned(),
    };
    assert_eq!(
        at.store.path(&at.mine, session, None, 9).await.unwrap(),
        [stored(0, None, Role::User, "hello"), stored(1, Some(ids[0]), Role::Assistant, "hello you")]
    );
    let counters = at.store.counters(&at.mine).await.unwrap();
    assert_eq!(counters, Counters { seq: 2, sessions: 1, bytes, ..Counters::default() });
}

pub async fn every_field_of_a_message_comes_back(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let blob = BlobRef { hash: "ab".repeat(32), size: 7 };
    // A store that answers messages whole would have to have what the head of a text stands for.
    let verbatim = at.store.capabilities().verbatim;
    skips(verbatim, "verbatim", "the head of a text that is kept apart comes back");
    let parts = vec![
        Part::Reasoning { text: "hm".into(), signature: Some("sig".into()), redacted: None },
        Part::Text {
            text: "it's \"quoted\" \u{1F980} \n 100% _".into(),
            blob: verbatim.then(|| blob.clone()),
        },
        Part::Tool(ToolUse {
            call: "c.1\"$".into(),
            tool: "bash".into(),
            input: r#"{"b": 1.50, "a":[ ]}"#.into(),
            result: ToolResult::denied("no"),
            blob: None,
            extra: Some(r#"{"k":1}"#.into()),
        }),
        Part::Image { media_type: "image/png".into(), name: None, blob },
        Part::Unknown(r#"{"type":"hologram","x":2.50}"#.into()),
    ];
    let content = Content::of(Role::Assistant, &parts).unwrap();
    let hash = content.hash().to_owned();
    let usage = Usage {
        input: 3,
        output: 4,
        cache_read: Some(1),
        cache_write: None,
        cost: Some(0.25),
        ..Usage::default()
    };
    let new = NewMessage {
        content,
        origin: Origin::Action,
        model: Some("maker/name".into()),
        usage: Some(usage),
        cut: true,
        ..answer("")
    };
    let (session, id) = (SessionId::new(), new.id);
    at.store.commit(&at.mine, &begin(session, vec![new])).await.unwrap();
    let stored = Message {
        id,
        session,
        parent: None,
        role: Role::Assistant,
        parts,
        origin: Origin::Action,
        model: Some("maker/name".into()),
        usage: Some(usage),
        cut: true,
        created: MADE,
        seq: 1,
        hash,
    };
    assert_eq!(at.store.message(&at.mine, session, id).await.unwrap(), stored);
}

pub async fn a_message_counts_the_bytes_of_its_row(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let stored = words(Role::User, "the head of it").stored().to_owned();
    let bytes = stored.len() as u64;
    // What was off-loaded before has another hash than the row's own bytes.
    let content = Content::received(stored, "cd".repeat(32));
    let session = SessionId::new();
    at.store.commit(&at.mine, &begin(session, vec![NewMessage { content, ..said("") }])).await.unwrap();
    assert_eq!(at.store.counters(&at.mine).await.unwrap().bytes, bytes);
    assert_eq!(at.store.session(&at.mine, session).await.unwrap().bytes, bytes);
}

pub async fn the_new_messages_of_a_commit_get_consecutive_places_and_the_session_the_last(
    backend: &dyn Backend,
) {
    let at = Ground::of(backend).await;
    at.session_of(&["elsewhere"]).await;
    let (session, _) = at.session_of(&["a", "b", "c"]).await;
    let messages = at.store.messages(&at.mine, session, 0, 9).await.unwrap();
    assert_eq!(messages.iter().map(|m| m.seq).collect::<Vec<_>>(), [2, 3, 4]);
    assert_eq!(at.store.session(&at.mine, session).await.unwrap().seq, 4);
}

pub async fn messages_without_a_named_parent_follow_the_head_and_each_other(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (session, first) = at.session_of(&["a"]).await;
    let (b, c) = (said("b"), said("c"));
    let (b_id, c_id) = (b.id, c.id);
    at.store.commit(&at.mine, &add(session, vec![b, c])).await.unwrap();
    let path = at.store.path(&at.mine, session, None, 9).await.unwrap();
    assert_eq!(ids(&path), [first[0], b_id, c_id]);
}

pub async fn a_message_may_hang_under_one_of_its_own_commit(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let root = said("root");
    let (left, right) = (under(root.id, "left"), under(root.id, "right"));
    let (root_id, right_id) = (root.id, right.id);
    let session = SessionId::new();
    at.store.commit(&at.mine, &begin(session, vec![root, left, right])).await.unwrap();
    let path = at.store.path(&at.mine, session, Some(right_id), 9).await.unwrap();
    assert_eq!(ids(&path), [root_id, right_id]);
}

pub async fn a_commit_whose_parent_is_no_more_the_head_is_a_branch(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (session, first) = at.session_of(&["a", "b"]).await;
    let committed = at.store.commit(&at.mine, &add(session, vec![under(first[0], "late")])).await.unwrap();
    assert_eq!(committed, Committed { seq: 3, head: Some(first[1]), fresh: true, run: None });
}

pub async fn a_person_who_named_the_parent_moves_the_head(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (session, first) = at.session_of(&["a", "b"]).await;
    let (edit, reply) = (under(first[0], "edited"), answer("reply"));
    let reply_id = reply.id;
    let commit = Commit { head: HeadMove::Always, ..add(session, vec![edit, reply]) };
    let committed = at.store.commit(&at.mine, &commit).await.unwrap();
    assert_eq!(committed.head, Some(reply_id));
    assert_eq!(at.store.session(&at.mine, session).await.unwrap().head, Some(reply_id));
}

pub async fn another_root_of_a_session_is_a_branch(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (session, first) = at.session_of(&["a"]).await;
    let root = under(None, "another beginning");
    let root_id = root.id;
    let committed = at.store.commit(&at.mine, &add(session, vec![root])).await.unwrap();
    assert_eq!(committed.head, Some(first[0]));
    assert_eq!(ids(&at.store.path(&at.mine, session, Some(root_id), 9).await.unwrap()), [root_id]);
}

pub async fn the_head_moves_from_the_first_new_messages_parent_to_the_last_new_message(
    backend: &dyn Backend,
) {
    let at = Ground::of(backend).await;
    let (session, first) = at.session_of(&["a", "b"]).await;
    let (next, aside) = (said("next"), under(first[0], "aside"));
    let aside_id = aside.id;
    let committed = at.store.commit(&at.mine, &add(session, vec![next, aside])).await.unwrap();
    assert_eq!(committed.head, Some(aside_id));
}

pub async fn creating_a_session_that_is_there_leaves_its_fields(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (session, _) = at.session_of(&["a"]).await;
    let mut again = begin(session, vec![said("b")]);
    if let Some(create) = again.create.as_mut() {
        create.title = "Another title".into();
        create.place = None;
    }
    at.store.commit(&at.mine, &again).await.unwrap();
    let stored = at.store.session(&at.mine, session).await.unwrap();
    assert_eq!((stored.title.as_str(), stored.place.as_deref()), ("A title", Some("host:/here")));
}

pub async fn updated_is_the_stores_now(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (session, _) = at.session_of(&["a"]).await;
    at.clock.advance(Duration::from_millis(1234));
    at.store.commit(&at.mine, &add(session, vec![said("b")])).await.unwrap();
    let stored = at.store.session(&at.mine, session).await.unwrap();
    assert_eq!((stored.created, stored.updated), (MADE, START.plus(Duration::from_millis(1234))));
}

pub async fn a_commit_to_an_unknown_session_without_create_is_not_found(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let commit = add(SessionId::new(), vec![said("a")]);
    assert_eq!(refusal(at.store.commit(&at.mine, &commit).await), NOT_FOUND);
}

pub async fn other_content_under_a_stored_id_is_a_conflict_and_nothing_is_overwritten(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (session, first) = at.session_of(&["a"]).await;
    let before = at.snapshot(&at.mine).await;
    let other_words = NewMessage { id: first[0], ..said("other words") };
    let other_role = NewMessage { id: first[0], ..answer("a") };
    for message in [other_words, other_role] {
        let result = at.store.commit(&at.mine, &add(session, vec![said("new"), message])).await;
        assert_eq!(refusal(result), conflict(Code::ContentDiffers));
    }
    assert_eq!(at.snapshot(&at.mine).await, before);
}

pub async fn a_message_stored_in_another_session_is_a_conflict(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (_, first) = at.session_of(&["a"]).await;
    let commit = begin(SessionId::new(), vec![NewMessage { id: first[0], ..said("a") }]);
    assert_eq!(refusal(at.store.commit(&at.mine, &commit).await), conflict(Code::ContentDiffers));
}

pub async fn a_missing_parent_is_a_conflict(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (session, _) = at.session_of(&["a"]).await;
    let before = at.snapshot(&at.mine).await;
    let (elsewhere, foreign) = at.session_of(&["b"]).await;
    let late = said("late");
    let forward = under(late.id, "under a later one");
    for messages in [
        vec![under(MessageId::new(), "under nothing")],
        vec![said("fine"), under(MessageId::new(), "under nothing")],
        vec![under(foreign[0], "under another session's")],
        vec![forward, late],
    ] {
        let result = at.store.commit(&at.mine, &add(session, messages)).await;
        assert_eq!(refusal(result), conflict(Code::ParentMissing));
    }
    at.store.erase(&at.mine, elsewhere).await.unwrap();
    assert_eq!(at.snapshot(&at.mine).await.sessions, before.sessions);
}

pub async fn a_refused_commit_writes_nothing_at_all(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let run = at.open_run().await;
    let before = at.snapshot(&at.mine).await;
    let piece = IndexPiece { terms: "alpha".into(), context: String::new() };
    let lost = |parent| NewMessage { pieces: vec![piece.clone()], ..under(parent, "lost") };
    let stale = step(run, 2, 0, "stale", RunState::Done);
    let in_a_new_session = begin(SessionId::new(), vec![lost(None), lost(Some(MessageId::new()))]);
    let orphan = {
        let mut commit = step(run, 1, 0, "orphan", RunState::Done);
        commit.messages.push(lost(Some(MessageId::new())));
        commit
    };
    for commit in [stale, in_a_new_session, orphan] {
        at.store.commit(&at.mine, &commit).await.unwrap_err();
    }
    assert_eq!(at.snapshot(&at.mine).await, before);
}

pub async fn what_no_store_could_take_is_invalid(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (session, _) = at.session_of(&["a"]).await;
    let run = at.open_run().await;
    let twice = said("twice");
    let many = NewMessage {
        pieces: vec![IndexPiece { terms: "a".into(), context: String::new() }; 65],
        ..said("many")
    };
    let mut not_last = open(session, said("opens"));
    not_last.messages.push(said("after it"));
    let mut elsewhere = step(run, 1, 0, "elsewhere", RunState::Running);
    elsewhere.session = session;
    let mut metadata = begin(SessionId::new(), vec![]);
    if let Some(create) = metadata.create.as_mut() {
        create.metadata = "[1]".into();
    }
    for commit in [
        add(session, vec![twice.clone(), twice]),
        add(session, vec![many]),
        not_last,
        elsewhere,
        step(run, 1, 0, "waits", RunState::Waiting),
        step(run, 1, 0, "queued", RunState::Queued),
        metadata,
    ] {
        assert_eq!(refusal(at.store.commit(&at.mine, &commit).await), INVALID);
    }
}

pub async fn a_commit_takes_its_session_out_of_the_bin(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (session, _) = at.session_of(&["a"]).await;
    let before = at.store.counters(&at.mine).await.unwrap();
    at.store.set(&at.mine, session, &Change::Delete).await.unwrap();
    let new = said("b");
    let bytes = new.content.size();
    at.store.commit(&at.mine, &add(session, vec![new])).await.unwrap();
    assert!(!at.store.session(&at.mine, session).await.unwrap().deleted);
    assert_eq!(
        at.store.counters(&at.mine).await.unwrap(),
        Counters { seq: 3, bytes: before.bytes + bytes, ..before }
    );
}

pub async fn a_commit_makes_a_completed_session_active_and_leaves_a_paused_one(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    for (set, then) in
        [(SessionState::Completed, SessionState::Active), (SessionState::Paused, SessionState::Paused)]
    {
        let (session, _) = at.session_of(&["a"]).await;
        at.store.set(&at.mine, session, &Change::State(set)).await.unwrap();
        at.store.commit(&at.mine, &add(session, vec![said("b")])).await.unwrap();
        assert_eq!(at.store.session(&at.mine, session).await.unwrap().state, then);
    }
}
