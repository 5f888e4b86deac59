//! What the router is made of.
use async_trait::async_trait;
use duyetbot_core::{
    Agent, BlobStore, Clock, Limits, Rate, RateLimiter, Result, RunStore, Tool, UserStore,
    redact::Redactor,
    run::{Guards, Policy, Slots, Spawner},
};
use std::{ops::Deref, sync::Arc, time::Duration};

use crate::{auth::Authenticator, drain::Drain, metrics::Metrics, standing::Standing};

/// What the router is made of. A handler holds no [`duyetbot_core::Operator`]: what has no scope is out of its reach.
#[derive(Clone)]
pub struct Parts {
    /// Starts, watches, decides and stops runs.
    pub agent: Arc<dyn Agent>,
    /// Sessions, messages and runs.
    pub store: Arc<dyn RunStore>,
    /// Files and pictures.
    pub blobs: Arc<dyn BlobStore>,
    /// Who calls.
    pub auth: Arc<dyn Authenticator>,
    /// The accounts of those who call; none where they have none.
    pub accounts: Option<Arc<dyn UserStore>>,
    /// Finishes what a request began.
    pub housekeeping: Arc<dyn Housekeeping>,
    /// Counts requests.
    pub rates: Arc<dyn RateLimiter>,
    /// Whether requests can be served.
    pub readiness: Arc<dyn Readiness>,
    /// The tools that a request may run by itself.
    pub tools: Vec<Arc<dyn Tool>>,
    /// Which of their calls run.
    pub policy: Arc<dyn Policy>,
    /// What is kept out of titles and answers of tools.
    pub redactor: Arc<Redactor>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Starts work that outlives its request.
    pub spawner: Arc<dyn Spawner>,
    /// Tells streams that the server is about to stop.
    pub drain: Drain,
    /// How the API behaves.
    pub settings: Settings,
}

/// Whether requests can be served.
#[async_trait]
pub trait Readiness: Send + Sync + 'static {
    /// Tries what every request needs: the storage.
    async fn ready(&self) -> Result<()>;
}

/// Finishes what a request began: with rights that no request has.
pub trait Housekeeping: Send + Sync + 'static {
    /// There is something to sweep.
    fn is_due(&self);
}

/// How the API behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What binds what a person adds.
    pub limits: Limits,
    /// What binds a run: what `users/me/usage` tells of a day.
    pub guards: Guards,
    /// How many requests a person may make.
    pub rate: Option<Rate>,
    /// How many tools of a person may run at once, each called by itself.
    pub runs_at_once: Option<u32>,
    /// Bytes that a JSON body may have.
    pub largest_body: usize,
    /// Bytes that a blob may have.
    pub largest_blob: usize,
    /// How long a body may bring nothing, and an answer that is no stream to be made.
    pub patience: Duration,
    /// How often a stream says that it lives.
    pub heartbeat: Duration,
    /// Who may read the metrics.
    pub metrics: MetricsAccess,
    /// The web pages elsewhere that may call, each an exact origin such as `https://app.example.org`.
    pub origins: Vec<String>,
}

/// Who may read the metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetricsAccess {
    /// Whoever reaches the address: on loopback.
    Open,
    /// Who has this token.
    Token(String),
    /// Nobody.
    Closed,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            limits: Limits::SERVED,
            guards: Guards::default(),
            rate: Some(Rate::per_minute(100)),
            runs_at_once: None,
            // The largest message, and room for its escapes.
            largest_body: 2 * duyetbot_core::run::LARGEST_MESSAGE,
            largest_blob: 25 * 1024 * 1024,
            patience: Duration::from_secs(30),
            heartbeat: Duration::from_secs(15),
            metrics: MetricsAccess::Closed,
            origins: Vec::new(),
        }
    }
}

/// The parts as handlers share them.
#[derive(Clone)]
pub(crate) struct Api(Arc<Shared>);

pub(crate) struct Shared {
    parts: Parts,
    pub(crate) metrics: Metrics,
    pub(crate) executing: Slots,
    standing: Standing,
}

impl Api {
    pub(crate) fn new(parts: Parts) -> Self {
        let (metrics, executing, standing) = (Metrics::default(), Slots::default(), Standing::default());
        Api(Arc::new(Shared { parts, metrics, executing, standing }))
    }
    pub(crate) fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }
    pub(crate) fn standing(&self) -> &Standing {
        &self.0.standing
    }
    pub(crate) fn executing(&self) -> &Slots {
        &self.0.executing
    }
}

impl Deref for Api {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0.parts
    }
}
