//! Sessions from afar: what the store does beyond the suites.
use duyetbot_core::{
    Agent, BlobStore, Change, Chat, Commit, ErrorKind, HeadMove, Limits, MessageId, NewSession, Origin, Part,
    SessionFilter, SessionId, SessionStore, Timestamp,
};

use crate::place::{Place, ada, whole};

fn made(session: SessionId) -> Commit {
    let create = NewSession {
        title: "The parser".into(),
        parent: None,
        place: Some("laptop:/work".into()),
        metadata: r#"{"a":1}"#.into(),
        created: Timestamp(0),
    };
    let (messages, head) = (Vec::new(), HeadMove::IfParent);
    Commit { session, create: Some(create), messages, head, run: None, limits: Limits::NONE }
}

#[tokio::test]
async fn a_session_is_made_from_afar_once() {
    let (place, id) = (Place::new().await, SessionId::new());
    for _ in 0..2 {
        place.store().commit(&ada(), &made(id)).await.unwrap();
    }
    let session = place.bot.store().session(&ada(), id).await.unwrap();
    let mark = session.place.as_deref();
    assert_eq!(
        (&*session.title, mark, &*session.metadata),
        ("The parser", Some("laptop:/work"), r#"{"a":1}"#)
    );
    let filter = SessionFilter { place: Some("laptop:/work".into()), ..SessionFilter::default() };
    assert_eq!(place.store().sessions(&ada(), &filter).await.unwrap().items, [session]);
    let filter = SessionFilter { place: Some("laptop:/else".into()), ..SessionFilter::default() };
    assert_eq!(place.store().sessions(&ada(), &filter).await.unwrap().items, []);
}

#[tokio::test]
async fn a_message_keeps_where_it_came_from_what_it_follows_and_its_picture() {
    let place = Place::new().await;
    let (agent, store) = (place.agent(), place.store());
    let picture = store.put_blob(&ada(), b"a picture").await.unwrap();
    assert_eq!(store.blob(&ada(), &picture.hash).await.unwrap(), b"a picture");
    let mut chat = Chat::new("see");
    chat.parts.push(Part::Image {
        media_type: "image/png".into(),
        name: Some("a.png".into()),
        blob: picture,
    });
    (chat.origin, chat.place) = (Origin::Cli, Some("laptop:/work".into()));
    let first = agent.start(&ada(), chat.clone()).await.unwrap();
    whole(agent.watch(&ada(), first, 0).await.unwrap()).await;
    let said = place.bot.store().message(&ada(), first.session, first.message).await.unwrap();
    assert_eq!((said.origin, said.parts), (Origin::Cli, chat.parts));
    assert_eq!(place.bot.store().session(&ada(), first.session).await.unwrap().place, chat.place);

    // Under what was seen, though the session went on since: a branch.
    let elsewhere = agent.start(&ada(), Chat::new("elsewhere").in_session(first.session)).await.unwrap();
    whole(agent.watch(&ada(), elsewhere, 0).await.unwrap()).await;
    let mut chat = Chat::new("here").in_session(first.session);
    chat.seen = Some(first.step(0));
    let branch = agent.start(&ada(), chat).await.unwrap();
    whole(agent.watch(&ada(), branch, 0).await.unwrap()).await;
    let said = store.message(&ada(), branch.session, branch.message).await.unwrap();
    assert_eq!(said.parent, Some(first.step(0)));
    let session = store.session(&ada(), first.session).await.unwrap();
    assert_eq!((session.head, session.messages), (Some(elsewhere.step(0)), 6));
}

#[tokio::test]
async fn what_only_a_run_or_a_copy_writes_is_declared_and_unsupported() {
    let place = Place::new().await;
    let (store, id) = (place.store(), SessionId::new());
    let able = store.capabilities();
    assert!(!(able.commits || able.changes || able.text_search || able.verbatim || able.secure_erase));
    let refused = [
        store.commit(&ada(), &Commit { create: None, ..made(id) }).await.err(),
        store.set(&ada(), id, &Change::Head(MessageId::new())).await.err(),
        store.changes(&ada(), 0, 10).await.err(),
        store.postings(&ada(), &[], None, 10).await.err(),
        store.messages_at(&ada(), &[1]).await.err(),
        store.counters(&ada()).await.err(),
    ];
    for error in refused {
        assert_eq!(error.unwrap().kind(), ErrorKind::Unsupported);
    }
    assert_eq!(store.session(&ada(), id).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_path_and_a_session_longer_than_a_page_come_whole() {
    let place = Place::new().await;
    let (session, count) = (SessionId::new(), 2_100);
    let messages = (0..count).map(|n| duyetbot_testkit::said(&n.to_string())).collect();
    place.bot.store().commit(&ada(), &duyetbot_testkit::begin(session, messages)).await.unwrap();
    let here = place.bot.store().path(&ada(), session, None, u32::MAX).await.unwrap();
    assert_eq!(here.len(), count);
    assert_eq!(place.store().path(&ada(), session, None, u32::MAX).await.unwrap(), here);
    assert_eq!(place.store().path(&ada(), session, None, 1_500).await.unwrap(), here[600..]);
    assert_eq!(place.store().messages(&ada(), session, 0, u32::MAX).await.unwrap(), here);
    assert_eq!(place.store().messages(&ada(), session, here[9].seq, 1_200).await.unwrap(), here[10..1_210]);
}
