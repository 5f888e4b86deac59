//! A server in this process with two people, Ada and Bob, and what a test wants to set of it.
use async_trait::async_trait;
use duyetbot::{
    Builder, Duyetbot, ToolSettings,
    core::{
        Approval, Error, ErrorKind, Limits, Result, Scope, Tool, ToolContext, ToolResult, ToolSpec,
        run::{Settings as Behaviour, Successor},
    },
};
use duyetbot_server::{
    Server, ServerSettings,
    http::{Authenticator, Credentials, MetricsAccess, Settings},
    listen,
};
use duyetbot_testkit::SpokenModel;
use duyetbot_wire::User;
use serde_json::json;
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    sync::{oneshot, watch},
    task::JoinHandle,
};

use crate::{client::Client, model::Gate};

pub struct Place {
    pub address: SocketAddr,
    pub bot: Duyetbot,
    pub model: Arc<SpokenModel>,
    /// Runs begin while it is open.
    pub gate: watch::Sender<bool>,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<Result<()>>,
}

/// What a test sets.
pub struct Wishes {
    pub storage: String,
    pub api: Settings,
    pub drain: Duration,
    pub tools: bool,
    pub runs_at_once: Option<u32>,
    /// The built-in tools.
    pub built_in: Option<ToolSettings>,
}

impl Default for Wishes {
    fn default() -> Self {
        let api = Settings {
            rate: None,
            limits: Limits::NONE,
            metrics: MetricsAccess::Open,
            ..Settings::default()
        };
        Wishes {
            storage: "memory:".to_owned(),
            api,
            drain: Duration::from_secs(5),
            tools: false,
            runs_at_once: None,
            built_in: None,
        }
    }
}

fn builder(wishes: &mut Wishes, models: Gate) -> Builder {
    let behaviour = Behaviour {
        place: "server".to_owned(),
        successor: Successor::GoesOn,
        limits: wishes.api.limits,
        runs_at_once: wishes.runs_at_once,
        ..Behaviour::default()
    };
    let mut builder =
        Duyetbot::builder().storage(&wishes.storage).catalog(Arc::new(models)).behaviour(behaviour);
    if let Some(settings) = wishes.built_in.take() {
        builder = builder.tools(settings);
    }
    if wishes.tools {
        builder = builder.tool(tool("look", Approval::Free)).tool(tool("open", Approval::Ask));
    }
    builder
}

fn tool(name: &str, approval: Approval) -> Arc<dyn Tool> {
    let input = json!({"type": "object", "properties": {}});
    let spec =
        ToolSpec { name: name.to_owned(), description: "A tool of tests.".to_owned(), input, approval };
    Arc::new(Echo { spec })
}

/// Answers its input, and panics, or writes a file and never ends, where that asks for it.
struct Echo {
    spec: ToolSpec,
}

#[async_trait]
impl Tool for Echo {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }
    async fn call(&self, _context: &ToolContext, input: &str) -> ToolResult {
        assert!(!input.contains("panic"), "as it was asked to");
        let given: serde_json::Value = serde_json::from_str(input).unwrap();
        if let Some(file) = given["hang"].as_str() {
            std::fs::write(file, "").unwrap();
            std::future::pending::<()>().await;
        }
        ToolResult::success(format!("{} {input}", self.spec.name))
    }
}

impl Place {
    pub async fn new() -> Self {
        Place::with(Wishes::default()).await
    }

    pub async fn with(mut wishes: Wishes) -> Self {
        let model = SpokenModel::new();
        let gate = watch::Sender::new(true);
        let models = Gate { model: model.clone(), open: gate.subscribe() };
        let bot = builder(&mut wishes, models).open().await.unwrap();
        let listener = listen("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let settings = ServerSettings { api: wishes.api, drain: wishes.drain, ..ServerSettings::default() };
        let server = Server::new(&bot, Arc::new(TwoPeople), settings);
        let served = tokio::spawn(server.run(listener, async {
            let _ = stopped.await;
        }));
        Place { address, bot, model, gate, stop: Some(stop), served }
    }

    pub fn ada(&self) -> Client {
        Client { address: self.address, token: Some("ada-token") }
    }
    pub fn bob(&self) -> Client {
        Client { address: self.address, token: Some("bob-token") }
    }
    pub fn nobody(&self) -> Client {
        Client { address: self.address, token: None }
    }
    /// Tells the server to stop.
    pub fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }
    /// Waits until the server has stopped.
    pub async fn stopped(self) {
        self.served.await.unwrap().unwrap();
    }
}

pub fn scope(of: &str) -> Scope {
    Scope::vouched(of, of)
}

struct TwoPeople;

#[async_trait]
impl Authenticator for TwoPeople {
    async fn scope(&self, credentials: &Credentials) -> Result<Scope> {
        let Credentials::Bearer(token) = credentials;
        match token.as_str() {
            "ada-token" => Ok(scope("ada")),
            "bob-token" => Ok(scope("bob")),
            _ => Err(Error::new(ErrorKind::Unauthorized, "this token is not valid here")),
        }
    }
    async fn user(&self, scope: &Scope) -> Result<User> {
        Ok(User {
            id: scope.actor().to_owned(),
            email: None,
            name: None,
            picture: None,
            provider: "test".to_owned(),
            settings: serde_json::Map::new(),
            created_at: "2026-01-01T00:00:00.000Z".to_owned(),
        })
    }
}
