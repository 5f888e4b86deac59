//! Local mode: one person, and a token that lives as long as the process.
use async_trait::async_trait;
use duyetbot::Duyetbot;
use duyetbot_core::{Error, ErrorKind, Result, Scope, Timestamp};
use duyetbot_http::{Authenticator, Credentials, Signed};
use duyetbot_wire::User;
use sha2::{Digest, Sha256};
use std::time::Duration;
use uuid::Uuid;

/// The one person of a server that listens on this machine alone.
pub struct LocalPerson {
    token: String,
    scope: Scope,
    since: Timestamp,
}

impl LocalPerson {
    /// The person of an agent, with a new token.
    pub fn of(bot: &Duyetbot) -> Self {
        // Two random UUIDs: 244 bits that nobody can guess.
        let token = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        LocalPerson { token, scope: bot.scope().clone(), since: bot.now() }
    }
    /// The token: whoever has it is the person.
    pub fn token(&self) -> &str {
        &self.token
    }
}

#[async_trait]
impl Authenticator for LocalPerson {
    async fn sign_in(&self, credentials: &Credentials) -> Result<Signed> {
        let Credentials::Bearer(given) = credentials;
        // Hashes are compared, so that the time taken tells nothing of the token.
        if Sha256::digest(given) == Sha256::digest(&self.token) {
            return Ok(Signed::whole(self.scope.clone()));
        }
        let detail = "this token is not valid here; the server shows the one that is when it starts";
        Err(Error::new(ErrorKind::Unauthorized, detail))
    }

    async fn user(&self, scope: &Scope) -> Result<User> {
        Ok(User {
            id: scope.actor().to_owned(),
            email: None,
            name: None,
            picture: None,
            provider: "local".to_owned(),
            settings: serde_json::Map::new(),
            created_at: self.since.to_string(),
        })
    }

    fn look_again(&self) -> Option<Duration> {
        None
    }
}
