//! Sums a session up because a person asks for it: what a run does by itself only where its context is full.
use std::sync::Arc;

use super::{
    asking::Asking,
    checkpoint::Checkpoint,
    commits::{Maker, new_message},
    effects::StepMessage,
    local::LocalAgent,
};
use crate::{
    error::{Code, Error, ErrorKind, Result},
    id::{MessageId, RunId, SessionId},
    limits::Limits,
    message::{Message, Origin, Part, Role, Usage},
    scope::Scope,
    store::{Commit, HeadMove},
    text,
};

/// A summary that was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Compacted {
    /// Its message, a child of the one that it was asked under.
    pub message: MessageId,
    /// How many messages it stands for.
    pub covers: usize,
    /// What it cost.
    pub usage: Usage,
}

impl LocalAgent {
    /// See [`crate::Agent::compact`].
    pub(super) async fn summed_up(
        &self,
        scope: &Scope,
        session: SessionId,
        tip: MessageId,
        model: Option<&str>,
    ) -> Result<Option<Compacted>> {
        let store = &*self.parts.store;
        if store.current(scope, session).await?.is_some() {
            return Err(Error::new(
                ErrorKind::Conflict,
                "an answer is being written in this session; let it end",
            )
            .with_code(Code::RunActive));
        }
        let model = self.parts.models.model(model).await?;
        if model.info().memory_only {
            return Err(Error::invalid("without a language model nothing can be summed up"));
        }
        let Some(latest) = self.latest_of_person(scope, session, tip).await? else { return Ok(None) };
        let run = RunId { session, message: latest.id };
        let checkpoint = Checkpoint::open(run, model.info().id.clone(), Origin::Api, self.settings.guards);
        let mut asking = Asking {
            parts: self.parts.clone(),
            settings: self.settings.clone(),
            scope: scope.clone(),
            model: model.clone(),
            origin: latest.origin,
            recalled: None,
            common: self.common.clone(),
            offered: self.offered.clone(),
            over: Arc::default(),
        };
        let covered = asking.coverable(&checkpoint, tip).await?;
        if covered.is_empty() {
            return Ok(None);
        }
        let covers: Vec<MessageId> = covered.iter().map(|m| m.id).collect();
        asking.over = Arc::new(covered);
        let (words, usage) = asking.sum_up(&checkpoint, &covers).await?;
        let text = self.parts.redactor.redact(&text::mend(&words)).into_owned();
        let compacted = Compacted { message: MessageId::new(), covers: covers.len(), usage };
        let step = StepMessage {
            id: compacted.message,
            parent: tip,
            role: Role::System,
            parts: vec![Part::Summary { text, covers }],
            cut: false,
            usage,
        };
        let maker = Maker { before: None, model: model.info().id.clone(), origin: latest.origin };
        let message = new_message(&self.parts, scope, run, step, &maker).await?;
        let commit = Commit {
            session,
            create: None,
            messages: vec![message],
            head: HeadMove::IfParent,
            run: None,
            limits: Limits::NONE,
        };
        store.commit(scope, &commit).await?;
        Ok(Some(compacted))
    }

    async fn latest_of_person(
        &self,
        scope: &Scope,
        session: SessionId,
        tip: MessageId,
    ) -> Result<Option<Message>> {
        let mut next = Some(tip);
        while let Some(at) = next {
            let page = self.parts.store.path(scope, session, Some(at), PAGE).await?;
            next = page.first().and_then(|m| m.parent);
            if let Some(found) = page.into_iter().rfind(|m| m.role == Role::User) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

/// Messages that are read at once.
const PAGE: u32 = 64;
