//! A machine's step as a commit: its message gets time, index entries and blobs.
use super::{
    effects::{Step, StepMessage},
    live::StoredError,
    offload,
    parts::Parts,
};
use crate::{
    error::Result,
    id::{MessageId, RunId},
    index,
    limits::Limits,
    message::{Origin, Role},
    scope::Scope,
    store::{Commit, HeadMove, NewMessage, Parent, RunChange},
};

/// What the messages of a run carry of their making.
pub(super) struct Maker {
    pub(super) model: String,
    pub(super) origin: Origin,
    /// The text of the message before, where it is at hand.
    pub(super) before: Option<(MessageId, String)>,
}

/// A step as a commit: its message gets time, index entries and blobs.
pub(super) async fn step_commit(
    parts: &Parts,
    scope: &Scope,
    run: RunId,
    epoch: u64,
    step: Step,
    maker: &Maker,
) -> Result<Commit> {
    let mut messages = Vec::new();
    if let Some(message) = step.message {
        messages.push(new_message(parts, scope, run, message, maker).await?);
    }
    Ok(Commit {
        session: run.session,
        create: None,
        messages,
        head: HeadMove::IfParent,
        run: Some(RunChange::Step {
            run,
            epoch,
            state: step.state,
            checkpoint: step.checkpoint.store()?,
            error: step.error.as_ref().map(StoredError::write),
        }),
        limits: Limits::NONE,
    })
}

/// A message with its time, its index entries and its blobs.
pub(super) async fn new_message(
    parts: &Parts,
    scope: &Scope,
    run: RunId,
    message: StepMessage,
    maker: &Maker,
) -> Result<NewMessage> {
    let content = offload::content(&*parts.store, scope, message.role, &message.parts, Limits::NONE).await?;
    let created = parts.clock.now();
    let context = match &maker.before {
        Some((id, text)) if *id == message.parent => index::context(created, Some(text)),
        _ => {
            let before = parts.store.message(scope, run.session, message.parent).await?;
            index::context(created, Some(&before.text()))
        }
    };
    let pieces = index::pieces(&index::indexed_text(message.role, &message.parts), &context);
    Ok(NewMessage {
        id: message.id,
        parent: Parent::Is(Some(message.parent)),
        role: message.role,
        content,
        origin: maker.origin,
        model: Some(maker.model.clone()).filter(|m| message.role == Role::Assistant && !m.is_empty()),
        usage: Some(message.usage).filter(|u| u.tokens() > 0),
        cut: message.cut,
        created,
        context,
        pieces,
    })
}
