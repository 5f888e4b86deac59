//! A person's message on its way to becoming a run.
use std::sync::Arc;

use super::{checkpoint::Checkpoint, local::LocalAgent, offload, policy::Policy};
use crate::{
    agent::{Chat, Missing},
    error::{Code, Error, ErrorKind, Result},
    id::{MessageId, RunId},
    index,
    message::{Content, Part, Role, text_of},
    model::ChatModel,
    scope::Scope,
    session::title_of,
    store::{Commit, HeadMove, NewMessage, NewSession, Parent, RunChange},
    text,
    time_stamp::Timestamp,
};

/// Bytes of text that one message of a person may have.
pub const LARGEST_MESSAGE: usize = 10 * 1024 * 1024;

pub(super) struct Opening {
    pub(super) run: RunId,
    pub(super) checkpoint: Checkpoint,
    pub(super) model: Arc<dyn ChatModel>,
    pub(super) policy: Arc<dyn Policy>,
    chat: Chat,
    content: Content,
    pub(super) text: String,
    created: Timestamp,
}

impl Opening {
    /// Checks and cleans a message, and finds its model.
    pub(super) async fn new(agent: &LocalAgent, scope: &Scope, mut chat: Chat) -> Result<Self> {
        let said = text_of(&chat.parts);
        if said.trim().is_empty() && chat.parts.iter().all(|p| matches!(p, Part::Text { .. })) {
            return Err(Error::invalid("the message is empty; say something"));
        }
        if said.len() > LARGEST_MESSAGE {
            return Err(Error::invalid(format!(
                "the message has {} bytes, at most {LARGEST_MESSAGE} are taken; put it into a file and name that",
                said.len()
            ))
            .with_code(Code::TooLarge));
        }
        for part in &mut chat.parts {
            match part {
                Part::Text { text, .. } => {
                    text::check(text, "message")?;
                    *text = agent.parts.redactor.redact(text).into_owned();
                }
                Part::Image { .. } | Part::File { .. } => {}
                _ => {
                    return Err(Error::invalid(
                        "a person's message holds text, images and files, nothing else",
                    ));
                }
            }
        }
        chat.narrowing.check(&agent.parts.redactor)?;
        let policy = agent.policy(&chat.narrowing)?;
        let model = agent.parts.models.model(chat.model.as_deref()).await?;
        let run = RunId { session: chat.session_id(scope), message: chat.message };
        let mut guards = agent.settings.guards;
        if let Some(steps) = chat.max_steps {
            guards.steps = guards.steps.min(steps.max(1));
        }
        let mut checkpoint = Checkpoint::open(run, model.info().id.clone(), chat.origin, guards);
        checkpoint.narrowing = chat.narrowing.clone();
        if guards.ask_the_day() {
            checkpoint.spent_before = agent.parts.store.spent_today(scope).await?;
        }
        let limits = agent.settings.limits;
        let content = offload::content(&*agent.parts.store, scope, Role::User, &chat.parts, limits).await?;
        Ok(Opening {
            run,
            checkpoint,
            model,
            policy,
            content,
            text: text_of(&chat.parts),
            created: agent.parts.clock.now(),
            chat,
        })
    }

    /// The commit that stores the message and opens the run, as the session stands now.
    pub(super) async fn commit(&self, agent: &LocalAgent, scope: &Scope) -> Result<Commit> {
        let before = self.before(agent, scope).await?;
        let context = index::context(self.created, before.as_deref());
        let message = NewMessage {
            id: self.chat.message,
            parent: match self.named_parent() {
                Some(parent) => Parent::Is(Some(parent)),
                None => Parent::Head,
            },
            role: Role::User,
            content: self.content.clone(),
            origin: self.chat.origin,
            model: None,
            usage: None,
            cut: false,
            created: self.created,
            pieces: index::pieces(&index::indexed_text(Role::User, &[Part::text(&*self.text)]), &context),
            context,
        };
        Ok(Commit {
            session: self.run.session,
            create: (self.chat.missing == Missing::Begun).then(|| NewSession {
                title: title_of(&self.text),
                parent: None,
                place: self.chat.place.clone(),
                metadata: "{}".to_owned(),
                created: self.created,
            }),
            messages: vec![message],
            head: if self.chat.parent.is_some() { HeadMove::Always } else { HeadMove::IfParent },
            run: Some(RunChange::Open {
                message: self.chat.message,
                place: agent.settings.place.clone(),
                holder: agent.parts.host.holder(),
                checkpoint: self.checkpoint.store()?,
            }),
            limits: agent.settings.limits,
        })
    }

    /// The message that it is to go under, whatever the head is.
    fn named_parent(&self) -> Option<MessageId> {
        self.chat.parent.or(self.chat.seen)
    }

    /// The text of the message that this one follows.
    async fn before(&self, agent: &LocalAgent, scope: &Scope) -> Result<Option<String>> {
        let store = &agent.parts.store;
        let parent: Option<MessageId> = match self.named_parent() {
            Some(parent) => Some(parent),
            None => match store.session(scope, self.run.session).await {
                Ok(session) => session.head,
                Err(error) if error.kind() == ErrorKind::NotFound && self.chat.missing == Missing::Begun => {
                    None
                }
                Err(error) => return Err(error),
            },
        };
        let Some(parent) = parent else { return Ok(None) };
        match store.message(scope, self.run.session, parent).await {
            Ok(message) => Ok(Some(message.text())),
            // The commit says which message is missing.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}
