//! `duyetbot login`, `whoami` and `logout`: who the person is to a server.
use duyetbot::SystemClock;
use duyetbot::client::{Connection, PlainHttp, Token};
use duyetbot_core::{Error, ErrorKind, Result};
use duyetbot_wire::User;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use serde_json::json;
use std::{
    io::{self, BufRead, IsTerminal, Read},
    sync::Arc,
};

use crate::{
    app::model_settings,
    args::{Global, Login},
    credentials::{Credential, Credentials},
    environment::Environment,
    exit::Exit,
    home::Home,
    output::Output,
    remote::{of_profile, profile, read_address, wanted},
    settings::{Settings, Value, set_in_profile},
};

/// Bytes of a token that are read.
const LONGEST: u64 = 8 * 1024;

/// What the commands work with.
pub(crate) struct Desk<'a> {
    pub(crate) environment: &'a Environment,
    pub(crate) home: &'a Home,
    pub(crate) settings: &'a Settings,
    pub(crate) flags: &'a Global,
    pub(crate) output: &'a Output,
}

impl Desk<'_> {
    /// Signs in: asks the server whose token it is, and keeps it for that server.
    pub(crate) async fn login(&self, login: Login) -> Result<Exit> {
        let name = profile(self.flags, self.settings)?;
        let known = self.settings.profiles.get(&name);
        let url = login
            .url
            .as_deref()
            .or_else(|| known.and_then(|known| known.url.as_deref()))
            .ok_or_else(|| Error::invalid("name the server: duyetbot login https://HOST --token"))?;
        let plain = login.plain_http || known.is_some_and(|known| known.plain_http);
        let plain = if plain { PlainHttp::Anywhere } else { PlainHttp::Loopback };
        let (address, in_url) = read_address(url, plain)?;
        let token = match (login.token.as_deref(), in_url) {
            (None, Some(token)) => token,
            (None, None) => {
                let words = "signing in through a browser is not there yet; sign in with --token (the token on standard input)";
                return Err(Error::new(ErrorKind::Unsupported, words));
            }
            (Some("" | "-"), _) => self.read_token()?,
            (Some(token), _) => Token::from(token.to_owned()),
        };
        if token.secret().is_empty() {
            return Err(Error::invalid("the token is empty; give it on standard input, or as --token=TOKEN"));
        }
        let fetch = model_settings(self.environment, self.home, self.settings).fetch();
        let connection =
            Connection::open(address.clone(), token.clone(), fetch, Arc::new(SystemClock)).await?;
        let user = connection.me().await?;
        self.home.make()?;
        let (url, token) = (address.to_string(), token.secret().to_owned());
        let credential = Credential { url: url.clone(), token, person: user.id.clone() };
        Credentials::of(self.home).save(&name, credential)?;
        let config = self.home.config();
        set_in_profile(&config, &name, "url", &Value::Text(url.clone()))?;
        if login.plain_http {
            set_in_profile(&config, &name, "plain_http", &Value::Switch(true))?;
        }
        if self.output.is_json() {
            self.output.json(&json!({ "profile": name, "url": url, "user": user }))?;
        } else {
            self.output.line(&format!("signed in at {url} as {}", named(&user)))?;
            self.output.notice("`duyetbot ask --remote \"…\"` asks there");
        }
        Ok(Exit::Done)
    }

    /// Forgets the token. The server is not told: a token is revoked where it was made.
    pub(crate) fn logout(&self) -> Result<Exit> {
        let name = profile(self.flags, self.settings)?;
        let forgotten = Credentials::of(self.home).forget(&name)?;
        if self.output.is_json() {
            let url = forgotten.as_ref().map(|credential| &credential.url);
            self.output.json(&json!({ "profile": name, "url": url, "signedOut": forgotten.is_some() }))?;
            return Ok(Exit::Done);
        }
        self.output.line(&match forgotten {
            Some(credential) => format!(
                "signed out at {}; the token itself is valid until it is revoked there",
                credential.url
            ),
            None => format!("the profile {name:?} was not signed in"),
        })?;
        Ok(Exit::Done)
    }

    /// Says who the person is at the server.
    pub(crate) async fn whoami(&self) -> Result<Exit> {
        let target = match wanted(self.flags, self.settings)? {
            Some(target) => target,
            None => of_profile(&profile(self.flags, self.settings)?, self.settings)?,
        };
        let user = target.connect(self.environment, self.home, self.settings).await?.me().await?;
        if self.output.is_json() {
            self.output.json(&user)?;
        } else {
            self.output.line(&format!("{} at {}", named(&user), target.address))?;
        }
        Ok(Exit::Done)
    }

    /// The first line of standard input; a terminal does not show it.
    fn read_token(&self) -> Result<Token> {
        let stdin = io::stdin();
        let hidden = if stdin.is_terminal() {
            // Hidden first: what is typed at the prompt is never shown.
            let hidden = Hidden::now()?;
            self.output.prompt("token: ");
            Some(hidden)
        } else {
            None
        };
        let mut line = String::new();
        let read = stdin.lock().take(LONGEST).read_line(&mut line);
        if hidden.is_some() {
            self.output.prompt("\n");
        }
        drop(hidden);
        read.map_err(|error| {
            Error::invalid(format!("the token cannot be read from standard input: {error}"))
        })?;
        Ok(Token::from(line))
    }
}

/// A person in a line.
fn named(user: &User) -> String {
    let name = user.name.as_deref().or(user.email.as_deref());
    name.map_or_else(|| user.id.clone(), |name| format!("{name} ({})", user.id))
}

/// While it lives the terminal does not show what is typed.
struct Hidden(rustix::termios::Termios);

impl Hidden {
    fn now() -> Result<Self> {
        let before = tcgetattr(io::stdin()).map_err(Error::internal)?;
        let mut without = before.clone();
        without.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &without).map_err(Error::internal)?;
        Ok(Hidden(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // Where the terminal is gone there is nothing to restore.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}
