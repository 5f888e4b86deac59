//! A commit as the arguments of its statements.
use duyetbot_core::{
    Commit, DeviceId, HeadMove, IndexPiece, LEASE, MessageId, NewMessage, NewSession, Origin, Parent, Result,
    Role, RunChange, RunState, Scope, SessionId, Timestamp, Usage, hex,
};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

use super::text;
use crate::dialect::Cell;

/// The arguments of a commit.
pub(crate) fn commit(
    scope: &Scope,
    commit: &Commit,
    now: Timestamp,
    device: DeviceId,
) -> Result<CommitRecord> {
    let mut earlier = BTreeSet::new();
    let mut before = None;
    let mut messages = Vec::with_capacity(commit.messages.len());
    let (mut bodies, mut pieces, mut uses) = (Vec::new(), Vec::new(), Vec::new());
    for message in &commit.messages {
        let parent = match (message.parent, before) {
            (Parent::Is(parent), _) => parent,
            (Parent::Head, before) => before,
        };
        let outside = parent.filter(|parent| !earlier.contains(parent));
        let under_head = message.parent == Parent::Head && before.is_none();
        messages.push(MessageFields::of(message, parent, outside, under_head));
        bodies.push(message.content.stored());
        pieces.extend(message.pieces.iter().enumerate().map(|(n, p)| (message.id, n, &p.terms, &p.context)));
        uses.extend(blobs_in(message.content.stored()).into_iter().map(|hash| (hash, message.id)));
        earlier.insert(message.id);
        before = Some(message.id);
    }
    let checkpoint = match &commit.run {
        None => Cell::Null,
        Some(RunChange::Open { checkpoint, .. } | RunChange::Step { checkpoint, .. }) => {
            checkpoint.json.clone().into()
        }
    };
    let fields = CommitFields {
        owner: scope.owner(),
        session: commit.session,
        now,
        device,
        run: RunFields::of(commit.run.as_ref())?,
        always: u8::from(commit.head == HeadMove::Always),
        lease: now.plus(LEASE),
        day: now.day(),
        actor: scope.actor(),
        most_sessions: commit.limits.sessions,
        most_messages: commit.limits.messages,
        most_bytes: commit.limits.bytes,
        create: commit.create.as_ref().map(CreateFields::of),
        count: messages.len(),
        messages,
    };
    Ok(CommitRecord {
        has_pieces: !pieces.is_empty(),
        names_blobs: !uses.is_empty(),
        spends: matches!(commit.run, Some(RunChange::Step { .. }))
            && commit.messages.iter().any(|m| m.usage.is_some()),
        arguments: vec![
            text(&fields)?.into(),
            text(&bodies)?.into(),
            text(&pieces)?.into(),
            checkpoint,
            text(&uses)?.into(),
        ],
    })
}

/// `?1` of a commit. No field is looked for inside of another: a driver may give each to SQLite by itself.
#[derive(Serialize)]
struct CommitFields<'a> {
    owner: &'a str,
    session: SessionId,
    now: Timestamp,
    device: DeviceId,
    #[serde(flatten)]
    run: RunFields<'a>,
    always: u8,
    lease: Timestamp,
    day: i64,
    actor: &'a str,
    most_sessions: Option<u64>,
    most_messages: Option<u64>,
    most_bytes: Option<u64>,
    #[serde(flatten)]
    create: Option<CreateFields<'a>>,
    count: usize,
    messages: Vec<MessageFields<'a>>,
}

/// What becomes of a run: `open` is the message of the one that is opened, `step` that of the one that is moved on.
#[derive(Default, Serialize)]
struct RunFields<'a> {
    step: Option<MessageId>,
    open: Option<MessageId>,
    epoch: Option<u64>,
    state: Option<RunState>,
    ended: u8,
    counter: Option<u64>,
    pending: Option<String>,
    error: Option<&'a str>,
    run_place: Option<&'a str>,
    holder: Option<&'a str>,
}

impl<'a> RunFields<'a> {
    fn of(change: Option<&'a RunChange>) -> Result<Self> {
        Ok(match change {
            None => RunFields::default(),
            Some(RunChange::Open { message, place, holder, checkpoint }) => RunFields {
                open: Some(*message),
                counter: Some(checkpoint.counter),
                pending: Some(text(&checkpoint.pending)?),
                run_place: Some(place),
                holder: Some(holder),
                ..RunFields::default()
            },
            Some(RunChange::Step { run, epoch, state, checkpoint, error }) => RunFields {
                step: Some(run.message),
                epoch: Some(*epoch),
                state: Some(*state),
                ended: u8::from(state.ended()),
                counter: Some(checkpoint.counter),
                pending: Some(text(&checkpoint.pending)?),
                error: error.as_deref(),
                ..RunFields::default()
            },
        })
    }
}

/// The session that is made where it is not there.
#[derive(Serialize)]
struct CreateFields<'a> {
    create: u8,
    title: &'a str,
    folded: String,
    parent: Option<SessionId>,
    place: Option<&'a str>,
    metadata: &'a str,
    created: Timestamp,
}

impl<'a> CreateFields<'a> {
    fn of(new: &'a NewSession) -> Self {
        CreateFields {
            create: 1,
            title: &new.title,
            folded: new.title.to_lowercase(),
            parent: new.parent,
            place: new.place.as_deref(),
            metadata: &new.metadata,
            created: new.created,
        }
    }
}

/// A message but for its parts. `outside` is its parent where that is none of this commit's.
#[derive(Serialize)]
struct MessageFields<'a> {
    id: MessageId,
    hash: &'a str,
    size: u64,
    outside: Option<MessageId>,
    under_head: u8,
    parent: Option<MessageId>,
    role: Role,
    cut: u8,
    origin: &'a Origin,
    model: Option<&'a str>,
    usage: Option<&'a Usage>,
    created: Timestamp,
    pieces: usize,
    indexed: Option<String>,
    context: &'a str,
}

impl<'a> MessageFields<'a> {
    fn of(
        message: &'a NewMessage,
        parent: Option<MessageId>,
        outside: Option<MessageId>,
        under_head: bool,
    ) -> Self {
        MessageFields {
            id: message.id,
            hash: message.content.hash(),
            size: message.content.size(),
            outside,
            under_head: u8::from(under_head),
            parent,
            role: message.role,
            cut: u8::from(message.cut),
            origin: &message.origin,
            model: message.model.as_deref(),
            usage: message.usage.as_ref(),
            created: message.created,
            pieces: message.pieces.len(),
            indexed: digest(&message.pieces),
            context: &message.context,
        }
    }
}

/// A commit as arguments, and what its shape asks for.
pub(crate) struct CommitRecord {
    pub(crate) arguments: Vec<Cell>,
    pub(crate) has_pieces: bool,
    pub(crate) names_blobs: bool,
    pub(crate) spends: bool,
}

/// What tells whether index entries are the ones that were stored; none where there are none.
pub(crate) fn digest(pieces: &[IndexPiece]) -> Option<String> {
    if pieces.is_empty() {
        return None;
    }
    let mut sum = Sha256::new();
    for piece in pieces {
        sum.update(&piece.terms);
        sum.update("\n");
        sum.update(&piece.context);
        sum.update("\n");
    }
    Some(hex(&sum.finalize()[..8]))
}

/// The hashes that stored parts name as blobs, those of parts that we do not know too.
fn blobs_in(parts: &str) -> BTreeSet<&str> {
    // A quote inside a text is escaped, so these characters stand only where a part has the field.
    if parts.contains("\"blob\":") { hashes_in(parts) } else { BTreeSet::new() }
}

/// Everything in a text that has the form of a hash.
pub(crate) fn hashes_in(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !matches!(c, '0'..='9' | 'a'..='f')).filter(|run| run.len() == 64).collect()
}
