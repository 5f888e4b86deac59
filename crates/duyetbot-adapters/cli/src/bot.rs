//! The agent that a command works with, wherever it is: in this process on its store, or on a server.
use duyetbot::client::{Connection, RemoteAgent, RemoteStore};
use duyetbot::{Duyetbot, SystemClock, Toolbox};
use duyetbot_core::{
    Agent, BlobStore, Clock, Limits, Result, RunId, Scope, SessionStore, Timestamp, redact::Redactor,
};
use std::sync::Arc;

/// An agent, its sessions and files, and whose they are. What is only here is asked for by [`Bot::local`].
pub(crate) struct Bot {
    agent: Arc<dyn Agent>,
    store: Arc<dyn SessionStore>,
    blobs: Arc<dyn BlobStore>,
    scope: Scope,
    redactor: Arc<Redactor>,
    side: Side,
}

enum Side {
    Here(Box<Duyetbot>),
    There(Connection),
}

impl Bot {
    /// In this process.
    pub(crate) fn here(bot: Duyetbot) -> Self {
        Bot {
            agent: Arc::new(bot.agent().clone()),
            store: bot.store().clone(),
            blobs: bot.store().clone(),
            scope: bot.scope().clone(),
            redactor: bot.agent().parts().redactor.clone(),
            side: Side::Here(Box::new(bot)),
        }
    }

    /// On a server. What is typed here is kept without these secrets.
    pub(crate) fn there(connection: Connection, redactor: Redactor) -> Self {
        let store = Arc::new(RemoteStore::new(connection.clone()));
        Bot {
            agent: Arc::new(RemoteAgent::new(connection.clone())),
            store: store.clone(),
            blobs: store,
            scope: connection.scope().clone(),
            redactor: Arc::new(redactor),
            side: Side::There(connection),
        }
    }

    pub(crate) fn agent(&self) -> &dyn Agent {
        &*self.agent
    }
    pub(crate) fn store(&self) -> &dyn SessionStore {
        &*self.store
    }
    pub(crate) fn blobs(&self) -> &dyn BlobStore {
        &*self.blobs
    }
    pub(crate) fn scope(&self) -> &Scope {
        &self.scope
    }
    pub(crate) fn redactor(&self) -> &Arc<Redactor> {
        &self.redactor
    }
    /// The agent of this process, where it is here.
    pub(crate) fn local(&self) -> Option<&Duyetbot> {
        match &self.side {
            Side::Here(bot) => Some(bot),
            Side::There(_) => None,
        }
    }
    /// The server, where it is there.
    pub(crate) fn server(&self) -> Option<&Connection> {
        match &self.side {
            Side::Here(_) => None,
            Side::There(connection) => Some(connection),
        }
    }
    /// The tools that work here.
    pub(crate) fn toolbox(&self) -> Option<&Toolbox> {
        self.local().and_then(Duyetbot::toolbox)
    }
    /// The present moment.
    pub(crate) fn now(&self) -> Timestamp {
        self.local().map_or_else(|| SystemClock.now(), Duyetbot::now)
    }
    /// What binds what the person adds; a server binds by its own.
    pub(crate) fn limits(&self) -> Limits {
        self.local().map_or(Limits::NONE, Duyetbot::limits)
    }
    /// Takes over what dead processes of this place left. A server does so by itself.
    pub(crate) async fn adopt_orphans(&self) -> Result<Vec<RunId>> {
        match self.local() {
            Some(bot) => bot.agent().adopt_orphans().await,
            None => Ok(Vec::new()),
        }
    }
    /// Erases for good what was erased or lay in the bin for its time. A server does so by itself.
    pub(crate) async fn sweep(&self) -> Result<()> {
        match self.local() {
            Some(bot) => bot.store().sweep().await.map(drop),
            None => Ok(()),
        }
    }
    /// Ends what is open.
    pub(crate) async fn close(&self) -> Result<()> {
        match self.local() {
            Some(bot) => bot.close().await,
            None => Ok(()),
        }
    }
}
