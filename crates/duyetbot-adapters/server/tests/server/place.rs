//! A server in this process with two people, Ada and Bob, and what a test wants to set of it.
use async_trait::async_trait;
use duyetbot::{
    Builder, Duyetbot, ToolSettings,
    core::{
        ApiSecret, Approval, Clock, Error, ErrorKind, Identity, Limits, NewToken, NewUser, Permission,
        Result, Scope, Storage, Tool, ToolContext, ToolResult, ToolSpec, UserId,
        run::{Settings as Behaviour, Successor},
    },
};
use duyetbot_server::{
    Server, ServerSettings,
    http::{Authenticator, Credentials, JwtKey, JwtVerifier, MetricsAccess, Settings, Signed},
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
    ada: &'static str,
    bob: &'static str,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<Result<()>>,
}

/// What a test sets.
pub struct Wishes {
    pub storage: String,
    /// In the place of a storage's URL.
    pub store: Option<Arc<dyn Storage>>,
    pub clock: Option<Arc<dyn Clock>>,
    pub api: Settings,
    pub drain: Duration,
    /// How long the head of a request may take.
    pub head: Duration,
    pub tools: bool,
    pub runs_at_once: Option<u32>,
    /// The built-in tools.
    pub built_in: Option<ToolSettings>,
    pub people: People,
}

/// Who Ada and Bob are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum People {
    /// Two whom a test vouches for.
    Vouched,
    /// Two of the storage, with a token each.
    Members,
}

/// What logins are signed with, where there are members.
pub const SECRET: &str = "a secret of tests, which is long enough";
/// The secret before.
pub const PREVIOUS: &str = "a secret of tests, from the time before it";

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
            store: None,
            clock: None,
            api,
            drain: Duration::from_secs(5),
            head: ServerSettings::default().head,
            tools: false,
            runs_at_once: None,
            built_in: None,
            people: People::Vouched,
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
    if let Some(store) = wishes.store.take() {
        builder = builder.store(store);
    }
    if let Some(clock) = wishes.clock.take() {
        builder = builder.clock(clock);
    }
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
        let Wishes { api, drain, head, .. } = wishes;
        let settings = ServerSettings { api, drain, head, ..ServerSettings::default() };
        let (server, [ada, bob]) = match wishes.people {
            People::Vouched => (Server::new(&bot, Arc::new(TwoPeople), settings), ["ada-token", "bob-token"]),
            People::Members => {
                let [key, previous] = [SECRET, PREVIOUS].map(|secret| JwtKey::new(secret).unwrap());
                let jwt = JwtVerifier::new(key).with_previous(previous);
                let tokens = [member(&bot, "ada").await, member(&bot, "bob").await];
                (Server::of_members(&bot, jwt, settings), tokens)
            }
        };
        let served = tokio::spawn(server.run(listener, async {
            let _ = stopped.await;
        }));
        Place { address, bot, model, gate, ada, bob, stop: Some(stop), served }
    }

    /// With two people of the storage.
    pub async fn of_members() -> Self {
        Place::with(Wishes { people: People::Members, ..Wishes::default() }).await
    }

    pub fn ada(&self) -> Client {
        Client { address: self.address, token: Some(self.ada) }
    }
    pub fn bob(&self) -> Client {
        Client { address: self.address, token: Some(self.bob) }
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

/// The id of a member.
pub fn id(name: &str) -> UserId {
    format!("test:{name}").parse().unwrap()
}

/// Adds a member, and answers a token of theirs.
async fn member(bot: &Duyetbot, name: &str) -> &'static str {
    let identity = Some(Identity { provider: "test".into(), subject: name.into() });
    let email = Some(format!("{name}@example.org"));
    let new = NewUser { id: id(name), email, name: None, picture: None, identity };
    bot.store().create_user(&new).await.unwrap();
    token(bot, name, Permission::ALL).await
}

/// A token of a member's that may do this.
pub async fn token<const N: usize>(bot: &Duyetbot, name: &str, permissions: [Permission; N]) -> &'static str {
    let secret = ApiSecret::random().unwrap();
    let new = NewToken { permissions: permissions.into(), ..NewToken::full("a test", &secret) };
    bot.store().add_token(&id(name).scope(), &new).await.unwrap();
    // Clients are many and live as long as their test.
    secret.expose().to_owned().leak()
}

struct TwoPeople;

#[async_trait]
impl Authenticator for TwoPeople {
    async fn sign_in(&self, credentials: &Credentials) -> Result<Signed> {
        let Credentials::Bearer(token) = credentials;
        match token.as_str() {
            "ada-token" => Ok(Signed::whole(scope("ada"))),
            "bob-token" => Ok(Signed::whole(scope("bob"))),
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

    fn look_again(&self) -> Option<Duration> {
        None
    }
}
