//! The person who calls.
use axum::{Extension, extract::State};
use duyetbot_core::{Erasing, Error, ErrorKind, Result, UserChange, UserStore};
use duyetbot_wire::{LONGEST_NAME, UsageOverview, Used, User, UserPatch};
use http::StatusCode;
use std::sync::Arc;

use super::line;
use crate::{auth::Caller, extract::Json, json::free_object, parts::Api, problem::Answer, rate::Left};

/// The accounts of this server.
pub(super) fn accounts(api: &Api) -> Result<&Arc<dyn UserStore>> {
    api.accounts.as_ref().ok_or_else(|| {
        let words = "this server serves the one person of its machine, who has no account; it needs JWT_SECRET to serve many";
        Error::new(ErrorKind::Unsupported, words)
    })
}

pub(crate) async fn me(State(api): State<Api>, Caller(scope): Caller) -> Answer<axum::Json<User>> {
    Ok(axum::Json(api.auth.user(&scope).await?))
}

pub(crate) async fn change(
    State(api): State<Api>,
    Caller(scope): Caller,
    Json(patch): Json<UserPatch>,
) -> Answer<axum::Json<User>> {
    let name = match patch.name.as_deref() {
        // A blank one takes the name away.
        Some(name) if is_blank(name) => Some(String::new()),
        Some(name) => Some(line(&api, name, "name", LONGEST_NAME)?),
        None => None,
    };
    let settings = match &patch.settings {
        Some(settings) => Some(api.redactor.redact(&free_object(settings, "settings")?).into_owned()),
        None => None,
    };
    let user = accounts(&api)?.change_user(&scope, &UserChange { name, settings }).await?;
    Ok(axum::Json(User::from(&user)))
}

/// Nothing but spaces, and no more of them than a name has characters.
fn is_blank(name: &str) -> bool {
    name.trim().is_empty() && name.chars().count() <= LONGEST_NAME && !name.contains(char::is_control)
}

/// The person is gone with the first write; the rest of what they had goes behind the answer, or with the sweep.
pub(crate) async fn erase(State(api): State<Api>, Caller(scope): Caller) -> Answer<StatusCode> {
    let erasing = accounts(&api)?.erase_user(&scope).await?;
    tracing::info!("a person was erased at their own wish");
    api.housekeeping.is_due();
    Ok(match erasing {
        Erasing::Begun => StatusCode::ACCEPTED,
        Erasing::Done => StatusCode::NO_CONTENT,
    })
}

pub(crate) async fn usage(
    State(api): State<Api>,
    Caller(scope): Caller,
    Extension(Left(requests)): Extension<Left>,
) -> Answer<axum::Json<UsageOverview>> {
    let counters = api.store.counters(&scope).await?;
    let today = api.store.spent_today(&scope).await?;
    let (limits, guards) = (api.settings.limits, api.settings.guards);
    Ok(axum::Json(UsageOverview {
        sessions: Used { used: counters.sessions, limit: limits.sessions },
        storage_bytes: Used { used: counters.storage(), limit: limits.bytes },
        requests_per_minute: requests,
        tokens: Used { used: today.tokens(), limit: guards.tokens_per_day },
        cost: Used { used: today.cost.unwrap_or_default(), limit: guards.cost_per_day },
    }))
}
