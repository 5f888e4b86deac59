//! A server as one person reaches it.
use duyetbot_core::{Clock, Error, ErrorKind, Result, Scope, redact::Redactor};
use duyetbot_fetch::{Call, Client, Settings};
use duyetbot_wire::{UsageOverview, User};
use std::{fmt, sync::Arc, time::Duration};

use crate::{address::Address, token::Token};

/// A stream says every 15 s that it lives; after this long it does not.
const SILENCE: Duration = Duration::from_secs(45);

/// A server, and who asks it. Cheap to clone; nothing is sent before it is used.
#[derive(Clone)]
pub struct Connection(Arc<Parts>);

struct Parts {
    address: Address,
    token: Token,
    scope: Scope,
    client: Client,
    clock: Arc<dyn Clock>,
}

impl Connection {
    /// Asks the server whose token this is, and connects as that person. How calls go out, by which proxies and
    /// certificates, the settings say.
    pub async fn open(
        address: Address,
        token: Token,
        settings: Settings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let nobody = Scope::vouched("", "");
        let unknown = Connection::vouched(address, token, nobody, settings, clock);
        let id = unknown.me().await?.id;
        let (address, token) = (unknown.address().clone(), unknown.token().clone());
        let (client, clock) = (unknown.client().clone(), unknown.0.clock.clone());
        // The server has authenticated the token: this is whose it is.
        let scope = Scope::stored(id.clone(), id);
        Ok(Connection(Arc::new(Parts { address, token, scope, client, clock })))
    }

    /// The connection of a token whose person is known: the application vouches for the scope. The server judges by the
    /// token alone.
    pub fn vouched(
        address: Address,
        token: Token,
        scope: Scope,
        settings: Settings,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let client = Client::new(Settings { idle_timeout: SILENCE, ..settings });
        Connection(Arc::new(Parts { address, token, scope, client, clock }))
    }

    /// Where the server is.
    pub fn address(&self) -> &Address {
        &self.0.address
    }

    /// Whose token it is.
    pub fn scope(&self) -> &Scope {
        &self.0.scope
    }

    /// The person that the token signs in.
    pub async fn me(&self) -> Result<User> {
        self.json(Call::get(self.address().of("/users/me"))).await
    }

    /// What the person uses of each limit.
    pub async fn usage(&self) -> Result<UsageOverview> {
        self.json(Call::get(self.address().of("/users/me/usage"))).await
    }

    /// Takes the token out of texts, and these values beside it: whatever is kept or shown goes through it.
    pub fn redactor(&self, more: &[String]) -> Redactor {
        let mut secrets = more.to_vec();
        secrets.push(self.token().secret().to_owned());
        Redactor::new(&secrets)
    }

    /// Refuses to act for another than the token's person: the server would not notice.
    pub(crate) fn check(&self, scope: &Scope) -> Result<()> {
        if scope.owner() == self.scope().owner() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Forbidden, "this connection to the server is another person's"))
    }

    pub(crate) fn token(&self) -> &Token {
        &self.0.token
    }
    pub(crate) fn client(&self) -> &Client {
        &self.0.client
    }
    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("address", self.address()).finish_non_exhaustive()
    }
}
