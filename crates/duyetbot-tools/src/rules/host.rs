//! The host of an address, spelled in one way.
use url::{Host, Url};

/// The host that an address of the web leads to; else why it is none.
pub(crate) fn of_address(address: &str) -> Result<String, &'static str> {
    let url = Url::parse(address).map_err(|_| "it is no address")?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("only http and https are fetched");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it carries a name or a password");
    }
    let host = url.host().ok_or("it names no host")?;
    Ok(spelled(&host.to_string()))
}

/// A host as a rule names it; none where it is more or less than a host.
pub(crate) fn of_rule(host: &str) -> Option<String> {
    let spare = host.contains(['*', '/', '@', '?', '#']) || host.chars().any(char::is_whitespace);
    if spare {
        return None;
    }
    Host::parse(host).ok().map(|host| spelled(&host.to_string()))
}

fn spelled(host: &str) -> String {
    host.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_one_spelling() {
        for (address, host) in [
            ("https://Example.ORG./a", Ok("example.org")),
            ("http://example.org:8080/", Ok("example.org")),
            ("http://127.1/", Ok("127.0.0.1")),
            ("http://2130706433/", Ok("127.0.0.1")),
            ("http://[::1]/", Ok("[::1]")),
            ("http://bücher.example/", Ok("xn--bcher-kva.example")),
            ("http://good.test@127.0.0.1/", Err("it carries a name or a password")),
            ("file:///etc/passwd", Err("only http and https are fetched")),
            ("gopher://a/", Err("only http and https are fetched")),
            ("example.org", Err("it is no address")),
        ] {
            assert_eq!(of_address(address), host.map(str::to_owned), "{address}");
        }
        let rules = ["Example.org.", "bücher.example", "127.1", "[::1]", "*.example.org", "a/b", "a b", ""];
        let read = [
            Some("example.org"),
            Some("xn--bcher-kva.example"),
            Some("127.0.0.1"),
            Some("[::1]"),
            None,
            None,
            None,
            None,
        ];
        assert_eq!(rules.map(of_rule), read.map(|host| host.map(str::to_owned)));
    }
}
