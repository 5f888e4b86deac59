//! Many people: by the API tokens that their programs hold, and by the access tokens of logins.
use async_trait::async_trait;
use duyetbot_core::{Accounts, ApiSecret, Clock, Error, ErrorKind, Result, Scope, TokenHash, run::Spawner};
use duyetbot_wire::User;
use futures::FutureExt;
use std::{sync::Arc, time::Duration};

use crate::{
    auth::{Authenticator, Credentials, Signed, unauthorized},
    jwt::JwtVerifier,
};

/// How soon what is open ends after its credentials were taken away.
const LOOK: Duration = Duration::from_secs(2);

/// The people of a store.
pub struct Members {
    accounts: Arc<dyn Accounts>,
    jwt: JwtVerifier,
    clock: Arc<dyn Clock>,
    spawner: Arc<dyn Spawner>,
}

impl Members {
    /// Those who have an account there.
    pub fn new(
        accounts: Arc<dyn Accounts>,
        jwt: JwtVerifier,
        clock: Arc<dyn Clock>,
        spawner: Arc<dyn Spawner>,
    ) -> Self {
        Members { accounts, jwt, clock, spawner }
    }

    async fn by_token(&self, hash: TokenHash) -> Result<Signed> {
        let signed = self.accounts.authenticate(&hash).await.map_err(refused)?;
        if signed.token.is_use_due(self.clock.now()) {
            self.note(hash);
        }
        Ok(signed.into())
    }

    /// Behind the answer: a note is a write, and nobody waits for it.
    fn note(&self, hash: TokenHash) {
        let accounts = self.accounts.clone();
        let note = async move {
            if let Err(error) = accounts.note_use(&hash).await {
                tracing::warn!(?error, "the use of a token could not be noted");
            }
        };
        self.spawner.spawn(note.boxed());
    }

    async fn by_login(&self, token: &str) -> Result<Signed> {
        let claims = self.jwt.verify(token, self.clock.now()).ok_or_else(unauthorized)?;
        // A token outlives its person by an hour at most, and then signs nobody in.
        let user = self.accounts.user(&claims.user.scope()).await.map_err(refused)?;
        Ok(Signed::whole(user.scope()))
    }
}

/// One answer to all who are not known, whatever it is that is wrong.
fn refused(error: Error) -> Error {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::Unauthorized => unauthorized(),
        _ => error,
    }
}

#[async_trait]
impl Authenticator for Members {
    async fn sign_in(&self, credentials: &Credentials) -> Result<Signed> {
        let Credentials::Bearer(given) = credentials;
        match ApiSecret::presented(given) {
            Some(secret) => self.by_token(secret.hash()).await,
            None => self.by_login(given).await,
        }
    }

    async fn user(&self, scope: &Scope) -> Result<User> {
        self.accounts.user(scope).await.map(|user| User::from(&user)).map_err(refused)
    }

    fn look_again(&self) -> Option<Duration> {
        Some(LOOK)
    }
}
