//! A stored message, as a store would give it to a model.
use duyetbot_core::{Content, Message, MessageId, Origin, Part, Role, SessionId, Timestamp};
use std::sync::Arc;

pub fn message(role: Role, parts: Vec<Part>, model: Option<String>) -> Arc<Message> {
    Arc::new(Message {
        id: MessageId::new(),
        session: SessionId::new(),
        parent: None,
        role,
        hash: Content::of(role, &parts).unwrap().hash().to_owned(),
        parts,
        origin: Origin::Api,
        model,
        usage: None,
        cut: false,
        created: Timestamp(0),
        seq: 0,
    })
}
