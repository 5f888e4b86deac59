//! The transport's failures as the core's error. A sentence names the host, never a path, a query or credentials.
use duyetbot_core::{Code, Error, ErrorKind, Retry};
use reqwest::Url;

use crate::guard;

/// The host of a URL, with its port where that is not the usual one.
pub(crate) fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// A call to this host failed.
pub(crate) fn of(host: &str, cause: reqwest::Error) -> Error {
    let cause = cause.without_url();
    if chain(&cause).any(|link| link.is::<guard::Refused>()) {
        return guard::refusal(host);
    }
    if cause.is_builder() {
        return Error::invalid(format!("the call to {host} cannot be made: {}", innermost(&cause)));
    }
    let error = |sentence: String| Error::new(ErrorKind::Unavailable, sentence).with_code(Code::Network);
    if is_distrust(&cause) {
        let sentence = format!(
            "the certificate of {host} is not trusted ({}); where a proxy or a server of your own signs it, \
             set SSL_CERT_FILE to its authority's certificate",
            innermost(&cause)
        );
        return error(sentence).with_source(cause);
    }
    let sentence = if cause.is_timeout() && is_connect(&cause) {
        format!("no connection to {host} within the time limit")
    } else if cause.is_timeout() {
        format!("{host} said nothing within the time limit")
    } else if is_connect(&cause) {
        format!("cannot reach {host}: {}", innermost(&cause))
    } else {
        format!("the connection to {host} broke: {}", innermost(&cause))
    };
    error(sentence).with_retry(Retry::Now).with_source(cause)
}

#[cfg(not(target_arch = "wasm32"))]
fn is_connect(cause: &reqwest::Error) -> bool {
    cause.is_connect()
}

#[cfg(target_arch = "wasm32")]
fn is_connect(cause: &reqwest::Error) -> bool {
    cause.is_request()
}

#[cfg(not(target_arch = "wasm32"))]
fn is_distrust(cause: &reqwest::Error) -> bool {
    chain(cause).any(|link| {
        let inner = link.downcast_ref::<std::io::Error>().and_then(|io| io.get_ref());
        let tls = inner.and_then(|e| e.downcast_ref()).or_else(|| link.downcast_ref::<rustls::Error>());
        matches!(tls, Some(rustls::Error::InvalidCertificate(_)))
    })
}

#[cfg(target_arch = "wasm32")]
fn is_distrust(_: &reqwest::Error) -> bool {
    false
}

fn chain(cause: &reqwest::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(Some(cause as &(dyn std::error::Error + 'static)), |link| link.source())
}

/// What went wrong at the bottom: the links above it only say which layer failed.
fn innermost(cause: &reqwest::Error) -> String {
    chain(cause).last().map(ToString::to_string).unwrap_or_default()
}
