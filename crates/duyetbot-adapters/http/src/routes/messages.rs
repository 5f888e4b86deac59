//! The path of a session's messages, page by page in either direction.
use axum::extract::State;
use duyetbot_core::{
    Error, Message, MessageId, Result, Scope, SessionId, open_cursor, run::hydrate, seal_cursor,
};
use duyetbot_wire::{self as wire, LARGEST_SEQ, MessagePage};
use http::Uri;
use std::collections::VecDeque;
use uuid::Uuid;

use crate::{
    auth::Caller,
    extract::{Id, Query, id},
    parts::Api,
    problem::Answer,
};

/// Messages that are read at once on the way back to the oldest.
const STRIDE: u32 = 200;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Newest,
    Oldest,
}

impl Order {
    /// The list that a cursor of this order goes through.
    fn list(self) -> &'static str {
        match self {
            Order::Newest => "messages desc",
            Order::Oldest => "messages asc",
        }
    }
}

/// Where a page ended: in a path, which ends with its tip whatever is said meanwhile.
struct Position {
    tip: MessageId,
    /// The last message that was given.
    last: MessageId,
}

impl Position {
    fn seal(&self, scope: &Scope, session: SessionId, order: Order) -> String {
        let ids = [session.uuid(), self.tip.uuid(), self.last.uuid()];
        let bytes: Vec<u8> = ids.iter().flat_map(|id| *id.as_bytes()).collect();
        seal_cursor(scope, order.list(), &bytes)
    }
    fn open(scope: &Scope, session: SessionId, order: Order, text: &str) -> Result<Self> {
        let bytes = open_cursor(scope, order.list(), text)?;
        let ids: Vec<Uuid> = bytes.chunks(16).filter_map(|id| Uuid::from_slice(id).ok()).collect();
        match ids[..] {
            [of, tip, last] if of == session.uuid() => Ok(Position { tip: tip.into(), last: last.into() }),
            _ => Err(Error::invalid("the cursor is not one of this session: start again without it")
                .with_code(duyetbot_core::Code::CursorUnknown)),
        }
    }
}

pub(crate) async fn list(
    State(api): State<Api>,
    Caller(scope): Caller,
    Id(session): Id<SessionId>,
    uri: Uri,
) -> Answer<axum::Json<MessagePage>> {
    let query = Query::of(&uri, &["limit", "cursor", "order", "branch", "after"])?;
    let limit = query.number("limit", 50, 1000)?;
    let order = match query.text("order") {
        None | Some("desc") => Order::Newest,
        Some("asc") => Order::Oldest,
        Some(_) => return Err(Error::invalid("order is asc or desc").into()),
    };
    let branch = query.text("branch").map(|text| id(text, "branch")).transpose()?;
    let after = query.text("after").map(seq).transpose()?;
    let position =
        query.text("cursor").map(|text| Position::open(&scope, session, order, text)).transpose()?;
    if let Some(after) = after {
        return of_every_branch(&api, &scope, session, after, limit).await;
    }
    let head = api.store.session(&scope, session).await?.head;
    let tip = position.as_ref().map(|p| p.tip).or(branch).or(head);
    let Some(tip) = tip else {
        return Ok(axum::Json(MessagePage { messages: Vec::new(), next_cursor: None }));
    };
    let path = Path { api: &api, scope: &scope, session, tip };
    let last = position.map(|p| p.last);
    let (page, more) = match order {
        Order::Newest => path.back(last, limit).await?,
        Order::Oldest => path.forth(last, limit as usize).await?,
    };
    let next = page.last().filter(|_| more).map(|last| Position { tip, last: last.id });
    let messages = whole(&api, &scope, page).await?;
    Ok(axum::Json(MessagePage { messages, next_cursor: next.map(|next| next.seal(&scope, session, order)) }))
}

/// The messages of all branches by their place in the feed, from this place on: each says its own, to go on from.
async fn of_every_branch(
    api: &Api,
    scope: &Scope,
    session: SessionId,
    after: u64,
    limit: u32,
) -> Answer<axum::Json<MessagePage>> {
    let page = api.store.messages(scope, session, after, limit).await?;
    Ok(axum::Json(MessagePage { messages: whole(api, scope, page).await?, next_cursor: None }))
}

/// A place in the feed.
fn seq(text: &str) -> Result<u64> {
    let seq = text.parse().ok().filter(|seq| *seq <= LARGEST_SEQ);
    seq.ok_or_else(|| Error::invalid("after is the seq of a message, or 0"))
}

async fn whole(api: &Api, scope: &Scope, page: Vec<Message>) -> Result<Vec<wire::Message>> {
    let mut messages = Vec::with_capacity(page.len());
    for message in page {
        messages.push(wire::Message::kept(&hydrate(&*api.blobs, scope, message).await?));
    }
    Ok(messages)
}

struct Path<'a> {
    api: &'a Api,
    scope: &'a Scope,
    session: SessionId,
    tip: MessageId,
}

impl Path<'_> {
    /// Of the path to this message so many, the last first.
    async fn read(&self, from: MessageId, limit: u32) -> Result<Vec<Message>> {
        let mut messages = self.api.store.path(self.scope, self.session, Some(from), limit).await?;
        messages.reverse();
        Ok(messages)
    }

    /// The page that follows on the way back.
    async fn back(&self, last: Option<MessageId>, limit: u32) -> Result<(Vec<Message>, bool)> {
        let given = u32::from(last.is_some());
        let mut page = self.read(last.unwrap_or(self.tip), limit + 1 + given).await?;
        page.drain(..given as usize);
        let more = page.len() > limit as usize;
        page.truncate(limit as usize);
        Ok((page, more))
    }

    /// The page that follows on the way forth. It is found from the tip, and no more is held than a page and a stride.
    async fn forth(&self, last: Option<MessageId>, limit: usize) -> Result<(Vec<Message>, bool)> {
        let mut page = VecDeque::new();
        let mut from = Some(self.tip);
        let mut more = false;
        while let Some(tip) = from {
            let stride = self.read(tip, STRIDE).await?;
            from = stride.last().and_then(|oldest| oldest.parent);
            for message in stride {
                if Some(message.id) == last {
                    return Ok((page.into(), more));
                }
                page.push_front(message);
                if page.len() > limit {
                    page.pop_back();
                    more = true;
                }
            }
        }
        Ok((page.into(), more))
    }
}
