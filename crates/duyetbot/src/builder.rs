//! Sets an agent up: storage by URL, models, tools, and how it behaves.
use duyetbot_core::{
    Clock, Error, MemoryStore, Models, Result, Scope, Storage, Tool,
    redact::Redactor,
    run::{LocalAgent, Parts, Policy, Presence, Settings, ToolPolicy},
};
use std::{path::PathBuf, sync::Arc};

#[cfg(feature = "clients")]
use crate::catalog::{Catalog, ModelSettings};
#[cfg(feature = "tools")]
use crate::toolbox::{ToolSettings, Toolbox};
use crate::{
    bot::Duyetbot,
    native::{SystemClock, ThisProcess, TokioSpawner},
};

/// Sets a [`Duyetbot`] up.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> duyetbot::core::Result<()> {
/// let bot = duyetbot::Duyetbot::builder().storage("memory:").secret("hunter2-the-long-one").open().await?;
/// bot.ask("hello").await?;
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct Builder {
    storage: String,
    store: Option<Arc<dyn Storage>>,
    models: Option<Arc<dyn Models>>,
    #[cfg(feature = "clients")]
    model_settings: ModelSettings,
    tools: Vec<Arc<dyn Tool>>,
    #[cfg(feature = "tools")]
    built_in: Option<ToolSettings>,
    policy: Option<Arc<dyn Policy>>,
    presence: Presence,
    behaviour: Settings,
    scope: Scope,
    secrets: Vec<String>,
    clock: Arc<dyn Clock>,
}

impl Default for Builder {
    fn default() -> Self {
        Builder {
            storage: "memory:".to_owned(),
            store: None,
            models: None,
            #[cfg(feature = "clients")]
            model_settings: ModelSettings::default(),
            tools: Vec::new(),
            #[cfg(feature = "tools")]
            built_in: None,
            policy: None,
            presence: Presence::Person,
            behaviour: Settings::default(),
            scope: Scope::vouched("local", "local"),
            secrets: Vec::new(),
            clock: Arc::new(SystemClock),
        }
    }
}

impl Builder {
    /// Where sessions are kept: `memory:` or `sqlite:PATH`.
    pub fn storage(mut self, url: &str) -> Self {
        url.clone_into(&mut self.storage);
        self
    }
    /// A store of your own in the place of a URL.
    pub fn store(mut self, store: Arc<dyn Storage>) -> Self {
        self.store = Some(store);
        self
    }
    /// What decides which model answers, and with which keys.
    #[cfg(feature = "clients")]
    pub fn models(mut self, settings: ModelSettings) -> Self {
        self.model_settings = settings;
        self
    }
    /// A model of your own, for every turn.
    pub fn model(self, model: Arc<dyn duyetbot_core::ChatModel>) -> Self {
        self.catalog(Arc::new(duyetbot_core::OneModel(model)))
    }
    /// Models of your own, by name.
    pub fn catalog(mut self, models: Arc<dyn Models>) -> Self {
        self.models = Some(models);
        self
    }
    /// The built-in tools in this directory. What is free in it runs, everything else asks.
    #[cfg(feature = "tools")]
    pub fn workspace(self, path: impl Into<PathBuf>) -> Self {
        self.tools(ToolSettings::new(path))
    }
    /// The built-in tools, made and judged as these settings say.
    #[cfg(feature = "tools")]
    pub fn tools(mut self, settings: ToolSettings) -> Self {
        self.built_in = Some(settings);
        self
    }
    /// One more tool.
    pub fn tool(mut self, tool: Arc<dyn Tool>) -> Self {
        self.tools.push(tool);
        self
    }
    /// Which calls run, ask, or are refused. Without it the tools say themselves.
    pub fn policy(mut self, policy: Arc<dyn Policy>) -> Self {
        self.policy = Some(policy);
        self
    }
    /// Whether a person is there to decide.
    pub fn presence(mut self, presence: Presence) -> Self {
        self.presence = presence;
        self
    }
    /// How the agent behaves: instructions, limits, guards.
    pub fn behaviour(mut self, settings: Settings) -> Self {
        self.behaviour = settings;
        self
    }
    /// Whose agent it is. The application vouches for the person.
    pub fn scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }
    /// A value that is never stored, shown or sent to a model. At least eight characters.
    pub fn secret(mut self, value: &str) -> Self {
        self.secrets.push(value.to_owned());
        self
    }
    /// Another clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Opens the storage and makes the agent.
    pub async fn open(mut self) -> Result<Duyetbot> {
        let (store, closing) = match self.store.take() {
            Some(store) => (store, None),
            None => open_storage(&self.storage, &self.clock).await?,
        };
        #[cfg(feature = "clients")]
        self.secrets.extend(self.model_settings.secrets());
        let models: Arc<dyn Models> = match self.models {
            Some(models) => models,
            #[cfg(feature = "clients")]
            None => Arc::new(Catalog::new(self.model_settings)),
            #[cfg(not(feature = "clients"))]
            None => Arc::new(duyetbot_core::OneModel(Arc::new(crate::recall::RecallModel::new()))),
        };
        #[cfg(feature = "tools")]
        let toolbox = match self.built_in.take() {
            Some(mut settings) => {
                settings.with.redactor = Redactor::new(&self.secrets);
                Some(Toolbox::open(settings, store.clone(), &self.tools, self.presence)?)
            }
            None => None,
        };
        #[cfg(feature = "tools")]
        if let Some(toolbox) = &toolbox {
            self.tools = toolbox.tools().to_vec();
            let policy = || Arc::new(toolbox.clone()) as Arc<dyn Policy>;
            self.policy = self.policy.or_else(|| Some(policy()));
        }
        let policy = match self.policy {
            Some(policy) => policy,
            None => Arc::new(ToolPolicy::new(&self.tools, self.presence)),
        };
        let limits = self.behaviour.limits;
        let parts = Parts {
            store: store.clone(),
            models,
            tools: self.tools,
            policy,
            redactor: Arc::new(Redactor::new(&self.secrets)),
            clock: self.clock,
            spawner: Arc::new(TokioSpawner),
            host: Arc::new(ThisProcess::new()),
        };
        Ok(Duyetbot {
            agent: LocalAgent::new(parts, self.behaviour),
            store,
            scope: self.scope,
            limits,
            closing,
            #[cfg(feature = "tools")]
            toolbox,
        })
    }
}

/// What has to be closed of a storage.
#[derive(Clone)]
pub(crate) enum Closing {
    #[cfg(feature = "sqlite")]
    Sqlite(Arc<duyetbot_storage_sqlite::SqliteStore>),
    #[cfg(not(feature = "sqlite"))]
    #[allow(dead_code)]
    Nothing,
}

impl Closing {
    pub(crate) async fn close(&self) -> Result<()> {
        match self {
            #[cfg(feature = "sqlite")]
            Closing::Sqlite(store) => store.close().await,
            #[cfg(not(feature = "sqlite"))]
            Closing::Nothing => Ok(()),
        }
    }
}

/// The file that a storage's URL names; none for `memory:`.
///
/// ```
/// assert_eq!(duyetbot::storage_file("sqlite:talk.db")?, Some("talk.db".into()));
/// assert_eq!(duyetbot::storage_file("memory:")?, None);
/// assert!(duyetbot::storage_file("elsewhere:talk").is_err());
/// # Ok::<(), duyetbot::core::Error>(())
/// ```
///
/// # Errors
///
/// `Invalid` where it is no URL of a storage.
pub fn storage_file(url: &str) -> Result<Option<PathBuf>> {
    if url == "memory:" {
        return Ok(None);
    }
    match url.strip_prefix("sqlite:").map(|path| path.trim_start_matches("//")) {
        Some("") => Err(Error::invalid("sqlite: needs a path, such as sqlite:talk.db")),
        Some(path) => Ok(Some(path.into())),
        None => Err(Error::invalid(format!("there is no storage {url:?}; use sqlite:PATH or memory:"))),
    }
}

async fn open_storage(url: &str, clock: &Arc<dyn Clock>) -> Result<(Arc<dyn Storage>, Option<Closing>)> {
    match storage_file(url)? {
        Some(path) => open_sqlite(path, clock).await,
        None => Ok((Arc::new(MemoryStore::new(clock.clone())), None)),
    }
}

#[cfg(feature = "sqlite")]
async fn open_sqlite(path: PathBuf, clock: &Arc<dyn Clock>) -> Result<(Arc<dyn Storage>, Option<Closing>)> {
    let config = duyetbot_storage_sqlite::SqliteConfig::new(path, clock.clone());
    let store = Arc::new(duyetbot_storage_sqlite::SqliteStore::open(config).await?);
    Ok((store.clone(), Some(Closing::Sqlite(store))))
}

#[cfg(not(feature = "sqlite"))]
async fn open_sqlite(_path: PathBuf, _clock: &Arc<dyn Clock>) -> Result<(Arc<dyn Storage>, Option<Closing>)> {
    Err(Error::invalid("this build has no SQLite; add the feature `sqlite` or use memory:"))
}
