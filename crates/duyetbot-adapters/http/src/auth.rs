//! Who calls: from credentials to a scope, or a refusal.
use async_trait::async_trait;
use axum::{
    extract::{FromRequestParts, Request, State},
    middleware::Next,
    response::Response,
};
use duyetbot_core::{Error, ErrorKind, Result, Scope};
use duyetbot_wire::User;
use http::{HeaderMap, header, request};
use std::fmt;

use crate::{
    parts::Api,
    problem::{Answer, Refusal},
};

/// What a request says of who sends it.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// `Authorization: Bearer …`.
    Bearer(String),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials::Bearer(…)")
    }
}

/// From credentials to a scope: one of the few places where one is made.
#[async_trait]
pub trait Authenticator: Send + Sync + 'static {
    /// Whose data the bearer of these may touch; `Unauthorized` where they are refused, whatever is wrong with them.
    async fn scope(&self, credentials: &Credentials) -> Result<Scope>;

    /// The person of a scope.
    async fn user(&self, scope: &Scope) -> Result<User>;
}

/// Longer ones are none of ours, and are not looked at.
const LONGEST: usize = 8 * 1024;

/// The credentials of a request; none where there are none, several, or ones of another kind.
fn credentials(headers: &HeaderMap) -> Option<Credentials> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    let bearer = scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && token.len() <= LONGEST;
    bearer.then(|| Credentials::Bearer(token.to_owned()))
}

/// Lets a request pass with its scope, before anything else of it is looked at.
pub(crate) async fn authenticate(
    State(api): State<Api>,
    mut request: Request,
    next: Next,
) -> Answer<Response> {
    let scope = match credentials(request.headers()) {
        Some(credentials) => api.auth.scope(&credentials).await?,
        None => return Err(unauthorized().into()),
    };
    request.extensions_mut().insert(Caller(scope));
    Ok(next.run(request).await)
}

fn unauthorized() -> Error {
    Error::new(ErrorKind::Unauthorized, "send a token that is valid here, as `Authorization: Bearer TOKEN`")
}

/// Whose data the request may touch.
#[derive(Clone, Debug)]
pub(crate) struct Caller(pub(crate) Scope);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut request::Parts, _: &S) -> Answer<Self> {
        parts.extensions.get::<Caller>().cloned().ok_or_else(|| unauthorized().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&'static str]) -> Option<Credentials> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, value.parse().unwrap());
        }
        credentials(&headers)
    }

    #[test]
    fn only_one_bearer_token_counts() {
        let token = Some(Credentials::Bearer("t".into()));
        assert_eq!([of(&["Bearer t"]), of(&["bearer  t "])], [token.clone(), token]);
        for refused in
            [&["Basic t"][..], &["Bearer"], &["Bearer "], &["Bearer t", "Bearer t"], &["Bearer \u{e9}"], &[]]
        {
            assert_eq!(of(refused), None, "{refused:?}");
        }
    }
}
