//! How many requests a person may make: counted before the handler, told with every answer.
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use duyetbot_core::{Rate, Taken, Timestamp};
use duyetbot_wire::{Problem, UsedRequests};
use http::{HeaderMap, HeaderName};
use std::time::Duration;

use crate::{
    auth::Caller,
    parts::Api,
    problem::{Answer, Refusal},
};

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// What is left after this request, for `users/me/usage`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Left(pub(crate) UsedRequests);

/// Takes one request of the caller's.
pub(crate) async fn limit(
    State(api): State<Api>,
    Caller(scope): Caller,
    mut request: Request,
    next: Next,
) -> Answer<Response> {
    let Some(rate) = api.settings.rate else {
        request.extensions_mut().insert(Left(UsedRequests { limit: None, remaining: None }));
        return Ok(next.run(request).await);
    };
    match api.rates.take(&scope, rate).await? {
        Taken::Granted { remaining, reset } => {
            let left = UsedRequests { limit: Some(rate.limit), remaining: Some(remaining) };
            request.extensions_mut().insert(Left(left));
            let mut response = next.run(request).await;
            tell(response.headers_mut(), rate, remaining, reset);
            Ok(response)
        }
        Taken::Refused { again } => {
            let wait = again.0.saturating_sub(api.clock.now().0).max(0).unsigned_abs();
            let mut refusal = refused(rate).after(Duration::from_millis(wait));
            tell(&mut refusal.headers, rate, 0, again);
            Err(refusal)
        }
    }
}

fn refused(rate: Rate) -> Refusal {
    let detail = format!("{} requests in {} s are the most; wait a little", rate.limit, rate.per.as_secs());
    Refusal::new(Problem {
        limit: Some("requests_per_minute".to_owned()),
        ..Problem::new("rate_limited", "Too many requests", 429, detail)
    })
}

/// The moment is told in whole seconds since 1970, and never too early.
fn tell(headers: &mut HeaderMap, rate: Rate, remaining: u32, reset: Timestamp) {
    headers.insert(LIMIT, rate.limit.into());
    headers.insert(REMAINING, remaining.into());
    headers.insert(RESET, reset.plus(Duration::from_millis(999)).0.div_euclid(1000).into());
}
