//! From a checkpoint to a model's answer: recall, context, retries. One stream, so that dropping it stops all of it.
use futures::{StreamExt, future, stream, stream::BoxStream};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use super::{
    checkpoint::Checkpoint,
    context::{Built, Context, Overflow, messages_tokens, tokens},
    counting::asked,
    offered::Offered,
    parts::{Parts, Recall, Settings},
};
use crate::{
    error::{Error, ErrorKind, Result, Retry},
    id::{MessageId, RunId},
    index::{self, CommonTerms},
    message::{Message, Origin, Part, Role, Usage},
    model::{Answer, ChatModel, ModelEvent, Passage, Request, SessionLine},
    scope::Scope,
    store::{Clock, SessionFilter},
};

/// Times that a model is asked before its first word.
const ATTEMPTS: u32 = 5;
/// The first wait between two attempts; each further one is twice as long.
const BACKOFF: Duration = Duration::from_millis(500);
/// The longest wait that a provider may ask for; a longer one ends the run and says when to come back.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// Passages that recall puts before a model.
const PASSAGES: usize = 8;
/// Messages before the person's that recall does not quote: the model most likely sees them anyway.
const IN_CONTEXT: u32 = 64;
/// Sessions in the list that a model without a language model gets.
const LISTED: u32 = 10;
/// Tokens that a summary may have.
const SUMMARY_TOKENS: u32 = 1_200;

const SUMMARISE: &str = "Sum up the conversation so far for yourself, so that you can go on without it: what the person \
    wants and has decided, standing instructions, what was done and found, exact names and values, and what is still open. \
    Write plainly, no preamble.";

/// What is heard while a model is asked.
pub(super) enum Heard {
    /// What recall found.
    Recalled(Arc<Vec<Passage>>),
    /// A piece of the answer.
    Event(ModelEvent),
    /// No answer, or a broken one.
    Failed(Error),
    /// The context does not fit; these can be summed up.
    Over(Vec<Arc<Message>>),
    /// The summary that was asked for.
    Summary { text: String, covers: Vec<MessageId>, usage: Usage },
    /// No summary could be had.
    SummaryFailed,
}

/// All that asking needs of a run.
#[derive(Clone)]
pub(super) struct Asking {
    pub(super) parts: Arc<Parts>,
    pub(super) settings: Arc<Settings>,
    pub(super) scope: Scope,
    pub(super) model: Arc<dyn ChatModel>,
    pub(super) origin: Origin,
    pub(super) recalled: Option<Arc<Vec<Passage>>>,
    pub(super) common: Arc<CommonTerms>,
    pub(super) offered: Offered,
    /// What was found too long, to be summed up.
    pub(super) over: Arc<Vec<Arc<Message>>>,
}

impl Asking {
    /// Asks for the next answer.
    pub(super) fn answer(self, checkpoint: Checkpoint) -> BoxStream<'static, Heard> {
        let asked = async move {
            match self.ask(&checkpoint).await {
                Ok(stream) => stream,
                Err(error) => one(Heard::Failed(error)),
            }
        };
        // Boxed by itself: what asking needed is freed once the answer comes.
        stream::once(Box::pin(asked)).flatten().boxed()
    }

    async fn ask(mut self, checkpoint: &Checkpoint) -> Result<BoxStream<'static, Heard>> {
        let (mut first, mut near) = (None, Vec::new());
        if self.recalled.is_none() && self.settings.recall == Recall::On {
            near = self.near(checkpoint.run).await?;
            let found = Arc::new(self.recall(&near).await?);
            first = (!found.is_empty()).then(|| Heard::Recalled(found.clone()));
            self.recalled = Some(found);
        }
        let before = stream::iter(first);
        let budget = self.budget(checkpoint);
        let context = Context { store: &*self.parts.store, scope: &self.scope, run: checkpoint.run, budget };
        let overflow =
            if checkpoint.trim || self.model.info().memory_only { Overflow::Cut } else { Overflow::SumUp };
        let messages = match context.build(checkpoint.parent, near, overflow).await? {
            Built::Fits(messages) => messages,
            Built::Over(covers) => return Ok(before.chain(one(Heard::Over(covers))).boxed()),
        };
        // A model that only words what recall found uses nothing.
        let uses = (!self.model.info().memory_only).then(|| asked(self.fixed() + messages_tokens(&messages)));
        let before = before.chain(stream::iter(uses.map(|usage| Heard::Event(ModelEvent::Usage(usage)))));
        let request = self.request(messages).await?;
        let answer = ask_patiently(&*self.parts.clock, &*self.model, &request).await?;
        Ok(before.chain(heard(answer)).boxed())
    }

    /// Asks for a summary of these messages.
    pub(super) fn summary(self, checkpoint: Checkpoint, covers: Vec<MessageId>) -> BoxStream<'static, Heard> {
        stream::once(async move {
            match self.sum_up(&checkpoint, &covers).await {
                Ok((text, usage)) => Heard::Summary { text, covers, usage },
                Err(_) => Heard::SummaryFailed,
            }
        })
        .boxed()
    }

    /// What a summary may cover on the way to this message.
    pub(super) async fn coverable(
        &self,
        checkpoint: &Checkpoint,
        tip: MessageId,
    ) -> Result<Vec<Arc<Message>>> {
        let budget = self.budget(checkpoint);
        let context = Context { store: &*self.parts.store, scope: &self.scope, run: checkpoint.run, budget };
        context.coverable_before(tip).await
    }

    /// The words of a summary, and what they cost.
    pub(super) async fn sum_up(
        &self,
        checkpoint: &Checkpoint,
        covers: &[MessageId],
    ) -> Result<(String, Usage)> {
        let covers: BTreeSet<MessageId> = covers.iter().copied().collect();
        let messages = self.over.iter().filter(|m| covers.contains(&m.id)).cloned().collect();
        let run = checkpoint.run;
        let latest = self.parts.store.message(&self.scope, run.session, run.message).await?;
        let context =
            Context { store: &*self.parts.store, scope: &self.scope, run, budget: self.budget(checkpoint) };
        let mut messages = context.cut(messages);
        messages.push(Arc::new(instruction(&latest)));
        let request = Request {
            system: self.settings.system.clone(),
            messages,
            max_output: Some(SUMMARY_TOKENS),
            ..Request::default()
        };
        let mut answer = ask_patiently(&*self.parts.clock, &*self.model, &request).await?;
        let (mut text, mut usage) = (String::new(), Usage::default());
        while let Some(event) = answer.next().await {
            match event? {
                ModelEvent::Text(words) => text.push_str(&words),
                ModelEvent::Usage(u) => usage = u,
                _ => {}
            }
        }
        if text.trim().is_empty() {
            return Err(Error::new(ErrorKind::Unavailable, "the model gave no summary; ask again"));
        }
        // What stands between covered messages is no longer on the way back to them: its words go along.
        Ok((format!("{text}\n\nThe person's request at that time, word for word:\n{}", latest.text()), usage))
    }

    /// The tools that the model is told of. One that only words what recall found calls none.
    fn offered(&self) -> Offered {
        if self.model.info().memory_only { Offered::default() } else { self.offered.clone() }
    }

    /// Tokens that the session's messages may have.
    fn budget(&self, checkpoint: &Checkpoint) -> u64 {
        let info = self.model.info();
        let window = u64::from(self.settings.context_tokens.unwrap_or(info.window));
        let window = window >> checkpoint.shrunk;
        let answer = u64::from(info.max_output).min(window / 4);
        // The estimate may be a tenth too low.
        (window.saturating_sub(answer + self.fixed()) * 9 / 10).max(200)
    }

    /// Tokens of a request beside its messages.
    fn fixed(&self) -> u64 {
        let recalled = self.recalled.iter().flat_map(|found| found.iter());
        tokens(&self.settings.system)
            + self.offered().tokens
            + recalled.map(|p| tokens(&p.text) + 40).sum::<u64>()
    }

    /// The person's message, the last of these, and those before it that recall does not quote.
    async fn near(&self, run: RunId) -> Result<Vec<Message>> {
        let seen = if self.model.info().memory_only { 1 } else { IN_CONTEXT };
        self.parts.store.path(&self.scope, run.session, Some(run.message), seen).await
    }

    async fn recall(&self, near: &[Message]) -> Result<Vec<Passage>> {
        let Some(asked) = near.last() else { return Ok(Vec::new()) };
        let seen: BTreeSet<MessageId> = near.iter().map(|m| m.id).collect();
        index::recall(&*self.parts.store, &self.scope, &self.common, &asked.text(), &seen, PASSAGES).await
    }

    async fn request(&self, messages: Vec<Arc<Message>>) -> Result<Request> {
        let store = &*self.parts.store;
        let seen: BTreeSet<MessageId> = messages.iter().map(|m| m.id).collect();
        let recalled = self.recalled.iter().flat_map(|found| found.iter());
        let recalled = if self.model.info().memory_only {
            recalled.cloned().collect()
        } else {
            recalled.filter(|passage| !seen.contains(&passage.message)).cloned().collect()
        };
        let mut blobs = BTreeMap::new();
        if self.model.info().images {
            for part in messages.iter().flat_map(|m| &m.parts) {
                if let Part::Image { blob, .. } | Part::File { blob, .. } = part {
                    match store.blob(&self.scope, &blob.hash).await {
                        Ok(bytes) => drop(blobs.insert(blob.hash.clone(), Arc::from(bytes))),
                        // An import brings a picture's name, not the picture: the model is told that it is not here.
                        Err(error) if error.kind() == ErrorKind::NotFound => {}
                        Err(error) => return Err(error),
                    }
                }
            }
        }
        let mut sessions = Vec::new();
        if self.model.info().memory_only {
            let filter = SessionFilter { limit: LISTED, ..SessionFilter::default() };
            sessions =
                store.sessions(&self.scope, &filter).await?.items.iter().map(SessionLine::of).collect();
        }
        Ok(Request {
            system: self.settings.system.clone(),
            messages,
            recalled,
            tools: self.offered().specs,
            blobs,
            sessions,
            ..Request::default()
        })
    }
}

fn one(heard: Heard) -> BoxStream<'static, Heard> {
    stream::once(future::ready(heard)).boxed()
}

/// The events of an answer. One that ends with neither stop nor error was cut.
fn heard(answer: Answer) -> BoxStream<'static, Heard> {
    let cut = || {
        Heard::Failed(
            Error::new(ErrorKind::Unavailable, "the model's answer was cut off before its end; ask again")
                .with_code(crate::error::Code::Protocol),
        )
    };
    answer
        .map(|event| match event {
            Ok(event) => Heard::Event(event),
            Err(error) => Heard::Failed(error),
        })
        .chain(stream::once(async move { cut() }))
        .boxed()
}

fn instruction(latest: &Message) -> Message {
    Message { parts: vec![Part::text(SUMMARISE)], role: Role::User, origin: Origin::Api, ..latest.clone() }
}

/// Asks until the first word comes, as the provider's errors allow: the one place that tries again.
async fn ask_patiently(clock: &dyn Clock, model: &dyn ChatModel, request: &Request) -> Result<Answer> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        let error = match first_word(model, request).await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let wait = match error.retry() {
            Retry::Never => return Err(error),
            Retry::After(wait) if wait > LONGEST_WAIT => return Err(error),
            Retry::After(wait) => wait,
            Retry::Now => jittered(BACKOFF * 2_u32.pow(attempt - 1)),
        };
        if attempt >= ATTEMPTS {
            return Err(error);
        }
        clock.sleep(wait).await;
    }
}

/// Half the wait to all of it, so that clients that failed together do not come back together.
fn jittered(wait: Duration) -> Duration {
    let random = f64::from(MessageId::new().uuid().as_u64_pair().1 as u32) / f64::from(u32::MAX);
    wait.mul_f64(0.5 + random / 2.0)
}

/// The answer, once something of it is there: until then a failure may be tried again.
async fn first_word(model: &dyn ChatModel, request: &Request) -> Result<Answer> {
    let mut answer = model.ask(request).await?;
    let mut before = Vec::new();
    loop {
        match answer.next().await {
            Some(Ok(event @ ModelEvent::Usage(_))) => before.push(Ok(event)),
            Some(Ok(event)) => {
                before.push(Ok(event));
                return Ok(stream::iter(before).chain(answer).boxed());
            }
            Some(Err(error)) => return Err(error),
            None => {
                let cut = "the model's answer ended before its first word";
                return Err(Error::new(ErrorKind::Unavailable, cut)
                    .with_code(crate::error::Code::Protocol)
                    .with_retry(Retry::Now));
            }
        }
    }
}
