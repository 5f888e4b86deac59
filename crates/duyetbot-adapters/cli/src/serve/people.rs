//! Whom a server serves: one person of this machine, or all who have an account in its storage.
use duyetbot_core::{Error, Result};
use duyetbot_server::{
    http::{JwtKey, JwtVerifier, MetricsAccess},
    is_loopback,
};

use crate::environment::Environment;

const SECRET: &str = "JWT_SECRET";
const PREVIOUS: &str = "JWT_SECRET_PREVIOUS";
const METRICS: &str = "METRICS_TOKEN";

/// Whom a server serves.
pub(super) enum People {
    /// The one person of this machine, by a token of the first line.
    Local,
    /// Those of the storage, by their tokens and by what this verifies.
    Members(JwtVerifier),
}

impl People {
    /// Reads it. A secret that is none, and an address that would let strangers in, is an error that names the variable.
    pub(super) fn read(environment: &Environment, address: &str) -> Result<Self> {
        let (current, previous) = (key(environment, SECRET)?, key(environment, PREVIOUS)?);
        match (current, previous) {
            (Some(current), previous) => {
                let mut verifier = JwtVerifier::new(current);
                if let Some(previous) = previous {
                    verifier = verifier.with_previous(previous);
                }
                if let Some(own) = environment.get("API_URL") {
                    verifier = verifier.with_issuer(&own);
                }
                Ok(People::Members(verifier))
            }
            (None, Some(_)) => Err(Error::invalid(format!(
                "{PREVIOUS} is set, and {SECRET} is not; it is the secret that new logins are signed with"
            ))),
            (None, None) if is_loopback(address)? => Ok(People::Local),
            (None, None) => Err(Error::invalid(format!(
                "{address} can be reached from other machines, and {SECRET} is not set, so that whoever asks could not be \
                 told from another; listen on 127.0.0.1, or set {SECRET}"
            ))),
        }
    }

    /// Whom it serves, for people.
    pub(super) fn said(&self, environment: &Environment) -> String {
        match self {
            People::Local => "one, by the token of the first line".to_owned(),
            People::Members(_) => {
                let secrets = match environment.get(PREVIOUS) {
                    Some(_) => format!("{SECRET} or {PREVIOUS}"),
                    None => SECRET.to_owned(),
                };
                format!(
                    "those of the storage, by API tokens (`duyetbot users add EMAIL`) and by logins of {secrets}"
                )
            }
        }
    }
}

/// A secret, where it is set. It is never shown.
fn key(environment: &Environment, name: &str) -> Result<Option<JwtKey>> {
    let Some(secret) = environment.get(name) else { return Ok(None) };
    JwtKey::new(&secret).map(Some).map_err(|error| Error::invalid(format!("{name}: {}", error.message())))
}

/// Who may read the metrics: where others reach the address, only who has the token for it.
pub(super) fn metrics(environment: &Environment, address: &str) -> Result<MetricsAccess> {
    Ok(match environment.get(METRICS) {
        Some(token) => MetricsAccess::Token(token),
        None if is_loopback(address)? => MetricsAccess::Open,
        None => MetricsAccess::Closed,
    })
}

/// The values that stand in no log.
pub(super) fn secrets(environment: &Environment) -> impl Iterator<Item = String> {
    [SECRET, PREVIOUS, METRICS].into_iter().filter_map(|name| environment.get(name))
}
