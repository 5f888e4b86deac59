//! The few names and values that random histories are made of.
use duyetbot_core::{
    BlobRef, CallId, Change, Content, DraftChunk, IndexPiece, MessageId, NewMessage, Origin, Parent, Part,
    Role, Save, Scope, SessionId, StoredCheckpoint, hex,
};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::op::{ChangeOp, MessageOp, ParentPick, SaveOp};
use crate::fixture::MADE;

pub(super) const WORDS: [&str; 4] = ["alpha", "alphabet", "beta", "Ärger"];

pub(super) fn scope(owner: u8) -> Scope {
    Scope::vouched(format!("owner {owner}"), format!("actor {owner}"))
}

pub(super) fn session_id(n: u8) -> SessionId {
    SessionId::from(Uuid::from_u64_pair(0x0193_0000_0000_7000, 0x8000_0000_0000_0000 | u64::from(n)))
}

pub(super) fn message_id(n: u8) -> MessageId {
    MessageId::from(Uuid::from_u64_pair(0x0194_0000_0000_7000, 0x8000_0000_0000_0000 | u64::from(n)))
}

pub(super) fn call_id(n: u8) -> CallId {
    CallId(format!("call.{n}\"$"))
}

pub(super) fn place(n: u8) -> String {
    format!("host:/{n}")
}

pub(super) fn holder(n: u8) -> String {
    format!("holder {n}")
}

pub(super) fn blob_bytes(n: u8) -> Vec<u8> {
    vec![n; 3 + n as usize]
}

pub(super) fn blob_ref(n: u8) -> BlobRef {
    let bytes = blob_bytes(n);
    BlobRef { hash: hex(&Sha256::digest(&bytes)), size: bytes.len() as u64 }
}

pub(super) fn plain(id: u8) -> MessageOp {
    MessageOp { id, words: 0, parent: ParentPick::Head, blob: None, pieces: Vec::new() }
}

pub(super) fn message(op: MessageOp) -> NewMessage {
    let mut parts = vec![Part::text(format!("words \"{}\" of {} é", op.words, op.id))];
    if let Some(blob) = op.blob {
        parts.push(Part::File { media_type: "text/plain".into(), name: None, blob: blob_ref(blob) });
    }
    let parent = match op.parent {
        ParentPick::Head => Parent::Head,
        ParentPick::Root => Parent::Is(None),
        ParentPick::Message(n) => Parent::Is(Some(message_id(n))),
    };
    let word = |n: u8| WORDS[n as usize % 4].to_lowercase();
    let piece = |(term, context)| IndexPiece { terms: word(term), context: word(context) };
    NewMessage {
        id: message_id(op.id),
        parent,
        role: Role::User,
        content: Content::of(Role::User, &parts).expect("parts of text are JSON"),
        origin: Origin::Cli,
        model: None,
        usage: None,
        cut: false,
        created: MADE,
        context: String::new(),
        pieces: op.pieces.into_iter().map(piece).collect(),
    }
}

pub(super) fn checkpoint(calls: &[u8], blob: Option<u8>) -> StoredCheckpoint {
    let hash = blob.map(|n| blob_ref(n).hash).unwrap_or_default();
    StoredCheckpoint {
        json: format!("{{\"blob\":\"{hash}\"}}"),
        counter: calls.len() as u64,
        pending: calls.iter().map(|n| call_id(*n)).collect(),
    }
}

pub(super) fn save(op: SaveOp) -> Save {
    match op {
        SaveOp::Lease => Save::Lease,
        SaveOp::Draft(chunks) => Save::Draft(
            chunks
                .into_iter()
                .map(|(reasoning, word)| (reasoning, format!("{} ", WORDS[word as usize % 4])))
                .map(
                    |(reasoning, word)| {
                        if reasoning { DraftChunk::Reasoning(word) } else { DraftChunk::Text(word) }
                    },
                )
                .collect(),
        ),
        SaveOp::Checkpoint(calls, blob) => Save::Checkpoint(checkpoint(&calls, blob)),
        SaveOp::Wait(calls, blob) => Save::Wait(checkpoint(&calls, blob)),
    }
}

pub(super) fn change_of(op: ChangeOp) -> Change {
    match op {
        ChangeOp::Title(n) => Change::Title(format!("A title of {}", WORDS[n as usize % 4])),
        ChangeOp::State(state) => Change::State(state),
        ChangeOp::Head(n) => Change::Head(message_id(n)),
        ChangeOp::Metadata(full) => Change::Metadata(if full { r#"{"a": 1}"# } else { "{}" }.into()),
        ChangeOp::Delete => Change::Delete,
        ChangeOp::Restore => Change::Restore,
    }
}
