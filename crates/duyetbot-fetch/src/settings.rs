//! What an application decides about outbound calls. Nothing here reads the environment: adapters do, and pass it in.
use std::{path::PathBuf, time::Duration};

/// How outbound calls are made. On wasm32 the platform decides all of it but the user agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// How long a server may say nothing, before its headers and between two pieces of a body.
    pub idle_timeout: Duration,
    /// The proxies to go through.
    pub proxies: Proxies,
    /// The certificate authorities to trust.
    pub roots: Roots,
    /// Which addresses may be reached.
    pub reach: Reach,
    /// How the program names itself.
    pub user_agent: String,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(120),
            proxies: Proxies::default(),
            roots: Roots::default(),
            reach: Reach::default(),
            user_agent: concat!("duyetbot/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// Which addresses may be reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// All: the person chose the URL, such as a model server on this machine.
    #[default]
    Anywhere,
    /// Those of the open internet only: somebody else may steer the URL. The address that was checked is the one that is
    /// connected to, at every call. What a name means behind a proxy only the proxy knows; then literal addresses and the
    /// names of this machine are refused. On wasm32 the platform shows no addresses either.
    Public,
}

/// The proxies to go through. This machine's own addresses never go through one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies {
    /// The proxy's URL for `http://` calls, with its credentials where it wants some.
    pub http: Option<String>,
    /// The proxy's URL for `https://` calls.
    pub https: Option<String>,
    /// Hosts, domains and networks that are reached directly, separated by commas.
    pub bypass: String,
}

impl Proxies {
    /// One proxy for every call.
    pub fn all(url: impl Into<String>) -> Self {
        let url = url.into();
        Proxies { http: Some(url.clone()), https: Some(url), bypass: String::new() }
    }
    /// Is there any?
    pub fn any(&self) -> bool {
        self.http.is_some() || self.https.is_some()
    }
}

/// The certificate authorities to trust. Where the system has none, the public ones that the program carries serve.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Roots {
    /// The system's and the public ones.
    #[default]
    System,
    /// Those and these: a company's proxy, a server of one's own.
    And(Pem),
    /// These alone.
    Only(Pem),
}

/// Certificates in PEM form, read at the first call that needs them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pem {
    /// The text itself.
    Text(Vec<u8>),
    /// A file with the text.
    File(PathBuf),
}
