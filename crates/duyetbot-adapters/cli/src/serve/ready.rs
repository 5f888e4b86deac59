//! `duyetbot serve --ready`: asks the server that these settings start whether it can serve, as a container's probe does.
use duyetbot_core::{Error, ErrorKind, Result};
use duyetbot_fetch::{Call, Client};
use serde_json::Value;
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use super::address::Listening;
use crate::{exit::Exit, output::Output};

/// How long an answer may take. The server itself gives its storage a second.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of an answer that are read.
const LARGEST: usize = 16 * 1024;

/// Asks once. Whatever is not a yes is a failure.
pub(super) async fn run(output: &Output, address: &Listening) -> Result<Exit> {
    let host = asked(&address.text)?;
    // Without the proxies of the environment: what is asked is this machine.
    let call = Call::get(format!("http://{host}/readyz")).timeout(PATIENCE);
    let answer = Client::default().send(call).await?;
    let status = answer.status();
    let body: Value = serde_json::from_slice(&answer.read_head(LARGEST).await).unwrap_or_default();
    // Another program at this address may say yes to everything.
    if status == 200 && body["status"] == "ok" {
        if output.is_json() {
            output.json(&body)?;
        } else {
            output.line(&format!("{host} is ready"))?;
        }
        return Ok(Exit::Done);
    }
    let why = match body["detail"].as_str() {
        Some(detail) => detail.to_owned(),
        None => format!("it answers {status}, as no server of duyetbot does"),
    };
    Err(Error::new(ErrorKind::Unavailable, format!("{host} is not ready: {why}")))
}

/// The host and port to ask, for an address to listen on: one that stands for all of the machine's is asked on loopback.
fn asked(text: &str) -> Result<String> {
    let Ok(mut address) = text.parse::<SocketAddr>() else { return Ok(text.to_owned()) };
    if address.port() == 0 {
        return Err(Error::invalid(format!(
            "{text} lets the server pick a port, so that nobody knows where to ask; name one with --listen or serve.listen"
        )));
    }
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    Ok(address.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_stands_for_all_is_asked_on_loopback() {
        for (listened, host) in [
            ("0.0.0.0:8787", "127.0.0.1:8787"),
            ("[::]:80", "[::1]:80"),
            ("192.0.2.1:8787", "192.0.2.1:8787"),
            ("localhost:8787", "localhost:8787"),
        ] {
            assert_eq!(asked(listened).unwrap(), host);
        }
        assert!(asked("127.0.0.1:0").unwrap_err().message().contains("pick a port"));
    }
}
