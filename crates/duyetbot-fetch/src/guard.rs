//! Which addresses a call may reach, where a person or a page chooses its URL.
use duyetbot_core::{Error, ErrorKind, Result};
use reqwest::Url;
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};
use url::Host;

use crate::{Proxies, Reach, Settings};

/// An address is not reached from here.
#[derive(Debug)]
pub(crate) struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it is an address of this machine or of a private network")
    }
}

impl std::error::Error for Refused {}

/// The refusal as an error that names the host.
pub(crate) fn refusal(host: &str) -> Error {
    Error::new(ErrorKind::Forbidden, format!("{host} is not reached from here: {Refused}"))
        .with_source(Refused)
}

/// Refuses a URL whose host is an address that may not be reached, or a name that can mean no other.
pub(crate) fn check(settings: &Settings, url: &Url, host: &str) -> Result<()> {
    if settings.reach == Reach::Anywhere {
        return Ok(());
    }
    let may = match url.host() {
        Some(Host::Ipv4(address)) => is_public(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => is_public(IpAddr::V6(address)),
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            // A proxy's own name is let through below, so that the proxy can be reached.
            name != "localhost"
                && !name.ends_with(".localhost")
                && !proxy_hosts(&settings.proxies).contains(&name)
        }
        None => false,
    };
    if may { Ok(()) } else { Err(refusal(host)) }
}

/// The names that proxies are reached by.
pub(crate) fn proxy_hosts(proxies: &Proxies) -> Vec<String> {
    let urls = [&proxies.http, &proxies.https].into_iter().flatten();
    let hosts = urls.filter_map(|url| Url::parse(url).ok()?.host_str().map(str::to_ascii_lowercase));
    hosts.map(|host| host.trim_end_matches('.').to_owned()).collect()
}

/// Is it an address of the open internet? Those that carry another within them are what that is.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = match a {
        0 | 10 | 127 | 224.. => true,
        100 => b & 0xc0 == 64,
        169 => b == 254,
        172 => b & 0xf0 == 16,
        192 => matches!((b, c), (168, _) | (0, 0) | (0, 2) | (88, 99)),
        198 => b & 0xfe == 18 || (b, c) == (51, 100),
        203 => (b, c) == (0, 113),
        _ => false,
    };
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let inner = |high: u16, low: u16| is_public_v4(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)));
    match (a, b, c, d, e, f) {
        // IPv4-mapped, IPv4-compatible, and NAT64.
        (0, 0, 0, 0, 0, 0xffff | 0) | (0x64, 0xff9b, 0, 0, 0, 0) => inner(g, h),
        // 6to4.
        (0x2002, ..) => inner(b, c),
        // Teredo, ORCHID and their like; documentation.
        (0x2001, 0..=0x1ff | 0xdb8, ..) | (0x3fff, 0..=0xfff, ..) => false,
        // The only block that was given out for the open internet.
        (0x2000..=0x3fff, ..) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_this_machine_and_of_private_networks_are_not_public() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.1.1",
            "198.51.100.1",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "100::1",
            "3fff::1",
            "4000::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn addresses_of_the_open_internet_are() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.0.1",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.17.0.1",
            "223.255.255.1",
            "2606:4700::1111",
            "2a00:1450::1",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2002:808:808::",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn every_spelling_of_a_refused_host_is_refused() {
        let proxies = Proxies::all("http://Proxy.corp:3128");
        let settings = Settings { reach: Reach::Public, proxies, ..Settings::default() };
        for host in [
            "127.1",
            "2130706433",
            "0x7f.0.0.1",
            "0177.0.0.1",
            "[::ffff:127.0.0.1]",
            "[::1]",
            "0.0.0.0",
            "localhost",
            "localhost.",
            "LOCALHOST",
            "a.localhost",
            "good.test@127.0.0.1",
            "169.254.169.254",
            "proxy.corp",
            "proxy.corp.",
        ] {
            let url = Url::parse(&format!("http://{host}:8080/")).unwrap();
            let error = check(&settings, &url, "HOST").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Forbidden, "{host}");
            let right =
                "HOST is not reached from here: it is an address of this machine or of a private network";
            assert_eq!(error.message(), right);
            assert!(check(&Settings::default(), &url, "HOST").is_ok());
        }
        assert!(check(&settings, &Url::parse("http://example.org/").unwrap(), "example.org").is_ok());
    }
}
