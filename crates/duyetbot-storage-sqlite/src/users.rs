//! `UserStore` and `Accounts`: people, their logins and tokens. The owner that a statement names is the person.
use async_trait::async_trait;
use duyetbot_core::{
    Accounts, ApiToken, Erasing, Error, Identity, MOST_TOKENS, NewToken, NewUser, Result, Scope, SignedIn,
    TokenHash, TokenId, USE_STEP, Usage, User, UserChange, UserCursor, UserId, UserStore, folded_email,
    token_refused,
};
use serde_json::{Value, json};
use std::ops::RangeInclusive;

use crate::{
    dialect::{Cell, Driver, Row, users},
    record::{self, first, of},
    store::SqlStore,
};

/// `?1` for what is asked of the person who acts, whatever owner they act for.
fn of_person(scope: &Scope, fields: Value) -> Cell {
    of(&Scope::stored(scope.actor().to_owned(), scope.actor().to_owned()), fields)
}

fn one_user(rows: Vec<Row>) -> Result<User> {
    rows.into_iter().next().map(record::user).unwrap_or_else(|| Err(Error::not_found("user")))
}

fn identity_fields(identity: &Identity) -> Value {
    json!({ "provider": identity.provider, "subject": identity.subject })
}

#[async_trait]
impl<D: Driver> UserStore for SqlStore<D> {
    async fn user(&self, scope: &Scope) -> Result<User> {
        one_user(self.driver.read(users::USER, vec![of_person(scope, json!({}))]).await?)
    }

    async fn change_user(&self, scope: &Scope, change: &UserChange) -> Result<User> {
        change.check()?;
        let name = change.name.as_ref().filter(|name| !name.is_empty());
        let fields = json!({ "named": change.name.is_some(), "name": name, "settings": change.settings, "now": self.now() });
        self.written_user(users::CHANGE, of_person(scope, fields)).await
    }

    async fn link(&self, scope: &Scope, identity: &Identity) -> Result<User> {
        UserId::of(identity)?;
        let fields = json!({ "identity": identity_fields(identity), "now": self.now() });
        self.written_user(users::LINK, of_person(scope, fields)).await
    }

    async fn add_token(&self, scope: &Scope, token: &NewToken) -> Result<ApiToken> {
        token.check()?;
        let fields = json!({
            "id": token.id, "hash": token.hash.as_str(), "name": token.name, "expires": token.expires,
            "permissions": record::text(&token.permissions)?, "now": self.now(), "most": MOST_TOKENS,
        });
        let mut answers = self.driver.write(users::ADD_TOKEN, vec![of_person(scope, fields)]).await?;
        let mut row = first(answers.pop().unwrap_or_default(), "a token")?;
        record::token(&mut row)?.ok_or_else(|| Error::not_found("token"))
    }

    async fn tokens(&self, scope: &Scope) -> Result<Vec<ApiToken>> {
        let rows = self.driver.read(users::TOKENS, vec![of_person(scope, json!({}))]).await?;
        if rows.is_empty() {
            return Err(Error::not_found("user"));
        }
        rows.into_iter().filter_map(|row| record::token(&mut row.read()).transpose()).collect()
    }

    async fn revoke_token(&self, scope: &Scope, id: TokenId) -> Result<()> {
        let fields = of_person(scope, json!({ "id": id }));
        let removed = self.driver.write(users::REVOKE, vec![fields]).await?;
        if removed.iter().all(Vec::is_empty) { Err(Error::not_found("token")) } else { Ok(()) }
    }

    async fn usage(&self, scope: &Scope, days: RangeInclusive<i64>) -> Result<Usage> {
        let fields = json!({ "from": days.start(), "until": days.end() });
        record::spent(self.driver.read(users::USAGE, vec![of(scope, fields)]).await?)
    }

    async fn erase_user(&self, scope: &Scope) -> Result<Erasing> {
        self.erase_person(scope).await
    }
}

#[async_trait]
impl<D: Driver> Accounts for SqlStore<D> {
    async fn create_user(&self, new: &NewUser) -> Result<User> {
        new.check()?;
        let provider = new.identity.as_ref().map_or(new.id.provider(), |identity| &*identity.provider);
        let fields = json!({
            "owner": new.id.as_str(), "provider": provider, "email": new.email,
            "folded": new.email.as_deref().map(folded_email), "name": new.name, "picture": new.picture,
            "identity": new.identity.as_ref().map(identity_fields), "now": self.now(),
        });
        self.written_user(users::CREATE, fields.to_string().into()).await
    }

    async fn users(&self, after: Option<&UserCursor>, limit: u32) -> Result<Vec<User>> {
        let (created, id) = after.map_or((i64::MAX, ""), |at| (at.created.0, at.id.as_str()));
        self.people(users::LIST, json!({ "created": created, "id": id, "limit": limit })).await
    }

    async fn users_by_prefix(&self, prefix: &str) -> Result<Vec<User>> {
        self.people(users::BY_PREFIX, json!({ "prefix": prefix })).await
    }

    async fn user_by_identity(&self, identity: &Identity) -> Result<Option<User>> {
        let found = self.people(users::BY_IDENTITY, json!({ "identity": identity_fields(identity) })).await?;
        Ok(found.into_iter().next())
    }

    async fn user_by_email(&self, email: &str) -> Result<Option<User>> {
        let found = self.people(users::BY_EMAIL, json!({ "folded": folded_email(email) })).await?;
        Ok(found.into_iter().next())
    }

    async fn authenticate(&self, hash: &TokenHash) -> Result<SignedIn> {
        let fields = json!({ "hash": hash.as_str(), "now": self.now() }).to_string();
        let rows = self.driver.read(users::AUTHENTICATE, vec![fields.into()]).await?;
        let mut row = rows.into_iter().next().ok_or_else(token_refused)?.read();
        let id: String = row.text()?;
        let token = record::token(&mut row)?.ok_or_else(token_refused)?;
        Ok(SignedIn { scope: Scope::stored(id.clone(), id), token })
    }

    async fn note_use(&self, hash: &TokenHash) -> Result<()> {
        let now = self.now();
        let fields = json!({ "hash": hash.as_str(), "now": now, "before": now.minus(USE_STEP) }).to_string();
        self.driver.write(users::NOTE_USE, vec![fields.into()]).await.map(drop)
    }
}

impl<D: Driver> SqlStore<D> {
    /// Runs a list whose last statement answers the person.
    async fn written_user(&self, statements: &'static [&'static str], fields: Cell) -> Result<User> {
        one_user(self.driver.write(statements, vec![fields]).await?.pop().unwrap_or_default())
    }

    async fn people(&self, statement: &'static str, fields: Value) -> Result<Vec<User>> {
        let rows = self.driver.read(statement, vec![fields.to_string().into()]).await?;
        rows.into_iter().map(record::user).collect()
    }
}
