//! A store on a server keeps every sentence of the storage traits that it declares: the same suites as a local one.
//!
//! The suites write by commits and move runs, which the API has no way for. So the store under test is made of two: what the
//! API serves goes over HTTP to a real server, everything else to the store beneath that server.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use async_trait::async_trait;
use duyetbot::{Duyetbot, SystemClock};
use duyetbot_client::{Address, Connection, PlainHttp, RemoteStore, Token};
use duyetbot_core::{
    Accounts, ApiToken, Asked, BlobRef, BlobStore, CallId, Capabilities, Change, Changes, Claim, Claimed,
    Commit, Committed, Counters, Decision, Erasing, Error, ErrorKind, Identity, Limits, MemoryStore, Message,
    MessageId, NewToken, NewUser, Operator, PageOf, PieceKey, Postings, Result, RunId, RunRow, RunState,
    RunStore, Save, Scope, Session, SessionFilter, SessionId, SessionStore, SettableClock, SignedIn, Storage,
    Swept, Term, Timestamp, TokenHash, TokenId, Usage, User, UserChange, UserCursor, UserStore,
};
use duyetbot_server::{
    Server, ServerSettings,
    http::{Authenticator, Credentials, Settings, Signed},
    listen,
};
use duyetbot_testkit::{Backend, conformance_tests};
use std::{
    collections::BTreeMap,
    future::Future,
    net::SocketAddr,
    ops::RangeInclusive,
    sync::{Arc, Mutex},
    time::Duration,
};

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// A token is `OWNER/ACTOR`.
struct Everybody;

#[async_trait]
impl Authenticator for Everybody {
    async fn sign_in(&self, credentials: &Credentials) -> Result<Signed> {
        let Credentials::Bearer(token) = credentials;
        let refused = || Error::new(ErrorKind::Unauthorized, "this token is not valid here");
        let (owner, actor) = token.split_once('/').ok_or_else(refused)?;
        Ok(Signed::whole(Scope::vouched(owner, actor)))
    }
    async fn user(&self, _scope: &Scope) -> Result<duyetbot_wire::User> {
        Err(Error::not_found("person"))
    }
    fn look_again(&self) -> Option<Duration> {
        None
    }
}

struct Remote(Arc<SettableClock>);

impl Remote {
    fn new() -> Self {
        Remote(Arc::new(SettableClock::new(Timestamp(0))))
    }
}

#[async_trait]
impl Backend for Remote {
    async fn open(&self) -> Arc<dyn Storage> {
        let beneath: Arc<dyn Storage> = Arc::new(MemoryStore::new(self.0.clone()));
        let bot = Duyetbot::builder().store(beneath.clone()).clock(self.0.clone()).open().await.unwrap();
        let api = Settings { rate: None, limits: Limits::NONE, ..Settings::default() };
        let server =
            Server::new(&bot, Arc::new(Everybody), ServerSettings { api, ..ServerSettings::default() });
        let listener = listen("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(server.run(listener, std::future::pending()));
        Arc::new(Through { beneath, address, stores: Mutex::default() })
    }

    fn clock(&self) -> Arc<SettableClock> {
        self.0.clone()
    }
}

struct Through {
    beneath: Arc<dyn Storage>,
    address: SocketAddr,
    stores: Mutex<BTreeMap<Scope, RemoteStore>>,
}

impl Through {
    fn over(&self, scope: &Scope) -> RemoteStore {
        let mut stores = self.stores.lock().unwrap();
        let made = stores.entry(scope.clone()).or_insert_with(|| {
            let address = Address::parse(&format!("http://{}", self.address), PlainHttp::Loopback).unwrap();
            let token = Token::from(format!("{}/{}", scope.owner(), scope.actor()));
            let settings = duyetbot_fetch::Settings::default();
            RemoteStore::new(Connection::vouched(
                address,
                token,
                scope.clone(),
                settings,
                Arc::new(SystemClock),
            ))
        });
        made.clone()
    }
}

#[async_trait]
impl SessionStore for Through {
    fn capabilities(&self) -> Capabilities {
        self.over(&Scope::vouched("ada", "ada")).capabilities()
    }
    async fn session(&self, scope: &Scope, id: SessionId) -> Result<Session> {
        self.over(scope).session(scope, id).await
    }
    async fn sessions(&self, scope: &Scope, filter: &SessionFilter) -> Result<PageOf<Session>> {
        self.over(scope).sessions(scope, filter).await
    }
    async fn sessions_by_prefix(&self, scope: &Scope, prefix: &str) -> Result<Vec<Session>> {
        self.over(scope).sessions_by_prefix(scope, prefix).await
    }
    async fn message(&self, scope: &Scope, session: SessionId, id: MessageId) -> Result<Message> {
        self.over(scope).message(scope, session, id).await
    }
    async fn path(
        &self,
        scope: &Scope,
        session: SessionId,
        tip: Option<MessageId>,
        limit: u32,
    ) -> Result<Vec<Message>> {
        self.over(scope).path(scope, session, tip, limit).await
    }
    async fn messages(
        &self,
        scope: &Scope,
        session: SessionId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Message>> {
        self.over(scope).messages(scope, session, after, limit).await
    }
    async fn set(&self, scope: &Scope, id: SessionId, change: &Change) -> Result<Session> {
        match self.over(scope).set(scope, id, change).await {
            Err(error) if error.kind() == ErrorKind::Unsupported => self.beneath.set(scope, id, change).await,
            answer => answer,
        }
    }
    async fn erase(&self, scope: &Scope, id: SessionId) -> Result<()> {
        self.over(scope).erase(scope, id).await
    }
    async fn commit(&self, scope: &Scope, commit: &Commit) -> Result<Committed> {
        self.beneath.commit(scope, commit).await
    }
    async fn changes(&self, scope: &Scope, after: u64, limit: u32) -> Result<Changes> {
        self.beneath.changes(scope, after, limit).await
    }
    async fn postings(
        &self,
        scope: &Scope,
        terms: &[Term],
        among: Option<&[PieceKey]>,
        limit: u32,
    ) -> Result<Vec<Postings>> {
        self.beneath.postings(scope, terms, among, limit).await
    }
    async fn messages_at(&self, scope: &Scope, seqs: &[u64]) -> Result<Vec<Message>> {
        self.beneath.messages_at(scope, seqs).await
    }
    async fn counters(&self, scope: &Scope) -> Result<Counters> {
        self.beneath.counters(scope).await
    }
}

#[async_trait]
impl BlobStore for Through {
    async fn put_blob_within(&self, scope: &Scope, bytes: &[u8], limits: Limits) -> Result<BlobRef> {
        // The limits of a served person are the server's, and a test sets them by the call.
        if limits == Limits::NONE {
            return self.over(scope).put_blob_within(scope, bytes, limits).await;
        }
        self.beneath.put_blob_within(scope, bytes, limits).await
    }
    async fn blob(&self, scope: &Scope, hash: &str) -> Result<Vec<u8>> {
        self.over(scope).blob(scope, hash).await
    }
}

/// A trait of which the API serves nothing.
macro_rules! beneath {
    ($trait:ident { $($name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)* }) => {
        #[async_trait]
        impl $trait for Through {
            $(async fn $name(&self, $($argument: $type),*) -> Result<$answer> {
                self.beneath.$name($($argument),*).await
            })*
        }
    };
}

beneath!(RunStore {
    run(scope: &Scope, run: RunId) -> RunRow;
    current(scope: &Scope, session: SessionId) -> Option<RunId>;
    spent_today(scope: &Scope) -> Usage;
    waiting(scope: &Scope, limit: u32) -> Vec<RunRow>;
    save(scope: &Scope, run: RunId, epoch: u64, save: &Save) -> Asked;
    decide(scope: &Scope, run: RunId, call: &CallId, decision: Decision) -> RunState;
    ask_stop(scope: &Scope, run: RunId) -> RunState;
    attend(scope: &Scope, run: RunId, during: Duration) -> ();
});

beneath!(Operator {
    probe() -> ();
    holders(places: &[String]) -> Vec<String>;
    claim(claim: &Claim) -> Option<Claimed>;
    sweep() -> Swept;
});

beneath!(UserStore {
    user(scope: &Scope) -> User;
    change_user(scope: &Scope, change: &UserChange) -> User;
    link(scope: &Scope, identity: &Identity) -> User;
    add_token(scope: &Scope, token: &NewToken) -> ApiToken;
    tokens(scope: &Scope) -> Vec<ApiToken>;
    revoke_token(scope: &Scope, id: TokenId) -> ();
    usage(scope: &Scope, days: RangeInclusive<i64>) -> Usage;
    erase_user(scope: &Scope) -> Erasing;
});

beneath!(Accounts {
    create_user(new: &NewUser) -> User;
    users(after: Option<&UserCursor>, limit: u32) -> Vec<User>;
    users_by_prefix(prefix: &str) -> Vec<User>;
    user_by_identity(identity: &Identity) -> Option<User>;
    user_by_email(email: &str) -> Option<User>;
    authenticate(hash: &TokenHash) -> SignedIn;
    note_use(hash: &TokenHash) -> ();
});

conformance_tests!(block_on = block_on, backend = Remote::new());
