//! The tokens of the person who calls: what programs sign in with.
use axum::{Extension, extract::State};
use duyetbot_core::{
    ApiSecret, ApiToken, Error, ErrorKind, NewToken, Permission, Result, Timestamp, TokenId,
};
use duyetbot_wire::{self as wire, ApiTokens, LONGEST_NAME, MadeToken};
use http::StatusCode;
use std::collections::BTreeSet;

use super::{line, users::accounts};
use crate::{
    auth::{Caller, Signed},
    extract::{Id, Json, id},
    parts::Api,
    problem::Answer,
};

pub(crate) async fn list(State(api): State<Api>, Caller(scope): Caller) -> Answer<axum::Json<ApiTokens>> {
    let tokens = accounts(&api)?.tokens(&scope).await?;
    Ok(axum::Json(ApiTokens { tokens: tokens.iter().map(wire::ApiToken::from).collect() }))
}

pub(crate) async fn create(
    State(api): State<Api>,
    Extension(signed): Extension<Signed>,
    Json(given): Json<wire::NewApiToken>,
) -> Answer<(StatusCode, axum::Json<MadeToken>)> {
    let secret = ApiSecret::random()?;
    let new = NewToken {
        id: given.id.map_or_else(|| Ok(TokenId::new()), |text| id(&text, "id"))?,
        name: line(&api, &given.name, "name", LONGEST_NAME)?,
        permissions: permissions(given.scopes, &signed)?,
        expires: expiry(given.expires_at.as_deref(), &signed)?,
        hash: secret.hash(),
    };
    let token: ApiToken = accounts(&api)?.add_token(&signed.scope, &new).await?;
    let made = MadeToken { token: secret.expose().to_owned(), of: wire::ApiToken::from(&token) };
    Ok((StatusCode::CREATED, axum::Json(made)))
}

/// What the new token may do: no more than the credentials that ask for it, and all of that where nothing is named.
fn permissions(given: Option<BTreeSet<Permission>>, signed: &Signed) -> Result<BTreeSet<Permission>> {
    let Some(wanted) = given else { return Ok(signed.permissions.clone()) };
    wanted.iter().try_for_each(|permission| permission.demand(&signed.permissions))?;
    Ok(wanted)
}

/// Until when it counts: no longer than the credentials that ask for it, and as long as they where nothing is named.
fn expiry(given: Option<&str>, signed: &Signed) -> Result<Option<Timestamp>> {
    let Some(text) = given else { return Ok(signed.expires) };
    let wanted: Timestamp = text
        .parse()
        .map_err(|_| Error::invalid("expiresAt is no time; it looks like 2030-01-31T12:00:00Z"))?;
    if signed.expires.is_some_and(|own| wanted > own) {
        let words =
            "this token expires before that; name an earlier moment, or use a token that lasts longer";
        return Err(Error::new(ErrorKind::Forbidden, words));
    }
    Ok(Some(wanted))
}

pub(crate) async fn revoke(
    State(api): State<Api>,
    Caller(scope): Caller,
    Id(token): Id<TokenId>,
) -> Answer<StatusCode> {
    accounts(&api)?.revoke_token(&scope, token).await?;
    Ok(StatusCode::NO_CONTENT)
}
