//! The variables that this program knows: which one a misspelt name means, and what a server refuses to start with.
use duyetbot_core::Error;
use url::Url;

use super::{
    keys::{KEYS, nearest, variable},
    profiles,
};
use crate::environment::Environment;

/// What every variable of this program's own begins with.
const OWN: &str = "DUYETBOT_";
/// Those that are no settings, and what each is.
const OTHERS: [(&str, &str); 2] =
    [("DUYETBOT_HOME", "the absolute path of a folder"), ("DUYETBOT_SEAL_KEY", "a key")];
/// Those of a server, and what each is.
const SERVER: [(&str, &str); 4] = [
    ("JWT_SECRET", "32 bytes or more, such as `openssl rand -base64 48` makes"),
    ("JWT_SECRET_PREVIOUS", "the secret before"),
    ("METRICS_TOKEN", "a token, such as `openssl rand -hex 32` makes"),
    ("API_URL", "an address, such as https://bot.example.org"),
];
/// What deployments put behind a variable's name to say that a file holds its value.
const OF_A_FILE: &str = "_FILE";
/// How far a misspelt name of a server's may be from the right one.
const NEAR: usize = 2;
/// Names that are shorter than this are near to too many others.
const LONG: usize = 10;

/// Whether a misspelt variable is told as one that is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Misspelt {
    /// It is.
    Told,
    /// It is refused elsewhere.
    Refused,
}

/// What is said of variables of ours that are none.
pub(crate) fn unknown(environment: &Environment, misspelt: Misspelt) -> Vec<String> {
    let unknown = environment.beginning(OWN).filter(|(name, _)| !is_known(name));
    let said = unknown.filter_map(|(name, _)| match (meant(name), misspelt) {
        (Some(_), Misspelt::Refused) => None,
        (Some(meant), Misspelt::Told) => Some((name, meant)),
        (None, _) => {
            let written = name.trim_start_matches(OWN).to_lowercase().replace("__", ".");
            Some((name, variable(nearest(&written))))
        }
    });
    said.map(|(name, near)| {
        format!("the variable {name} is no setting and was ignored; the nearest is {near}")
    })
    .collect()
}

/// What a server does not start with: a misspelt variable, and one that is set to nothing.
pub(crate) fn strict(environment: &Environment) -> Vec<Error> {
    let misspelt = environment.names().filter(|name| !is_known(name)).filter_map(|name| {
        let meant = meant(name)?;
        Some(format!("{name} is no variable of this program; write {meant}, or leave it out"))
    });
    let others = OTHERS.iter().chain(&SERVER).map(|(name, what)| ((*name).to_owned(), (*what).to_owned()));
    let known = KEYS.iter().map(|key| (variable(key.name), key.kind.words().to_owned())).chain(others);
    let empty = known.filter(|(name, _)| environment.is_blank(name));
    let empty =
        empty.map(|(name, what)| format!("{name} is set to nothing; give it {what}, or leave it out"));
    misspelt.chain(empty).map(Error::invalid).collect()
}

fn is_known(name: &str) -> bool {
    OTHERS.iter().chain(&SERVER).any(|(known, _)| *known == name)
        || name.starts_with("DUYETBOT_TEST_")
        || profiles::is_variable(name)
        || KEYS.iter().any(|k| variable(k.name) == name || k.shared == Some(name))
}

/// The variable that a name nearly is. A name that begins like ours and is far from all of them is left alone: where services
/// are called `duyetbot`, Kubernetes and Docker set such variables.
fn meant(name: &str) -> Option<String> {
    let Some(own) = name.strip_prefix(OWN) else { return meant_of_server(name) };
    let own = plain(own);
    let shared = KEYS.iter().filter_map(|k| k.shared);
    let words =
        shared.chain(SERVER.iter().map(|(known, _)| *known)).map(|known| (plain(known), known.to_owned()));
    let others = OTHERS.iter().map(|(known, _)| (plain(&known[OWN.len()..]), (*known).to_owned()));
    let whole = KEYS.iter().map(|k| (plain(k.name), variable(k.name)));
    // `DUYETBOT_ORIGINS` is what `serve.origins` is mostly called.
    let last = KEYS.iter().filter_map(|k| Some((plain(k.name.rsplit_once('.')?.1), variable(k.name))));
    let distance = |known: &str| strsim::damerau_levenshtein(known, &own);
    let all =
        words.chain(others).chain(whole).chain(last).map(|(known, meant)| (distance(&known), known, meant));
    let near = all.filter(|(distance, known, _)| *distance <= allowed(known.len().max(own.len())));
    near.min_by_key(|(distance, ..)| *distance).map(|(.., meant)| meant)
}

fn meant_of_server(name: &str) -> Option<String> {
    let is_near = |known: &str| {
        name.strip_suffix(OF_A_FILE) == Some(known)
            || known.len() >= LONG && strsim::damerau_levenshtein(known, name) <= NEAR
    };
    SERVER.iter().map(|(known, _)| *known).find(|known| is_near(known)).map(str::to_owned)
}

/// How many characters of a name that long may be wrong.
fn allowed(length: usize) -> usize {
    match length {
        0..=5 => 1,
        6..=11 => 2,
        _ => 3,
    }
}

/// A name without what people mix up: one underscore, two, a dot; capitals.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
}

/// Refuses what is no address of a server that speaks HTTP. One that may hold a password is not shown.
pub(crate) fn check_address(text: &str) -> Result<(), String> {
    if text.contains('@') {
        return Err("it holds a name or a password; write https://HOST alone".to_owned());
    }
    let is_local = ["localhost", "127.", "[::1]"].iter().any(|begin| text.starts_with(begin));
    let scheme = if is_local { "http" } else { "https" };
    match Url::parse(text) {
        _ if text.trim() != text => {
            Err("it begins or ends with a blank or a line break; leave that out".to_owned())
        }
        _ if !text.contains("://") => Err(format!("{text:?} has no scheme; write {scheme}://{text}")),
        Ok(url) if !matches!(url.scheme(), "http" | "https") => {
            Err(format!("{text:?} is reached by {}; write an address of https:// or http://", url.scheme()))
        }
        Ok(url) if url.query().is_some() || url.fragment().is_some() => {
            Err(format!("{text:?} has more than an address; leave out what begins with ? or #"))
        }
        Ok(_) => Ok(()),
        Err(cause) => Err(format!("{text:?} is no address ({cause}); write https://HOST")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_variable_is_known_for_what_it_means() {
        for (written, right) in [
            ("DUYETBOT_LIMITS_SESSIONS", "DUYETBOT_LIMITS__SESSIONS"),
            ("DUYETBOT_SESSIONS", "DUYETBOT_LIMITS__SESSIONS"),
            ("DUYETBOT_LIMIT__SESSION", "DUYETBOT_LIMITS__SESSIONS"),
            ("DUYETBOT_STORAGES", "DUYETBOT_STORAGE"),
            ("DUYETBOT_ORIGINS", "DUYETBOT_SERVE__ORIGINS"),
            ("DUYETBOT_SERVE_DRAIN_SECOND", "DUYETBOT_SERVE__DRAIN_SECONDS"),
            ("DUYETBOT_LOG_FORMAT", "DUYETBOT_LOG__FORMAT"),
            ("DUYETBOT_HOMES", "DUYETBOT_HOME"),
            ("DUYETBOT_JWT_SECRET", "JWT_SECRET"),
            ("DUYETBOT_API_URL", "API_URL"),
            ("DUYETBOT_OPENAI_API_KEY", "OPENAI_API_KEY"),
            ("JWT_SEKRET", "JWT_SECRET"),
            ("JWT_SECRETS", "JWT_SECRET"),
            ("JWT_SECRET_FILE", "JWT_SECRET"),
            ("JWT_SECRET_PREVIOUSLY", "JWT_SECRET_PREVIOUS"),
            ("METRIC_TOKEN", "METRICS_TOKEN"),
        ] {
            assert_eq!((is_known(written), meant(written).as_deref()), (false, Some(right)), "{written}");
        }
    }

    #[test]
    fn variables_that_orchestrators_and_other_programs_set_are_not_taken_for_misspelt_ones() {
        for name in [
            "DUYETBOT_SERVICE_HOST",
            "DUYETBOT_SERVICE_PORT",
            "DUYETBOT_SERVICE_PORT_HTTP",
            "DUYETBOT_PORT",
            "DUYETBOT_PORT_8787_TCP",
            "DUYETBOT_PORT_8787_TCP_ADDR",
            "DUYETBOT_PORT_8787_TCP_PROTO",
            "DUYETBOT_VERSION",
            "DUYETBOT_IMAGE",
            "APP_URL",
            "API_URLS",
            "JWT_ISSUER",
            "CSRF_SECRET",
            "PATH",
            "HOME",
        ] {
            assert_eq!(meant(name), None, "{name}");
        }
    }

    #[test]
    fn an_address_has_a_scheme_and_a_host_and_nothing_that_is_secret() {
        for right in [
            "https://bot.example.org",
            "http://127.0.0.1:8787",
            "https://example.org/api/",
            "https://[::1]:8787",
        ] {
            assert_eq!(check_address(right), Ok(()), "{right}");
        }
        for (wrong, said) in [
            ("example.org", "write https://example.org"),
            ("localhost:8787", "write http://localhost:8787"),
            ("ftp://example.org", "is reached by ftp"),
            ("https://", "is no address"),
            ("https://a b", "is no address"),
            ("https://example.org?x=1", "leave out what begins with"),
            ("https://example.org\n", "a line break"),
            ("https://ada:sesame@example.org", "a password"),
        ] {
            let refused = check_address(wrong).unwrap_err();
            assert!(refused.contains(said) && !refused.contains("sesame"), "{wrong}: {refused}");
        }
    }
}
