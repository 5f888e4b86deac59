//! Fills a store with sessions, as importing them would.
use duyetbot_core::{
    Commit, Content, HeadMove, Limits, MessageId, NewMessage, NewSession, Origin, Parent, Part, Role, Scope,
    SessionId, SessionStore, Timestamp, index,
};

use crate::{Result, words::Words};

/// Messages of one commit.
const AT_ONCE: usize = 200;
/// When what is filled in was said.
const THEN: Timestamp = Timestamp(1_764_000_000_000);

/// The person that all measured data belongs to: the one of the command line.
pub(crate) fn person() -> Scope {
    Scope::vouched("local", "local")
}

/// Makes sessions of so many messages each; answers their ids.
pub(crate) async fn sessions(
    store: &impl SessionStore,
    words: &mut Words,
    sessions: usize,
    messages: usize,
) -> Result<Vec<SessionId>> {
    let mut made = Vec::with_capacity(sessions);
    for _ in 0..sessions {
        made.push(session(store, words, messages).await?);
    }
    Ok(made)
}

/// Makes a session of so many messages, a person's and an assistant's by turns.
pub(crate) async fn session(
    store: &impl SessionStore,
    words: &mut Words,
    messages: usize,
) -> Result<SessionId> {
    let id = SessionId::new();
    let mut before: Option<String> = None;
    let mut said = Vec::with_capacity(messages);
    for n in 0..messages {
        let (role, text) =
            if n % 2 == 0 { (Role::User, words.question()) } else { (Role::Assistant, words.answer()) };
        said.push(message(role, &text, before.as_deref())?);
        before = Some(text);
    }
    let title = words.text(4);
    for (n, chunk) in said.chunks(AT_ONCE).enumerate() {
        store.commit(&person(), &commit(id, (n == 0).then_some(&title), chunk.to_vec())).await?;
    }
    Ok(id)
}

/// A message under the session's head, with its entries in the index.
pub(crate) fn message(role: Role, text: &str, before: Option<&str>) -> Result<NewMessage> {
    let context = index::context(THEN, before);
    Ok(NewMessage {
        id: MessageId::new(),
        parent: Parent::Head,
        role,
        content: Content::of(role, &[Part::text(text)])?,
        origin: Origin::Cli,
        model: None,
        usage: None,
        cut: false,
        created: THEN,
        pieces: index::pieces(text, &context),
        context,
    })
}

/// A commit of these messages; with a title it may make the session.
pub(crate) fn commit(session: SessionId, title: Option<&String>, messages: Vec<NewMessage>) -> Commit {
    Commit {
        session,
        create: title.map(|title| NewSession {
            title: title.clone(),
            parent: None,
            place: None,
            metadata: "{}".to_owned(),
            created: THEN,
        }),
        messages,
        head: HeadMove::IfParent,
        run: None,
        limits: Limits::NONE,
    }
}
