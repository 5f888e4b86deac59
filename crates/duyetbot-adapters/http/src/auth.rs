//! Who calls: from credentials to a scope, or a refusal.
use async_trait::async_trait;
use axum::{
    Extension,
    extract::{FromRequestParts, Request, State},
    middleware::Next,
    response::Response,
};
use duyetbot_core::{Error, ErrorKind, Permission, Result, Scope, SignedIn, Timestamp};
use duyetbot_wire::User;
use http::{HeaderMap, header, request};
use std::{collections::BTreeSet, fmt, time::Duration};

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

/// Who signed in, and what the credentials let their bearer do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// Whose data the bearer may touch.
    pub scope: Scope,
    /// What the bearer may do.
    pub permissions: BTreeSet<Permission>,
    /// From when on the credentials are refused, where they make others: those last no longer.
    pub expires: Option<Timestamp>,
}

impl Signed {
    /// Whoever bears these is the person.
    pub fn whole(scope: Scope) -> Self {
        Signed { scope, permissions: Permission::ALL.into(), expires: None }
    }
}

impl From<SignedIn> for Signed {
    fn from(SignedIn { scope, token }: SignedIn) -> Self {
        Signed { scope, permissions: token.permissions, expires: token.expires }
    }
}

/// From credentials to a scope: one of the few places where one is made.
#[async_trait]
pub trait Authenticator: Send + Sync + 'static {
    /// Who bears these, and what they may do; `Unauthorized` where they are refused, whatever is wrong with them.
    async fn sign_in(&self, credentials: &Credentials) -> Result<Signed>;

    /// The person of a scope.
    async fn user(&self, scope: &Scope) -> Result<User>;

    /// How often it is asked again for what is still open; never where credentials count as long as the process lives.
    fn look_again(&self) -> Option<Duration>;
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
    let credentials = credentials(request.headers()).ok_or_else(unauthorized)?;
    let signed = api.auth.sign_in(&credentials).await?;
    request.extensions_mut().insert(signed);
    request.extensions_mut().insert(credentials);
    Ok(next.run(request).await)
}

/// Refuses what the credentials do not let their bearer do.
pub(crate) async fn permit(
    State(permission): State<Permission>,
    Extension(signed): Extension<Signed>,
    request: Request,
    next: Next,
) -> Answer<Response> {
    permission.demand(&signed.permissions)?;
    Ok(next.run(request).await)
}

/// The one answer to all who are not signed in, so that it tells nothing of what is wrong.
pub(crate) fn unauthorized() -> Error {
    let detail = "send a token that is valid here, as `Authorization: Bearer TOKEN`; one may be wrong, revoked or expired";
    Error::new(ErrorKind::Unauthorized, detail)
}

/// Whose data the request may touch.
#[derive(Clone, Debug)]
pub(crate) struct Caller(pub(crate) Scope);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut request::Parts, _: &S) -> Answer<Self> {
        let signed = parts.extensions.get::<Signed>();
        signed.map(|signed| Caller(signed.scope.clone())).ok_or_else(|| unauthorized().into())
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
