//! People, their tokens, and what they use.
use async_trait::async_trait;
use std::ops::RangeInclusive;

use super::MemoryStore;
use crate::{
    error::Result,
    id::TokenId,
    message::Usage,
    scope::Scope,
    store::{Accounts, Erasing, UserStore},
    token::{ApiToken, NewToken, SignedIn, TokenHash},
    user::{Identity, NewUser, User, UserChange, UserCursor, folded_email},
};

#[async_trait]
impl UserStore for MemoryStore {
    async fn user(&self, scope: &Scope) -> Result<User> {
        self.world().people.user(scope).cloned()
    }
    async fn change_user(&self, scope: &Scope, change: &UserChange) -> Result<User> {
        self.world().people.change(scope, change, self.clock.now())
    }
    async fn link(&self, scope: &Scope, identity: &Identity) -> Result<User> {
        self.world().people.link(scope, identity, self.clock.now())
    }
    async fn add_token(&self, scope: &Scope, token: &NewToken) -> Result<ApiToken> {
        self.world().people.add_token(scope, token, self.clock.now())
    }
    async fn tokens(&self, scope: &Scope) -> Result<Vec<ApiToken>> {
        self.world().people.tokens(scope)
    }
    async fn revoke_token(&self, scope: &Scope, id: TokenId) -> Result<()> {
        self.world().people.revoke(scope, id)
    }
    async fn usage(&self, scope: &Scope, days: RangeInclusive<i64>) -> Result<Usage> {
        // A range that ends before it begins has no day.
        if days.is_empty() {
            return Ok(Usage::default());
        }
        Ok(self.read(scope, |owner| {
            let sum = owner.spent.range(days).fold(Usage::default(), |sum, (_, usage)| sum.plus(usage));
            Usage { estimated: false, ..sum }
        }))
    }
    async fn erase_user(&self, scope: &Scope) -> Result<Erasing> {
        let mut world = self.world();
        world.people.erase(scope)?;
        world.owners.remove(scope.actor());
        Ok(Erasing::Done)
    }
}

#[async_trait]
impl Accounts for MemoryStore {
    async fn create_user(&self, new: &NewUser) -> Result<User> {
        self.world().people.create(new, self.clock.now())
    }
    async fn users(&self, after: Option<&UserCursor>, limit: u32) -> Result<Vec<User>> {
        Ok(self.world().people.page(after, limit))
    }
    async fn users_by_prefix(&self, prefix: &str) -> Result<Vec<User>> {
        Ok(self.world().people.find(|user| user.id.as_str().starts_with(prefix), 2))
    }
    async fn user_by_identity(&self, identity: &Identity) -> Result<Option<User>> {
        Ok(self.world().people.by_identity(identity))
    }
    async fn user_by_email(&self, email: &str) -> Result<Option<User>> {
        let folded = folded_email(email);
        let has = |user: &User| user.email.as_deref().map(folded_email).as_deref() == Some(&*folded);
        Ok(self.world().people.find(has, 1).pop())
    }
    async fn authenticate(&self, hash: &TokenHash) -> Result<SignedIn> {
        self.world().people.authenticate(hash, self.clock.now())
    }
    async fn note_use(&self, hash: &TokenHash) -> Result<()> {
        self.world().people.note_use(hash, self.clock.now());
        Ok(())
    }
}
