//! Whom a server serves: one person of this machine, or all who have an account in its storage.
use duyetbot_core::{Error, Result};
use duyetbot_server::http::{JwtKey, JwtVerifier, MetricsAccess};

use super::{
    address::{Listening, Reach},
    faults::Faults,
};
use crate::{environment::Environment, settings::check_address};

const SECRET: &str = "JWT_SECRET";
const PREVIOUS: &str = "JWT_SECRET_PREVIOUS";
const METRICS: &str = "METRICS_TOKEN";
const ISSUER: &str = "API_URL";

/// Whom a server serves.
pub(super) enum People {
    /// The one person of this machine, by a token of the first line.
    Local,
    /// Those of the storage, by their tokens and by what this verifies.
    Members(JwtVerifier),
}

impl People {
    /// Reads it. A secret that is none, and an address that would let strangers in, is a fault that names the variable.
    pub(super) fn read(environment: &Environment, address: &Listening, faults: &mut Faults) -> Option<Self> {
        let current = faults.note(key(environment, SECRET));
        let previous = faults.note(key(environment, PREVIOUS))?;
        let issuer = faults.note(issuer(environment))?;
        match (current?, previous) {
            (Some(current), previous) => {
                let mut verifier = JwtVerifier::new(current);
                if let Some(previous) = previous {
                    verifier = verifier.with_previous(previous);
                }
                if let Some(own) = issuer {
                    verifier = verifier.with_issuer(&own);
                }
                Some(People::Members(verifier))
            }
            (None, Some(_)) => faults.note(Err(Error::invalid(format!(
                "{PREVIOUS} is set, and {SECRET} is not; it is the secret that new logins are signed with"
            )))),
            (None, None) if address.reach != Some(Reach::Elsewhere) => Some(People::Local),
            // That it is set to nothing was said.
            (None, None) if environment.is_blank(SECRET) => None,
            (None, None) => faults.note(Err(Error::invalid(format!(
                "{} can be reached from other machines, and {SECRET} is not set, so that whoever asks could not be told from \
                 another; listen on 127.0.0.1, or set {SECRET}",
                address.text
            )))),
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
    let Some(secret) = set(environment, name) else { return Ok(None) };
    JwtKey::new(&secret).map(Some).map_err(|error| Error::invalid(format!("{name}: {}", error.message())))
}

/// A variable that is set to something. That one is set to nothing is told with all that are.
fn set(environment: &Environment, name: &str) -> Option<String> {
    environment.get(name).filter(|_| !environment.is_blank(name))
}

/// The address for which tokens are issued.
fn issuer(environment: &Environment) -> Result<Option<String>> {
    let Some(own) = set(environment, ISSUER) else { return Ok(None) };
    check_address(&own).map_err(|what| Error::invalid(format!("{ISSUER}: {what}")))?;
    Ok(Some(own))
}

/// Who may read the metrics: where others reach the address, only who has the token for it.
pub(super) fn metrics(environment: &Environment, address: &Listening) -> Result<MetricsAccess> {
    Ok(match (set(environment, METRICS), address.reach) {
        // What stands in a header that a client can send.
        (Some(token), _) if !token.bytes().all(|byte| byte.is_ascii_graphic()) => {
            return Err(Error::invalid(format!(
                "{METRICS} has a blank, a line break or a letter beyond ASCII, which no client can send; leave that out"
            )));
        }
        (Some(token), _) => MetricsAccess::Token(token),
        (None, Some(Reach::Here)) => MetricsAccess::Open,
        (None, _) => MetricsAccess::Closed,
    })
}

/// The values that stand in no log.
pub(super) fn secrets(environment: &Environment) -> impl Iterator<Item = String> {
    [SECRET, PREVIOUS, METRICS].into_iter().filter_map(|name| environment.get(name))
}
