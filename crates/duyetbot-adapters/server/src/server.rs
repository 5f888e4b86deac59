//! The API of an agent, on a listener, until it is told to stop.
use async_trait::async_trait;
use axum::Router;
use duyetbot::Duyetbot;
use duyetbot_core::{Clock, MemoryRates, Result, Storage, UserStore, run::LocalAgent};
use duyetbot_http::{Authenticator, Drain, JwtVerifier, Members, Parts, Readiness, Settings, router};
use std::{future::Future, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::Mutex};
use tower_http::compression::CompressionLayer;

use crate::{
    connections::serve,
    housekeeping::Sweep,
    takeover::{adopt, keep_adopting},
};

/// How a server behaves.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// How the API behaves.
    pub api: Settings,
    /// How long connections have to end after the server is told to stop.
    pub drain: Duration,
    /// How long the head of a request may take to arrive.
    pub head: Duration,
    /// Connections at once; more wait.
    pub connections: usize,
}

impl Default for ServerSettings {
    fn default() -> Self {
        ServerSettings {
            api: Settings::default(),
            drain: Duration::from_secs(10),
            head: Duration::from_secs(15),
            connections: 20_000,
        }
    }
}

/// The API of an agent.
pub struct Server {
    agent: LocalAgent,
    router: Router,
    drain: Drain,
    sweep: Sweep,
    settings: ServerSettings,
}

impl Server {
    /// The API of this agent, for those whom the authenticator knows. They have no accounts that it could show or change.
    pub fn new(bot: &Duyetbot, auth: Arc<dyn Authenticator>, settings: ServerSettings) -> Self {
        Server::made_of(bot, auth, None, settings)
    }

    /// The API of this agent for the people of its storage: by their API tokens, and by what this verifies.
    pub fn of_members(bot: &Duyetbot, jwt: JwtVerifier, settings: ServerSettings) -> Self {
        let (store, own) = (bot.store().clone(), bot.agent().parts());
        let members = Members::new(store.clone(), jwt, own.clock.clone(), own.spawner.clone());
        Server::made_of(bot, Arc::new(members), Some(store), settings)
    }

    fn made_of(
        bot: &Duyetbot,
        auth: Arc<dyn Authenticator>,
        accounts: Option<Arc<dyn UserStore>>,
        settings: ServerSettings,
    ) -> Self {
        let (agent, store) = (bot.agent().clone(), bot.store().clone());
        let (drain, sweep) = (Drain::default(), Sweep::default());
        let own = agent.parts();
        let parts = Parts {
            agent: Arc::new(agent.clone()),
            store: store.clone(),
            blobs: store.clone(),
            auth,
            accounts,
            housekeeping: Arc::new(sweep.clone()),
            rates: Arc::new(MemoryRates::new(own.clock.clone())),
            readiness: Arc::new(Probe::new(store, own.clock.clone())),
            tools: own.tools.clone(),
            policy: own.policy.clone(),
            redactor: own.redactor.clone(),
            clock: own.clock.clone(),
            spawner: own.spawner.clone(),
            drain: drain.clone(),
            settings: settings.api.clone(),
        };
        // Event streams are left alone by the layer: a compressor would hold their events back.
        let router = router(parts).layer(CompressionLayer::new());
        Server { agent, router, drain, sweep, settings }
    }

    /// Serves until `stop` ends, then lets connections end. Runs go on: their next process takes them over.
    pub async fn run(self, listener: TcpListener, stop: impl Future<Output = ()>) -> Result<()> {
        adopt(&self.agent).await;
        let adopting = tokio::spawn(keep_adopting(self.agent.clone()));
        let sweeping = tokio::spawn(self.sweep.keep_sweeping(self.agent.parts().store.clone()));
        let served = serve(listener, self.router, &self.settings, &self.drain, stop).await;
        adopting.abort();
        sweeping.abort();
        served
    }
}

/// How long an answer of the storage counts: many who ask are one question.
const FRESH: Duration = Duration::from_secs(1);

/// Asks the storage whether it takes writes.
struct Probe {
    store: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
    last: Mutex<Option<(i64, Result<()>)>>,
}

impl Probe {
    fn new(store: Arc<dyn Storage>, clock: Arc<dyn Clock>) -> Self {
        Probe { store, clock, last: Mutex::default() }
    }
}

#[async_trait]
impl Readiness for Probe {
    async fn ready(&self) -> Result<()> {
        let mut last = self.last.lock().await;
        let now = self.clock.now().0;
        let fresh = |at: i64| now.saturating_sub(at).unsigned_abs() < FRESH.as_millis() as u64;
        if let Some((at, found)) = &*last
            && fresh(*at)
        {
            return found.clone();
        }
        let found = self.store.probe().await;
        *last = Some((now, found.clone()));
        found
    }
}
