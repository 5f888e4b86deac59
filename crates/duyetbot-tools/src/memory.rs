//! `sessions` and `recall`: what the person has talked about before.
use async_trait::async_trait;
use duyetbot_core::{
    Approval, Error, Role, SessionFilter, SessionState, SessionStore, Tool, ToolContext, ToolResult,
    ToolSpec,
    index::{query, search, typed_query},
};
use schemars::JsonSchema;
use serde::Deserialize;
use std::{collections::BTreeMap, sync::Arc};

use crate::{
    input,
    refusal::{Outcome, Refusal, result_of},
};

/// Sessions of one answer.
const SESSIONS: u32 = 20;
const MOST_SESSIONS: u32 = 100;
/// Messages of one answer.
const HITS: usize = 8;
const MOST_HITS: usize = 25;

/// Lists the person's own sessions.
pub struct Sessions {
    spec: ToolSpec,
    store: Arc<dyn SessionStore>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SessionsInput {
    /// Only those whose title holds this.
    title: Option<String>,
    /// How many, at most 100. Default: 20.
    limit: Option<u32>,
    /// Where the list before ended, as it said.
    cursor: Option<String>,
}

impl Sessions {
    /// The tool over this store.
    pub fn new(store: Arc<dyn SessionStore>) -> Self {
        let description = "Lists the person's own sessions with you, the latest first: id, when it changed last, how many \
                           messages, title.";
        Sessions { spec: input::spec_of::<SessionsInput>("sessions", description, Approval::Free), store }
    }

    async fn list(&self, context: &ToolContext, input: &str) -> Outcome {
        let SessionsInput { title, limit, cursor } = input::read(&self.spec, input)?;
        let limit = limit.unwrap_or(SESSIONS).clamp(1, MOST_SESSIONS);
        let states = vec![SessionState::Active, SessionState::Paused, SessionState::Completed];
        let filter = SessionFilter { limit, cursor, states, title, ..SessionFilter::default() };
        let page = self.store.sessions(&context.scope, &filter).await.map_err(told)?;
        if page.items.is_empty() {
            return Ok("[no sessions]".to_owned());
        }
        let mut text = String::new();
        for session in page.items {
            let here = if session.id == context.run.session { " (this one)" } else { "" };
            text.push_str(&format!(
                "{}  {}  {} messages  {}{here}\n",
                session.id,
                session.updated.date(),
                session.messages,
                on_one_line(&session.title)
            ));
        }
        if let Some(cursor) = page.next {
            text.push_str(&format!("[there are more; cursor {cursor:?} shows the next]\n"));
        }
        Ok(text)
    }
}

#[async_trait]
impl Tool for Sessions {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }
    async fn call(&self, context: &ToolContext, input: &str) -> ToolResult {
        result_of(self.list(context, input).await)
    }
}

/// Searches what was said in the person's sessions.
pub struct Recall {
    spec: ToolSpec,
    store: Arc<dyn SessionStore>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RecallInput {
    /// Words to look for; the rarer, the better. Words in double quotes must stand there so. A date such as 2026-11-25 finds
    /// what was said that day.
    query: String,
    /// How many messages, at most 25. Default: 8.
    limit: Option<usize>,
}

impl Recall {
    /// The tool over this store.
    pub fn new(store: Arc<dyn SessionStore>) -> Self {
        let description = "Searches everything that was said in the person's own sessions, this one included, and answers \
                           the best passages with date, speaker and session.";
        Recall { spec: input::spec_of::<RecallInput>("recall", description, Approval::Free), store }
    }

    async fn recall(&self, context: &ToolContext, input: &str) -> Outcome {
        let RecallInput { query: words, limit } = input::read(&self.spec, input)?;
        let limit = limit.unwrap_or(HITS).clamp(1, MOST_HITS);
        let (store, scope) = (&*self.store, &context.scope);
        let typed = typed_query(&words);
        if typed.is_empty() {
            return Err(Refusal::new("field `query`: there is no letter or digit to look for"));
        }
        let mut hits = search(store, scope, &typed, limit).await.map_err(told)?;
        if hits.is_empty() {
            // A question in whole sentences rarely stands anywhere as it is asked.
            hits = search(store, scope, &query(&words), limit).await.map_err(told)?;
        }
        if hits.is_empty() {
            return Ok("[nothing was found; try other words]".to_owned());
        }
        let mut titles = BTreeMap::new();
        let mut text = String::new();
        for hit in hits {
            let session = hit.message.session;
            if let std::collections::btree_map::Entry::Vacant(free) = titles.entry(session) {
                free.insert(store.session(scope, session).await.map_err(told)?.title);
            }
            let who = match hit.message.role {
                Role::User => "the person",
                Role::Assistant => "you",
                Role::System => "a summary",
            };
            text.push_str(&format!(
                "{}, {who}, in session {session} ({}):\n  {}\n",
                hit.message.created.date(),
                titles.get(&session).map_or(String::new(), |title| on_one_line(title)),
                hit.snippet
            ));
        }
        Ok(text)
    }
}

#[async_trait]
impl Tool for Recall {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }
    async fn call(&self, context: &ToolContext, input: &str) -> ToolResult {
        result_of(self.recall(context, input).await)
    }
}

fn told(cause: Error) -> Refusal {
    Refusal::new(cause.message())
}

fn on_one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
