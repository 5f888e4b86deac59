//! Which server a command goes to, if to any, and as whom.
use duyetbot::SystemClock;
use duyetbot::client::{Address, Connection, PlainHttp, Token};
use duyetbot_core::{Error, ErrorKind, Result, Scope};
use std::sync::Arc;
use url::Url;

use crate::{
    app::model_settings,
    args::Global,
    credentials::{Credential, Credentials},
    environment::Environment,
    home::Home,
    settings::{DEFAULT_PROFILE, Profile, Settings, check_profile_name},
};

/// A server as a person names it.
pub(crate) struct Target {
    /// The profile; none where an address was given.
    pub(crate) profile: Option<String>,
    pub(crate) address: Address,
    /// What came with the address.
    token: Option<Token>,
}

/// The profile that is meant: the flag's, else the setting's.
pub(crate) fn profile(flags: &Global, settings: &Settings) -> Result<String> {
    let named = flags.profile.clone().or_else(|| settings.text("profile"));
    let name = named.unwrap_or_else(|| DEFAULT_PROFILE.to_owned());
    check_profile_name(&name)?;
    Ok(name)
}

/// Where commands go; none where that is here.
pub(crate) fn wanted(flags: &Global, settings: &Settings) -> Result<Option<Target>> {
    match flags.remote.as_deref() {
        Some(address) if address.contains("://") => {
            let plain = plain_http(settings.profiles.get(&profile(flags, settings)?));
            let (address, token) = read_address(address, plain)?;
            Ok(Some(Target { profile: None, address, token }))
        }
        Some(name) if !name.is_empty() => {
            check_profile_name(name)?;
            of_profile(name, settings).map(Some)
        }
        Some(_) => of_profile(&profile(flags, settings)?, settings).map(Some),
        None => {
            let name = profile(flags, settings)?;
            let goes_there = settings.profiles.get(&name).is_some_and(|profile| profile.remote);
            if goes_there { of_profile(&name, settings).map(Some) } else { Ok(None) }
        }
    }
}

/// The server of a profile.
pub(crate) fn of_profile(name: &str, settings: &Settings) -> Result<Target> {
    let profile = settings.profiles.get(name);
    let Some(url) = profile.and_then(|profile| profile.url.as_deref()) else {
        return Err(not_signed_in(&format!("the profile {name:?} names no server")));
    };
    let (address, token) = read_address(url, plain_http(profile))?;
    Ok(Target { profile: Some(name.to_owned()), address, token })
}

fn plain_http(profile: Option<&Profile>) -> PlainHttp {
    if profile.is_some_and(|profile| profile.plain_http) { PlainHttp::Anywhere } else { PlainHttp::Loopback }
}

/// An address, and the token that `serve` writes behind it.
pub(crate) fn read_address(text: &str, plain: PlainHttp) -> Result<(Address, Option<Token>)> {
    let address = Address::parse(text, plain)?;
    let url = Url::parse(text.trim()).ok();
    let token = url.and_then(|url| {
        url.query_pairs().find(|(name, _)| name == "token").map(|(_, token)| token.into_owned())
    });
    Ok((address, token.map(Token::from)))
}

impl Target {
    /// Connects as whoever is signed in there.
    pub(crate) async fn connect(
        &self,
        environment: &Environment,
        home: &Home,
        settings: &Settings,
    ) -> Result<Connection> {
        let fetch = model_settings(environment, home, settings).fetch();
        let (address, clock) = (self.address.clone(), Arc::new(SystemClock));
        let given = self.token.clone().or_else(|| settings.text("token").map(Token::from));
        if let Some(token) = given {
            return Connection::open(address, token, fetch, clock).await;
        }
        let known = self.credential(&Credentials::of(home))?;
        let scope = Scope::vouched(known.person.clone(), known.person);
        Ok(Connection::vouched(address, Token::from(known.token), scope, fetch, clock))
    }

    /// What was saved for this server: a token is never taken to another.
    fn credential(&self, credentials: &Credentials) -> Result<Credential> {
        let mut all = credentials.read()?;
        let is_its = |credential: &Credential| credential.url == self.address.to_string();
        let found = match &self.profile {
            Some(name) => all.remove(name).filter(is_its),
            None => all.into_values().find(is_its),
        };
        found.ok_or_else(|| not_signed_in(&format!("you are not signed in at {}", self.address)))
    }
}

fn not_signed_in(why: &str) -> Error {
    let words = format!("{why}; sign in with: duyetbot login URL --token (the token on standard input)");
    Error::new(ErrorKind::Unauthorized, words)
}
