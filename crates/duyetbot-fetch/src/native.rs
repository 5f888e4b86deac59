//! Calls over sockets, with rustls.
use bytes::Bytes;
use duyetbot_core::{Error, Result};
use futures::{StreamExt, TryStreamExt};
use reqwest::{
    Certificate, ClientBuilder, NoProxy, Proxy, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect,
};
use std::{fmt, net::SocketAddr, sync::OnceLock};

use crate::{
    Call, Pem, Reach, Response, Roots, Settings, error,
    guard::{Refused, is_public, proxy_hosts},
};

/// This machine's own addresses: a model server on them is never reached through a proxy.
const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";

/// Two clients, each made at its first use: one that trusts nobody and so has no certificates to parse, for plain
/// HTTP, and one for everything else.
pub(crate) struct Transport {
    settings: Settings,
    plain: OnceLock<Result<reqwest::Client>>,
    secure: OnceLock<Result<reqwest::Client>>,
}

impl Transport {
    pub(crate) fn new(settings: Settings) -> Self {
        Transport { settings, plain: OnceLock::new(), secure: OnceLock::new() }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) async fn send(&self, call: Call, url: Url, host: String) -> Result<Response> {
        let client = self.client(&url)?;
        let mut request = client.request(call.method, url).headers(call.headers);
        if let Some(body) = call.body {
            request = request.body(body);
        }
        if let Some(limit) = call.timeout {
            request = request.timeout(limit);
        }
        let response = request.send().await.map_err(|cause| error::of(&host, cause))?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let of = host.clone();
        let body = response.bytes_stream().map_err(move |cause| error::of(&of, cause)).boxed();
        Ok(Response { status, headers, host, body })
    }

    fn client(&self, url: &Url) -> Result<reqwest::Client> {
        let is_plain = url.scheme() == "http" && !self.settings.proxies.any();
        let slot = if is_plain { &self.plain } else { &self.secure };
        slot.get_or_init(|| {
            let roots = if is_plain { Trust::Nobody } else { Trust::Roots(&self.settings.roots) };
            build(&self.settings, roots)
        })
        .clone()
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").finish_non_exhaustive()
    }
}

/// Answers public addresses alone, so that no other is connected to, whatever a name meant when it was looked at before.
struct PublicOnly {
    /// The names of proxies, which lie where they lie.
    except: Vec<String>,
}

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let name = name.as_str().trim_end_matches('.').to_ascii_lowercase();
        let is_proxy = self.except.contains(&name);
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let may: Vec<SocketAddr> = found.filter(|found| is_proxy || is_public(found.ip())).collect();
            if may.is_empty() { Err(Refused.into()) } else { Ok(Box::new(may.into_iter()) as Addrs) }
        })
    }
}

enum Trust<'a> {
    Nobody,
    Roots(&'a Roots),
}

fn build(settings: &Settings, trust: Trust<'_>) -> Result<reqwest::Client> {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // A second thread may have been faster; then its provider serves.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    let builder = reqwest::Client::builder()
        .user_agent(&settings.user_agent)
        .connect_timeout(settings.connect_timeout)
        .read_timeout(settings.idle_timeout)
        .redirect(redirect::Policy::none());
    let builder = match settings.reach {
        Reach::Anywhere => builder,
        Reach::Public => builder.dns_resolver(PublicOnly { except: proxy_hosts(&settings.proxies) }),
    };
    let builder = with_roots(builder, trust)?;
    with_proxies(builder, settings)?.build().map_err(|cause| error::of("the network", cause))
}

fn with_roots(builder: ClientBuilder, trust: Trust<'_>) -> Result<ClientBuilder> {
    match trust {
        Trust::Nobody => Ok(builder.tls_certs_only([])),
        Trust::Roots(Roots::System) => Ok(builder.tls_certs_merge(public_roots()?)),
        Trust::Roots(Roots::And(pem)) => {
            let mut all = public_roots()?;
            all.extend(certificates(pem)?);
            Ok(builder.tls_certs_merge(all))
        }
        Trust::Roots(Roots::Only(pem)) => Ok(builder.tls_certs_only(certificates(pem)?)),
    }
}

fn public_roots() -> Result<Vec<Certificate>> {
    webpki_root_certs::TLS_SERVER_ROOT_CERTS
        .iter()
        .map(|der| Certificate::from_der(der).map_err(Error::internal))
        .collect()
}

fn certificates(pem: &Pem) -> Result<Vec<Certificate>> {
    let (text, place) = match pem {
        Pem::Text(text) => (Bytes::from(text.clone()), "the setting".to_owned()),
        Pem::File(path) => {
            let place = path.display().to_string();
            let text = std::fs::read(path).map_err(|cause| {
                Error::invalid(format!("the certificates in {place} cannot be read: {cause}"))
                    .with_source(cause)
            })?;
            (Bytes::from(text), place)
        }
    };
    let found = Certificate::from_pem_bundle(&text)
        .map_err(|cause| Error::invalid(format!("what stands in {place} is not PEM: {cause}")))?;
    if found.is_empty() {
        return Err(Error::invalid(format!("no certificate stands in {place}")));
    }
    Ok(found)
}

fn with_proxies(mut builder: ClientBuilder, settings: &Settings) -> Result<ClientBuilder> {
    // Without this the library would look for proxies by itself.
    builder = builder.no_proxy();
    let proxies = &settings.proxies;
    let direct = NoProxy::from_string(&format!("{LOOPBACK},{}", proxies.bypass));
    let wrong = |cause| Error::invalid(format!("the proxy's URL cannot be right: {}", redacted(cause)));
    if let Some(url) = &proxies.http {
        builder = builder.proxy(Proxy::http(url).map_err(wrong)?.no_proxy(direct.clone()));
    }
    if let Some(url) = &proxies.https {
        builder = builder.proxy(Proxy::https(url).map_err(wrong)?.no_proxy(direct));
    }
    Ok(builder)
}

fn redacted(cause: reqwest::Error) -> String {
    let cause = cause.without_url();
    std::error::Error::source(&cause).map_or_else(|| "not a URL".to_owned(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_that_means_this_machine_is_not_resolved_unless_it_is_that_of_a_proxy() {
        let resolve = async |except: &[&str]| {
            let names = PublicOnly { except: except.iter().map(|name| (*name).to_owned()).collect() };
            names.resolve("Localhost.".parse().unwrap()).await.map(|found| found.count() > 0)
        };
        assert!(resolve(&[]).await.unwrap_err().is::<Refused>());
        assert!(resolve(&["localhost"]).await.unwrap());
    }
}
