//! What a model gets to see of a session: the path from the head backwards within a token budget, and what a summary
//! stands for.
use std::{collections::BTreeSet, sync::Arc};

use crate::{
    error::{ErrorKind, Result},
    id::{MessageId, RunId},
    message::{BlobRef, Message, Part, Role, ToolUse},
    scope::Scope,
    store::{BlobStore, Storage},
    tool::ToolSpec,
};

/// Messages read at once on the way back: few at first, for most sessions are short, then twice as many each time.
const FIRST_STRIDE: u32 = 8;
const LONGEST_STRIDE: u32 = 256;
/// Messages that one summary covers at most.
const COVERS: usize = 2_000;
/// Summaries of summaries that are followed down to the first message.
const NESTED: usize = 64;
/// Characters of a tool's output that stay where it must be cut, half of them of its end.
const KEPT_OUTPUT: usize = 1_000;
/// Tokens that a picture counts for.
const IMAGE_TOKENS: u64 = 1_600;

/// Tokens of a text, estimated: four ASCII characters, or one other character.
pub(super) fn tokens(text: &str) -> u64 {
    let ascii = text.bytes().filter(u8::is_ascii).count();
    let other = text.chars().count() - ascii;
    (ascii / 4 + other + 1) as u64
}

/// Tokens that the tools' descriptions take.
pub(super) fn tool_tokens(tools: &[ToolSpec]) -> u64 {
    tools.iter().map(|t| tokens(&t.description) + tokens(&t.input.to_string()) + 10).sum()
}

/// Tokens that these messages take.
pub(super) fn messages_tokens(messages: &[Arc<Message>]) -> u64 {
    messages.iter().map(|message| message_tokens(message)).sum()
}

fn message_tokens(message: &Message) -> u64 {
    4 + message
        .parts
        .iter()
        .map(|part| match part {
            Part::Text { text, .. } | Part::Summary { text, .. } => tokens(text),
            Part::Reasoning { text, signature, .. } => tokens(text) + signature.as_deref().map_or(0, tokens),
            Part::Tool(used) => tokens(&used.input) + tokens(&used.result.output) + 20,
            Part::Image { .. } => IMAGE_TOKENS,
            Part::File { .. } | Part::Unknown(_) => 50,
        })
        .sum::<u64>()
}

/// What fits, or what has to be summed up first.
pub(super) enum Built {
    /// The messages, oldest first.
    Fits(Vec<Arc<Message>>),
    /// These messages, oldest first, can be covered by a summary.
    Over(Vec<Arc<Message>>),
}

/// Whether what does not fit may be summed up, or is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overflow {
    SumUp,
    Cut,
}

/// The part of a session that a model sees.
pub(super) struct Context<'a> {
    pub(super) store: &'a dyn Storage,
    pub(super) scope: &'a Scope,
    pub(super) run: RunId,
    pub(super) budget: u64,
}

impl Context<'_> {
    /// Builds the context that ends with `tip`. `near` is the end of some way, which is not read again if it is the end of
    /// this one.
    pub(super) async fn build(
        &self,
        tip: MessageId,
        near: Vec<Message>,
        overflow: Overflow,
    ) -> Result<Built> {
        let walked = self.walk(tip, near).await?;
        if messages_tokens(&walked.messages) <= self.budget && walked.complete {
            return Ok(Built::Fits(walked.messages));
        }
        if overflow == Overflow::SumUp {
            let covers = self.coverable(&walked);
            if !covers.is_empty() {
                return Ok(Built::Over(covers));
            }
        }
        Ok(Built::Fits(self.cut(walked.messages)))
    }

    /// All that a summary may cover on the way to `tip`, whatever the budget has room for.
    pub(super) async fn coverable_before(&self, tip: MessageId) -> Result<Vec<Arc<Message>>> {
        let walked = self.walk(tip, Vec::new()).await?;
        Ok(Context { budget: 0, ..*self }.coverable(&walked))
    }

    /// From the tip backwards until the session's beginning, or twice the budget, or what a summary covers.
    async fn walk(&self, tip: MessageId, near: Vec<Message>) -> Result<Walked> {
        let mut back: Vec<Arc<Message>> = Vec::new();
        let mut covered: BTreeSet<MessageId> = BTreeSet::new();
        let mut used = 0;
        let mut next = Some(tip);
        let mut stride = FIRST_STRIDE;
        let mut near = Some(near);
        'walk: while let Some(at) = next {
            let page = match near.take_if(|page| page.last().is_some_and(|last| last.id == at)) {
                Some(page) => page,
                None => self.store.path(self.scope, self.run.session, Some(at), stride).await?,
            };
            stride = (stride * 2).min(LONGEST_STRIDE);
            next = page.first().and_then(|m| m.parent);
            for message in page.into_iter().rev() {
                if covered.contains(&message.id) {
                    next = None;
                    break 'walk;
                }
                if let Some(Part::Summary { covers, .. }) = message.parts.first()
                    && covered.is_empty()
                {
                    covered = covers.iter().copied().collect();
                }
                let message = whole(self.store, self.scope, message).await?;
                used += message_tokens(&message);
                back.push(Arc::new(message));
                if used > self.budget.saturating_mul(2) {
                    next = back.last().and_then(|m| m.parent);
                    break 'walk;
                }
            }
        }
        let complete = next.is_none();
        back.reverse();
        let messages = if covered.is_empty() {
            self.with_latest(back).await?
        } else {
            self.around_summary(back).await?
        };
        Ok(Walked { messages, complete })
    }

    /// Puts the session's first message and the summary in front of what the summary does not cover.
    async fn around_summary(&self, back: Vec<Arc<Message>>) -> Result<Vec<Arc<Message>>> {
        let Some(at) = back.iter().rposition(|m| is_summary(m)) else { return Ok(back) };
        let mut out = Vec::new();
        if let Some(first) = self.first(&back[at]).await?
            && first.role == Role::User
            && back.iter().all(|m| m.id != first.id)
        {
            out.push(Arc::new(whole(self.store, self.scope, first).await?));
        }
        let summary = back[at].clone();
        out.push(summary.clone());
        let mut back = self.with_latest(back).await?;
        back.retain(|m| m.id != summary.id);
        out.extend(back);
        Ok(out)
    }

    /// Puts the words that the run answers before what was read, where that does not reach back to them.
    async fn with_latest(&self, mut back: Vec<Arc<Message>>) -> Result<Vec<Arc<Message>>> {
        if back.iter().all(|m| m.id != self.run.message) {
            let latest = self.store.message(self.scope, self.run.session, self.run.message).await?;
            back.insert(0, Arc::new(whole(self.store, self.scope, latest).await?));
        }
        Ok(back)
    }

    /// The message with which the way back from a summary begins; where that cannot be told, the session's oldest.
    async fn first(&self, summary: &Message) -> Result<Option<Message>> {
        match self.beginning(summary).await? {
            Some(first) => Ok(Some(first)),
            None => Ok(self.store.messages(self.scope, self.run.session, 0, 1).await?.into_iter().next()),
        }
    }

    /// What stands before the first message that a summary covers. A session may have several beginnings, and its oldest
    /// need not be this one's.
    async fn beginning(&self, summary: &Message) -> Result<Option<Message>> {
        let mut next = first_covered(summary);
        for _ in 0..NESTED {
            let Some(at) = next else { break };
            let pair = match self.store.path(self.scope, self.run.session, Some(at), 2).await {
                // An import may name what it does not bring.
                Err(error) if error.kind() == ErrorKind::NotFound => break,
                pair => pair?,
            };
            next = pair.last().and_then(first_covered);
            if next.is_none() {
                return Ok(pair.into_iter().next().filter(|first| first.parent.is_none()));
            }
        }
        Ok(None)
    }

    /// What a summary may cover so that half the budget is left: not the person's first and latest message, not the last
    /// step.
    fn coverable(&self, walked: &Walked) -> Vec<Arc<Message>> {
        let messages = &walked.messages;
        let mut left: u64 = messages.iter().map(|m| message_tokens(m)).sum();
        let last = messages.len().saturating_sub(1);
        let first_person = messages.first().map(|m| m.id).filter(|_| walked.complete);
        let mut covers = Vec::new();
        for (i, message) in messages.iter().enumerate() {
            if left <= self.budget / 2 || covers.len() >= COVERS {
                break;
            }
            if i == last || message.id == self.run.message || Some(message.id) == first_person {
                continue;
            }
            left = left.saturating_sub(message_tokens(message));
            covers.push(message.clone());
        }
        // One message is no range worth a summary, and a summary alone is never summed up again.
        let worth = covers.iter().filter(|m| !is_summary(m)).count();
        if worth < 2 { Vec::new() } else { covers }
    }

    /// Cuts tools' outputs, oldest first; then drops the oldest turns.
    pub(super) fn cut(&self, messages: Vec<Arc<Message>>) -> Vec<Arc<Message>> {
        let mut messages = messages;
        let mut total: u64 = messages.iter().map(|m| message_tokens(m)).sum();
        for slot in &mut messages {
            if total <= self.budget {
                break;
            }
            let before = message_tokens(slot);
            let cut = with_short_outputs(slot);
            total = total - before + message_tokens(&cut);
            *slot = Arc::new(cut);
        }
        let mut from = 0;
        let last = messages.len().saturating_sub(1);
        while total > self.budget && from < last && messages[from].id != self.run.message {
            total -= message_tokens(&messages[from]);
            from += 1;
        }
        // A context begins with a person's words.
        while from < last && messages[from].role == Role::Assistant {
            from += 1;
        }
        messages.split_off(from)
    }
}

struct Walked {
    messages: Vec<Arc<Message>>,
    complete: bool,
}

/// The oldest message that a summary covers; none of another message.
fn first_covered(message: &Message) -> Option<MessageId> {
    match message.parts.first() {
        Some(Part::Summary { covers, .. }) => covers.first().copied(),
        _ => None,
    }
}

fn is_summary(message: &Message) -> bool {
    matches!(message.parts.first(), Some(Part::Summary { .. }))
}

/// The ends of an output that is longer than what is kept: most begins with what it is about, and ends with how it ended.
fn both_ends(output: &str) -> Option<String> {
    let characters = output.chars().count();
    let left = characters.checked_sub(KEPT_OUTPUT).filter(|left| *left > 0)?;
    let at = |n: usize| output.char_indices().nth(n).map_or(output.len(), |(at, _)| at);
    let (head, tail) = (&output[..at(KEPT_OUTPUT / 2)], &output[at(characters - KEPT_OUTPUT / 2)..]);
    Some(format!(
        "{head}\n[{left} characters were cut here to fit; call it again for less to see them]\n{tail}"
    ))
}

fn with_short_outputs(message: &Message) -> Message {
    let mut message = message.clone();
    for part in &mut message.parts {
        if let Part::Tool(ToolUse { result, .. }) = part
            && let Some(short) = both_ends(&result.output)
        {
            result.output = short;
        }
    }
    message
}

/// A message with the words that its row could not hold.
async fn whole(store: &dyn Storage, scope: &Scope, message: Message) -> Result<Message> {
    let mut message = message;
    for part in &mut message.parts {
        if let Part::Text { text, blob: blob @ Some(_) } = part
            && let Some(BlobRef { hash, .. }) = blob.take()
        {
            *text = String::from_utf8_lossy(&store.blob(scope, &hash).await?).into_owned();
        }
    }
    Ok(message)
}

/// A message with everything that was off-loaded, tools' outputs too: for people and for exports.
pub async fn hydrate(store: &(impl BlobStore + ?Sized), scope: &Scope, message: Message) -> Result<Message> {
    let mut message = message;
    for part in &mut message.parts {
        let (text, blob) = match part {
            Part::Text { text, blob } => (text, blob),
            Part::Tool(used) => (&mut used.result.output, &mut used.blob),
            _ => continue,
        };
        if let Some(BlobRef { hash, .. }) = blob.take() {
            *text = String::from_utf8_lossy(&store.blob(scope, &hash).await?).into_owned();
        }
    }
    Ok(message)
}
