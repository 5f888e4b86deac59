//! Where a server is, and whether a token may be sent there as it would go over the wire.
use duyetbot_core::{Error, Result};
use std::fmt;
use url::{Host, Url};

/// Whether a token may go over a network in the clear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PlainHttp {
    /// Only within this machine.
    #[default]
    Loopback,
    /// The person says that the network is safe: a private one, a tunnel.
    Anywhere,
}

/// A server's address: `https://HOST`, with a port and a path where it has them.
///
/// ```
/// use duyetbot_client::{Address, PlainHttp};
/// let address = Address::parse("http://127.0.0.1:8787/", PlainHttp::Loopback)?;
/// assert_eq!(address.to_string(), "http://127.0.0.1:8787");
/// assert!(Address::parse("http://example.org", PlainHttp::Loopback).is_err());
/// # Ok::<(), duyetbot_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Without a slash at its end.
    base: String,
    host: String,
}

impl Address {
    /// The address that a person gave. What stands in it behind `?` or `#` is no part of it.
    ///
    /// # Errors
    /// `Invalid` where it is no address, holds a password, or would carry a token in the clear to another machine.
    pub fn parse(text: &str, plain: PlainHttp) -> Result<Self> {
        let mut url = Url::parse(text.trim()).map_err(|cause| {
            Error::invalid(format!("the server's address is no URL ({cause}): use https://HOST"))
        })?;
        let Some(host) = url.host().map(|host| host.to_owned()) else {
            return Err(Error::invalid("the server's address names no host: use https://HOST"));
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Error::invalid(
                "the server's address holds a name or password; leave it out, a token says who calls",
            ));
        }
        match url.scheme() {
            "https" => {}
            "http" if plain == PlainHttp::Anywhere || is_this_machine(&host) => {}
            "http" => {
                return Err(Error::invalid(format!(
                    "http://{host} would carry the token in the clear; use https, or allow plain HTTP where the network \
                     is your own"
                )));
            }
            other => return Err(Error::invalid(format!("a server is reached by https, not by {other:?}"))),
        }
        url.set_query(None);
        url.set_fragment(None);
        let host = url.port().map_or_else(|| host.to_string(), |port| format!("{host}:{port}"));
        Ok(Address { base: url.as_str().trim_end_matches('/').to_owned(), host })
    }

    /// The host, with its port where that is not the usual one.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The host that a redirect from here leads to.
    pub(crate) fn resolved_host(&self, location: &str) -> String {
        let target = Url::parse(&self.base).ok().and_then(|base| base.join(location).ok());
        let target = target.map(|url| url.origin().ascii_serialization());
        target.unwrap_or_else(|| "another address".to_owned())
    }

    /// The URL of a path of the API.
    pub(crate) fn of(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)
    }
}

fn is_this_machine(host: &Host) -> bool {
    match host {
        Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, plain: PlainHttp) -> std::result::Result<String, String> {
        Address::parse(text, plain).map(|a| a.to_string()).map_err(|e| e.message().to_owned())
    }

    #[test]
    fn an_address_is_kept_without_what_is_no_part_of_it() {
        for (text, kept) in [
            ("https://Bot.example.org/", "https://bot.example.org"),
            ("https://example.org:8443/duyetbot/", "https://example.org:8443/duyetbot"),
            ("http://127.0.0.1:8787/?token=secret", "http://127.0.0.1:8787"),
            ("http://localhost:1#x", "http://localhost:1"),
            ("http://[::1]:8787", "http://[::1]:8787"),
        ] {
            assert_eq!(of(text, PlainHttp::Loopback), Ok(kept.to_owned()));
        }
    }

    #[test]
    fn a_token_does_not_leave_this_machine_in_the_clear_unless_the_person_says_so() {
        for text in
            ["http://example.org", "http://10.0.0.1:8787", "http://127.0.0.1.example.org", "http://[fd00::1]"]
        {
            let refused = of(text, PlainHttp::Loopback).unwrap_err();
            assert!(refused.contains("in the clear"), "{text}: {refused}");
            assert!(of(text, PlainHttp::Anywhere).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_of_a_server_is_refused_without_its_secrets() {
        for text in [
            "",
            "example.org",
            "ftp://example.org",
            "https://",
            "file:///etc/passwd",
            "https://me:pw-1@example.org",
        ] {
            let refused = of(text, PlainHttp::Anywhere).unwrap_err();
            assert!(!refused.contains("pw-1"), "{refused}");
        }
    }
}
