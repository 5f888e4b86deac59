//! What an agent is made of, shared by its runs.
use futures::future::BoxFuture;
use std::sync::Arc;

use super::{checkpoint::Guards, effects::Successor, policy::Policy};
use crate::{
    limits::Limits,
    model::Models,
    redact::Redactor,
    store::{Clock, Storage},
    tool::Tool,
};

/// Starts work that outlives its caller.
pub trait Spawner: Send + Sync + 'static {
    /// Runs this to its end.
    fn spawn(&self, work: BoxFuture<'static, ()>);
}

/// The process that the agent runs in.
pub trait Host: Send + Sync + 'static {
    /// Names this process, so that another can see whether it still lives.
    fn holder(&self) -> String;
    /// Is the process of this name known to be dead? `false` where that cannot be known.
    fn is_gone(&self, holder: &str) -> bool;
}

/// A process that cannot tell whether another lives: leases decide.
pub struct AnyHost(pub String);

impl Host for AnyHost {
    fn holder(&self) -> String {
        self.0.clone()
    }
    fn is_gone(&self, _holder: &str) -> bool {
        false
    }
}

/// Whether recall is put before the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recall {
    /// What fits the person's message is put before the model.
    On,
    /// The model sees the session alone.
    Off,
}

/// How an agent behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who the model is, and standing instructions.
    pub system: String,
    /// Where this agent's tools run, as `host:/workspace`; it goes on with runs of this place only.
    pub place: String,
    /// What it does with runs that a dead process of its place left.
    pub successor: Successor,
    /// What binds a person's message.
    pub limits: Limits,
    /// What binds a run.
    pub guards: Guards,
    /// How many runs of an owner may go on at once in this process; those that wait for a person do not count.
    pub runs_at_once: Option<u32>,
    /// Whether recall is put before the model.
    pub recall: Recall,
    /// The model's window in tokens, where another is wanted than what is known of it.
    pub context_tokens: Option<u32>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            system: "You are duyetbot, a personal agent with a memory of everything that was said before. \
                     Answer plainly and exactly."
                .to_owned(),
            place: "local".to_owned(),
            successor: Successor::GoesOn,
            limits: Limits::NONE,
            guards: Guards::default(),
            runs_at_once: None,
            recall: Recall::On,
            context_tokens: None,
        }
    }
}

/// What an agent is made of.
#[derive(Clone)]
pub struct Parts {
    /// Where everything durable lies.
    pub store: Arc<dyn Storage>,
    /// The models.
    pub models: Arc<dyn Models>,
    /// The tools.
    pub tools: Vec<Arc<dyn Tool>>,
    /// Which calls run.
    pub policy: Arc<dyn Policy>,
    /// What is kept out of storage, logs and streams.
    pub redactor: Arc<Redactor>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How work is started.
    pub spawner: Arc<dyn Spawner>,
    /// This process.
    pub host: Arc<dyn Host>,
}
