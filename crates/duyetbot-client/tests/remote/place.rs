//! A server in this process, an agent that reaches it, and what a watcher holds of a run.
use async_trait::async_trait;
use duyetbot::{
    Duyetbot, SystemClock,
    core::{
        Approval, CallId, Error, ErrorKind, Event, Limits, MessageId, Rate, Result, RunState, Scope, Tool,
        ToolContext, ToolResult, ToolSpec, ToolStatus, Usage, Watched,
        run::{Settings as Behaviour, Successor},
    },
};
use duyetbot_client::{Address, Connection, PlainHttp, RemoteAgent, RemoteStore, Token};
use duyetbot_server::{
    Server, ServerSettings,
    http::{Authenticator, Credentials, Settings, Signed},
    listen,
};
use duyetbot_testkit::SpokenModel;
use duyetbot_wire::User;
use futures::{StreamExt, stream::BoxStream};
use serde_json::json;
use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};
use tokio::time::timeout;

/// Nothing that is waited for takes longer, unless it never comes.
pub const DEADLINE: Duration = Duration::from_secs(30);
pub const TOKEN: &str = "ada-token-1";

pub struct Place {
    pub address: SocketAddr,
    pub bot: Duyetbot,
    pub model: Arc<SpokenModel>,
}

impl Place {
    pub async fn new() -> Self {
        Place::with("memory:", None).await
    }

    /// A server of this storage, which lets a person make so many requests.
    pub async fn with(storage: &str, rate: Option<Rate>) -> Self {
        let listener = listen("127.0.0.1:0").await.unwrap();
        Place::on(listener, storage, rate).await
    }

    pub async fn on(listener: tokio::net::TcpListener, storage: &str, rate: Option<Rate>) -> Self {
        let model = SpokenModel::new();
        let behaviour =
            Behaviour { place: "server".to_owned(), successor: Successor::GoesOn, ..Behaviour::default() };
        let bot = Duyetbot::builder()
            .storage(storage)
            .model(model.clone())
            .behaviour(behaviour)
            .tool(tool("look", Approval::Free))
            .tool(tool("open", Approval::Ask))
            .open()
            .await
            .unwrap();
        let address = listener.local_addr().unwrap();
        let api = Settings { rate, limits: Limits::NONE, ..Settings::default() };
        let settings = ServerSettings { api, ..ServerSettings::default() };
        let server = Server::new(&bot, Arc::new(TwoPeople), settings);
        tokio::spawn(server.run(listener, std::future::pending()));
        Place { address, bot, model }
    }

    pub fn agent(&self) -> RemoteAgent {
        RemoteAgent::new(connection(self.address, TOKEN))
    }
    pub fn store(&self) -> RemoteStore {
        RemoteStore::new(connection(self.address, TOKEN))
    }
}

pub fn ada() -> Scope {
    Scope::vouched("ada", "ada")
}

pub fn connection(address: SocketAddr, token: &str) -> Connection {
    let address = Address::parse(&format!("http://{address}"), PlainHttp::Loopback).unwrap();
    let settings = duyetbot_fetch::Settings::default();
    Connection::vouched(address, Token::from(token.to_owned()), ada(), settings, Arc::new(SystemClock))
}

fn tool(name: &str, approval: Approval) -> Arc<dyn Tool> {
    let input = json!({"type": "object", "properties": {}});
    let spec =
        ToolSpec { name: name.to_owned(), description: "A tool of tests.".to_owned(), input, approval };
    Arc::new(Echo { spec })
}

/// Answers its input; writes a file and never ends where that asks for it.
struct Echo {
    spec: ToolSpec,
}

#[async_trait]
impl Tool for Echo {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }
    async fn call(&self, _context: &ToolContext, input: &str) -> ToolResult {
        let given: serde_json::Value = serde_json::from_str(input).unwrap();
        if let Some(file) = given["hang"].as_str() {
            std::fs::write(file, "").unwrap();
            std::future::pending::<()>().await;
        }
        ToolResult::success(format!("{} {input}", self.spec.name))
    }
}

pub struct TwoPeople;

#[async_trait]
impl Authenticator for TwoPeople {
    async fn sign_in(&self, credentials: &Credentials) -> Result<Signed> {
        let Credentials::Bearer(token) = credentials;
        match token.as_str() {
            TOKEN => Ok(Signed::whole(ada())),
            "bob-token-1" => Ok(Signed::whole(Scope::vouched("bob", "bob"))),
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

/// How a run ended, as its watcher was told.
pub type Ending = std::result::Result<(RunState, Usage, Option<MessageId>), (RunState, ErrorKind)>;

/// What a watcher holds of a run: its messages, its calls in their order, and how it ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Held {
    pub named: u32,
    /// Id, words, reasoning.
    pub messages: Vec<(MessageId, String, String)>,
    pub calls: BTreeMap<CallId, (String, Option<(ToolStatus, String)>)>,
    pub order: Vec<CallId>,
    pub edges: Vec<u32>,
    pub ending: Option<Ending>,
}

impl Held {
    pub fn take(&mut self, (position, event): Watched) {
        match event {
            Event::Run { .. } => self.named += 1,
            Event::Begin { message } => {
                self.messages.retain(|(id, ..)| *id != message);
                self.messages.push((message, String::new(), String::new()));
            }
            Event::Content { offset, text } => write(&mut self.messages.last_mut().unwrap().1, offset, &text),
            Event::Reasoning { offset, text } => {
                write(&mut self.messages.last_mut().unwrap().2, offset, &text)
            }
            Event::Tool { call, tool, input } => {
                if !self.order.contains(&call) {
                    self.order.push(call.clone());
                }
                self.calls.insert(call, (format!("{tool} {input}"), None));
            }
            Event::ToolResult { call, status, output, .. } => {
                self.calls.get_mut(&call).unwrap().1 = Some((status, output));
            }
            Event::Message { .. } => {}
            Event::Done { state, usage, message } => self.ending = Some(Ok((state, usage, message))),
            Event::Error { state, error } => self.ending = Some(Err((state, error.kind()))),
            _ => {}
        }
        self.edges.extend(position);
    }
    pub fn words(&self) -> String {
        self.messages.iter().map(|(_, words, _)| words.as_str()).collect()
    }
}

fn write(held: &mut String, offset: usize, text: &str) {
    let mut kept: String = held.chars().take(offset).collect();
    kept.push_str(text);
    *held = kept;
}

/// Everything to the end.
pub async fn whole(events: BoxStream<'static, Watched>) -> Held {
    let mut held = Held::default();
    rest(&mut held, events).await;
    held
}

/// The same after what is held.
pub async fn rest(held: &mut Held, mut events: BoxStream<'static, Watched>) {
    while let Some(event) = timeout(DEADLINE, events.next()).await.expect("nothing comes any more") {
        held.take(event);
    }
}

/// Reads until an event fits.
pub async fn until(events: &mut BoxStream<'static, Watched>, held: &mut Held, fits: impl Fn(&Event) -> bool) {
    loop {
        let next = timeout(DEADLINE, events.next()).await.expect("nothing comes any more");
        let event = next.expect("the stream ended before");
        let found = fits(&event.1);
        held.take(event);
        if found {
            return;
        }
    }
}
