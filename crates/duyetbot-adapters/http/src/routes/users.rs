//! The person who calls.
use axum::{Extension, extract::State};
use duyetbot_wire::{UsageOverview, Used, User};

use crate::{auth::Caller, parts::Api, problem::Answer, rate::Left};

pub(crate) async fn me(State(api): State<Api>, Caller(scope): Caller) -> Answer<axum::Json<User>> {
    Ok(axum::Json(api.auth.user(&scope).await?))
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
        storage_bytes: Used { used: counters.bytes, limit: limits.bytes },
        requests_per_minute: requests,
        tokens: Used { used: today.tokens(), limit: guards.tokens_per_day },
        cost: Used { used: today.cost.unwrap_or_default(), limit: guards.cost_per_day },
    }))
}
