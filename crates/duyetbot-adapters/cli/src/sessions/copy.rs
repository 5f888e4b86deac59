//! Copies messages into a session: forks and imports, in commits of bounded size that can be repeated.
use duyetbot_core::{
    Change, Commit, Error, HeadMove, Message, MessageId, NewMessage, NewSession, Parent, Part, Result,
    Session, SessionId, index, run::content,
};
use std::collections::BTreeMap;

use super::{answer, limits, show::all};
use crate::{app::App, exit::Exit};

/// Messages of one commit.
const CHUNK: usize = 200;

/// A session that is made of given messages.
pub(super) struct Copy {
    pub(super) id: SessionId,
    pub(super) create: NewSession,
    /// Parents before children.
    pub(super) messages: Vec<Message>,
    pub(super) head: Option<MessageId>,
    /// What else is said of the session, once its messages are there.
    pub(super) fields: Vec<Change>,
}

/// Writes it. Again, it changes nothing.
pub(super) async fn write(app: &App, copy: &Copy) -> Result<()> {
    let (store, scope) = (app.bot.store(), app.bot.scope());
    let texts: BTreeMap<MessageId, String> = copy.messages.iter().map(|m| (m.id, m.text())).collect();
    let mut create = Some(copy.create.clone());
    let chunks: Vec<&[Message]> =
        if copy.messages.is_empty() { vec![&[]] } else { copy.messages.chunks(CHUNK).collect() };
    for chunk in chunks {
        let mut messages = Vec::with_capacity(chunk.len());
        for message in chunk {
            let before = message.parent.and_then(|p| texts.get(&p)).map(String::as_str);
            let context = index::context(message.created, before);
            messages.push(NewMessage {
                id: message.id,
                parent: Parent::Is(message.parent),
                role: message.role,
                content: content(app.bot.blobs(), scope, message.role, &message.parts, limits(app)).await?,
                origin: message.origin,
                model: message.model.clone(),
                usage: message.usage,
                cut: message.cut,
                created: message.created,
                pieces: index::pieces(&index::indexed_text(message.role, &message.parts), &context),
                context,
            });
        }
        let commit = Commit {
            session: copy.id,
            create: create.take(),
            messages,
            head: if copy.head.is_some() { HeadMove::Always } else { HeadMove::IfParent },
            run: None,
            limits: limits(app),
        };
        store.commit(scope, &commit).await?;
    }
    let head = copy.head.map(Change::Head);
    for change in head.iter().chain(&copy.fields) {
        store.set(scope, copy.id, change).await?;
    }
    Ok(())
}

/// The id that a message has in another session: the same each time.
pub(super) fn renamed(message: MessageId, session: SessionId) -> MessageId {
    MessageId::derived(session.uuid(), &message.to_string())
}

/// Gives messages the ids that they have in another session, wherever they name each other.
pub(super) fn rename(messages: &mut [Message], session: SessionId) {
    for message in messages {
        message.id = renamed(message.id, session);
        message.parent = message.parent.map(|parent| renamed(parent, session));
        for part in &mut message.parts {
            if let Part::Summary { covers, .. } = part {
                covers.iter_mut().for_each(|id| *id = renamed(*id, session));
            }
        }
    }
}

pub(super) async fn fork(app: &App, session: &Session, at: Option<&str>) -> Result<Exit> {
    let tip = match at {
        Some(id) => Some(super::find_message(app, session, id).await?),
        None => session.head,
    };
    let id = forked(app, session, tip).await?;
    answer(app, id, &id.to_string()).await
}

/// Copies the path to a message into a new session: each can be deleted without the other.
pub(crate) async fn forked(app: &App, session: &Session, tip: Option<MessageId>) -> Result<SessionId> {
    let every = all(app, session).await?;
    let by_id: BTreeMap<MessageId, &Message> = every.iter().map(|m| (m.id, m)).collect();
    let mut path = Vec::new();
    let mut next = tip;
    while let Some(id) = next {
        let message = by_id.get(&id).ok_or_else(|| Error::not_found("message"))?;
        next = message.parent;
        path.push((*message).clone());
    }
    path.reverse();
    let id = SessionId::new();
    rename(&mut path, id);
    let copy = Copy {
        id,
        create: NewSession {
            title: format!("{} (fork)", session.title),
            parent: Some(session.id),
            place: session.place.clone(),
            metadata: session.metadata.clone(),
            created: app.bot.now(),
        },
        head: path.last().map(|m| m.id),
        messages: path,
        fields: Vec::new(),
    };
    if let Err(error) = write(app, &copy).await {
        // Half a fork is of no use to anybody. Where it cannot be taken back, the first failure is what there is to say.
        let _ = app.bot.store().erase(app.bot.scope(), id).await;
        return Err(error);
    }
    Ok(id)
}
