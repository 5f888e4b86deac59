//! People and tokens of a store with one fault.
use async_trait::async_trait;
use duyetbot_core::{
    Accounts, ApiToken, Code, Erasing, Identity, NewToken, NewUser, Result, Scope, SignedIn, Timestamp,
    TokenHash, TokenId, Usage, User, UserChange, UserCursor, UserStore,
};
use std::ops::RangeInclusive;

use crate::faulty::{Fault, Faulty};

#[async_trait]
impl UserStore for Faulty {
    async fn user(&self, scope: &Scope) -> Result<User> {
        self.inner.user(scope).await
    }
    async fn change_user(&self, scope: &Scope, change: &UserChange) -> Result<User> {
        self.inner.change_user(scope, change).await
    }
    async fn link(&self, scope: &Scope, identity: &Identity) -> Result<User> {
        match self.inner.link(scope, identity).await {
            Err(error) if self.has(Fault::LinkTakesOver) && error.is(Code::IdentityTaken) => {
                self.inner.user(scope).await
            }
            answer => answer,
        }
    }
    async fn add_token(&self, scope: &Scope, token: &NewToken) -> Result<ApiToken> {
        self.inner.add_token(scope, token).await
    }
    async fn tokens(&self, scope: &Scope) -> Result<Vec<ApiToken>> {
        self.inner.tokens(scope).await
    }
    async fn revoke_token(&self, scope: &Scope, id: TokenId) -> Result<()> {
        self.inner.revoke_token(scope, id).await
    }
    async fn usage(&self, scope: &Scope, days: RangeInclusive<i64>) -> Result<Usage> {
        let days = if self.has(Fault::OneDayOnly) { *days.end()..=*days.end() } else { days };
        self.inner.usage(scope, days).await
    }
    async fn erase_user(&self, scope: &Scope) -> Result<Erasing> {
        self.inner.erase_user(scope).await
    }
}

#[async_trait]
impl Accounts for Faulty {
    async fn create_user(&self, new: &NewUser) -> Result<User> {
        match self.inner.create_user(new).await {
            Err(error) if self.has(Fault::EmailCaseMatters) && error.is(Code::EmailTaken) => {
                let user = self.inner.create_user(&NewUser { email: None, ..new.clone() }).await?;
                Ok(User { email: new.email.clone(), ..user })
            }
            answer => answer,
        }
    }
    async fn users(&self, after: Option<&UserCursor>, limit: u32) -> Result<Vec<User>> {
        let mut page = self.inner.users(after, limit).await?;
        if let (Fault::PageOfPeopleLosesTies, Some(after)) = (self.fault, after) {
            page.retain(|user| user.created < after.created);
        }
        Ok(page)
    }
    async fn users_by_prefix(&self, prefix: &str) -> Result<Vec<User>> {
        self.inner.users_by_prefix(prefix).await
    }
    async fn user_by_identity(&self, identity: &Identity) -> Result<Option<User>> {
        self.inner.user_by_identity(identity).await
    }
    async fn user_by_email(&self, email: &str) -> Result<Option<User>> {
        self.inner.user_by_email(email).await
    }
    async fn authenticate(&self, hash: &TokenHash) -> Result<SignedIn> {
        let kept = self.memory().signed.get(hash).cloned();
        match (self.fault, kept) {
            (Fault::TokenOutlivesRevocation, Some(kept)) => return Ok(kept),
            (Fault::SigningInIsNoted, _) => {
                let mut signed = self.inner.authenticate(hash).await?;
                signed.token.used = signed.token.used.or(Some(Timestamp(0)));
                return Ok(signed);
            }
            _ => {}
        }
        let signed = self.inner.authenticate(hash).await?;
        self.memory().signed.insert(hash.clone(), signed.clone());
        Ok(signed)
    }
    async fn note_use(&self, hash: &TokenHash) -> Result<()> {
        self.inner.note_use(hash).await
    }
}
