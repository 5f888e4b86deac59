//! A person's history in a store in memory, a message at a time.
#![allow(dead_code, unreachable_pub)]
use std::{collections::BTreeSet, sync::Arc};

use duyetbot_core::{
    Commit, Content, HeadMove, Limits, MemoryStore, MessageId, NewMessage, NewSession, Origin, Parent, Part,
    Passage, Role, Scope, SessionId, SessionStore, SettableClock, Timestamp,
    index::{self, CommonTerms, Hit},
};
use futures::executor::block_on;

/// A store of one person with one session.
pub struct History {
    pub store: MemoryStore,
    pub scope: Scope,
    pub session: SessionId,
    before: Option<String>,
    now: Timestamp,
}

impl History {
    /// An empty one.
    pub fn new() -> Self {
        let now = Timestamp(1_764_045_000_000);
        History {
            store: MemoryStore::new(Arc::new(SettableClock::new(now))),
            scope: Scope::vouched("ada", "ada"),
            session: SessionId::new(),
            before: None,
            now,
        }
    }
    /// One in which a person said these things, each in a session of its own.
    pub fn of(said: &[&str]) -> Self {
        let mut history = History::new();
        for text in said {
            history.begin();
            history.say(text);
        }
        history
    }
    /// Begins another session.
    pub fn begin(&mut self) {
        self.session = SessionId::new();
        self.before = None;
    }
    /// A person says this.
    pub fn say(&mut self, text: &str) -> MessageId {
        self.add(Role::User, vec![Part::text(text)], None)
    }
    /// The agent answers so.
    pub fn answer(&mut self, text: &str, model: &str) -> MessageId {
        self.add(Role::Assistant, vec![Part::text(text)], Some(model.to_owned()))
    }
    /// A message is stored.
    pub fn add(&mut self, role: Role, parts: Vec<Part>, model: Option<String>) -> MessageId {
        let text = index::indexed_text(role, &parts);
        let context = index::context(self.now, self.before.as_deref());
        let id = MessageId::new();
        let message = NewMessage {
            id,
            parent: Parent::Head,
            role,
            content: Content::of(role, &parts).unwrap(),
            origin: Origin::Cli,
            model,
            usage: None,
            cut: false,
            created: self.now,
            pieces: index::pieces(&text, &context),
            context,
        };
        let create = NewSession {
            title: "Notes".to_owned(),
            parent: None,
            place: None,
            metadata: "{}".to_owned(),
            created: self.now,
        };
        let commit = Commit {
            session: self.session,
            create: Some(create),
            messages: vec![message],
            head: HeadMove::IfParent,
            run: None,
            limits: Limits::NONE,
        };
        block_on(self.store.commit(&self.scope, &commit)).unwrap();
        self.before = Some(text);
        id
    }
    /// What a person finds who types this.
    pub fn hits(&self, typed: &str) -> Vec<Hit> {
        block_on(index::search(&self.store, &self.scope, &index::typed_query(typed), 50)).unwrap()
    }
    /// The texts of it.
    pub fn found(&self, typed: &str) -> Vec<String> {
        self.hits(typed).iter().map(|hit| hit.message.text()).collect()
    }
    /// What is recalled for this message.
    pub fn recalled(&self, text: &str) -> Vec<Passage> {
        block_on(index::recall(&self.store, &self.scope, &CommonTerms::default(), text, &BTreeSet::new(), 8))
            .unwrap()
    }
    /// The texts of it.
    pub fn recalled_texts(&self, text: &str) -> Vec<String> {
        self.recalled(text).into_iter().map(|passage| passage.text).collect()
    }
}
