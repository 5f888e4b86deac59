//! People: who they are here, and by which logins they are known.
use std::{fmt, str::FromStr};
use uuid::Uuid;

use crate::{
    error::{Code, Error, Result},
    scope::Scope,
    text,
    time_stamp::Timestamp,
};

/// Bytes of an id, an address, a name and a picture's address, at most.
const LONGEST: usize = 320;
/// Bytes of a person's settings, at most.
pub const LARGEST_SETTINGS: usize = 64 * 1024;
/// Who vouches for a person whom the operator added, until the first login.
const INVITED: &str = "invited";

/// A person's id, for life: the provider and subject of the first login, or `invited:UUID`. It is also the id of the owner
/// of all that the person has, and is never given again.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId(String);

impl UserId {
    /// The id of a person whom the operator adds.
    pub fn invited(id: Uuid) -> Self {
        UserId(format!("{INVITED}:{id}"))
    }
    /// The id of a person who begins with this login.
    pub fn of(identity: &Identity) -> Result<Self> {
        format!("{}:{}", identity.provider, identity.subject).parse()
    }
    /// The scope of what the person of this id has.
    pub fn scope(&self) -> Scope {
        Scope::stored(self.0.clone(), self.0.clone())
    }
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// Who vouched for the person first.
    pub fn provider(&self) -> &str {
        self.0.split_once(':').map_or(&*self.0, |(provider, _)| provider)
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for UserId {
    type Err = Error;
    /// `provider:subject`, both of visible ASCII characters.
    fn from_str(s: &str) -> Result<Self> {
        let whole = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_graphic());
        let is_id = s.len() <= LONGEST
            && s.split_once(':').is_some_and(|(provider, subject)| whole(provider) && whole(subject));
        if is_id {
            Ok(UserId(s.to_owned()))
        } else {
            Err(Error::invalid(format!("not the id of a user: {s:?}")))
        }
    }
}

/// A login: a provider, and the subject that never changes there. Neither an address nor a login name is one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity {
    /// The provider, such as `github`.
    pub provider: String,
    /// The provider's immutable id of the person.
    pub subject: String,
}

/// A person as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The id.
    pub id: UserId,
    /// An address that a provider verified, or that the operator invited. It identifies nobody.
    pub email: Option<String>,
    /// The name.
    pub name: Option<String>,
    /// The address of a picture.
    pub picture: Option<String>,
    /// Who vouches for the person: `invited` until the first login.
    pub provider: String,
    /// The person's own: a JSON object.
    pub settings: String,
    /// When the person was added.
    pub created: Timestamp,
    /// When anything of this last changed.
    pub updated: Timestamp,
}

impl User {
    /// The scope of what the person has.
    pub fn scope(&self) -> Scope {
        self.id.scope()
    }
    /// Where a list goes on after this person.
    pub fn cursor(&self) -> UserCursor {
        UserCursor { created: self.created, id: self.id.clone() }
    }
}

/// A place in the list of people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserCursor {
    /// When the last person shown was added.
    pub created: Timestamp,
    /// The last person shown.
    pub id: UserId,
}

/// A person to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUser {
    /// The id, made by the client.
    pub id: UserId,
    /// An address that is verified, or that the operator vouches for.
    pub email: Option<String>,
    /// The name.
    pub name: Option<String>,
    /// The address of a picture.
    pub picture: Option<String>,
    /// The login that the person begins with.
    pub identity: Option<Identity>,
}

impl NewUser {
    /// A person whom the operator adds by an address.
    pub fn invited(id: Uuid, email: &str) -> Self {
        NewUser {
            id: UserId::invited(id),
            email: Some(email.trim().to_owned()),
            name: None,
            picture: None,
            identity: None,
        }
    }
    /// Refuses as `Invalid` what no store could take. Every backend calls it first.
    pub fn check(&self) -> Result<()> {
        if let Some(email) = &self.email {
            check_email(email)?;
        }
        for (field, value) in [("name", &self.name), ("picture", &self.picture)] {
            check_short(field, value.as_deref().unwrap_or_default())?;
        }
        self.identity.as_ref().map_or(Ok(()), |identity| UserId::of(identity).map(drop))
    }
}

/// What a person changes of the own profile; what is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserChange {
    /// The name; an empty one is none.
    pub name: Option<String>,
    /// The settings: a JSON object.
    pub settings: Option<String>,
}

impl UserChange {
    /// Refuses as `Invalid` what no store could take. Every backend calls it first.
    pub fn check(&self) -> Result<()> {
        if let Some(name) = &self.name {
            check_short("name", name)?;
        }
        let Some(settings) = &self.settings else { return Ok(()) };
        if settings.len() > LARGEST_SETTINGS {
            let words = format!("the settings have more than {LARGEST_SETTINGS} bytes; keep less in them");
            return Err(Error::invalid(words).with_code(Code::TooLarge));
        }
        serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(settings)
            .map(drop)
            .map_err(|e| Error::invalid(format!("the settings are not a JSON object: {e}")))
    }
}

/// The form of an address by which it is told from others.
pub fn folded_email(email: &str) -> String {
    email.trim().to_lowercase()
}

/// Refuses what cannot be an address. Whether somebody reads what is sent there is not for its form to tell.
fn check_email(email: &str) -> Result<()> {
    let part = |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c.is_control());
    let is_address = email.len() <= LONGEST
        && email.rsplit_once('@').is_some_and(|(local, domain)| part(local) && part(domain));
    if is_address {
        return Ok(());
    }
    Err(Error::invalid(format!("{email:?} is no e-mail address; give one such as ada@example.org")))
}

pub(crate) fn check_short(field: &str, value: &str) -> Result<()> {
    text::check(value, field)?;
    if value.len() <= LONGEST {
        return Ok(());
    }
    let words = format!("{field} has more than {LONGEST} bytes; give a shorter one");
    Err(Error::invalid(words).with_code(Code::TooLarge))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_provider_and_a_subject() {
        let identity = Identity { provider: "github".into(), subject: "123456".into() };
        let id = UserId::of(&identity).unwrap();
        assert_eq!((id.as_str(), id.provider()), ("github:123456", "github"));
        let invited = UserId::invited(Uuid::nil());
        assert_eq!(invited.to_string(), "invited:00000000-0000-0000-0000-000000000000");
        assert_eq!(invited.to_string().parse::<UserId>().unwrap(), invited);
        for wrong in ["", "github", ":1", "github:", "git hub:1", "github:1\0", "github:\u{e9}"] {
            assert!(wrong.parse::<UserId>().is_err(), "{wrong:?}");
        }
        assert!(format!("github:{}", "1".repeat(400)).parse::<UserId>().is_err());
    }

    #[test]
    fn an_address_has_a_local_part_and_a_domain() {
        for right in ["ada@example.org", "a.b+c@sub.example", "\"odd@one\"@example.org", "é@exämple.org"] {
            assert!(check_email(right).is_ok(), "{right:?}");
        }
        for wrong in ["", "ada", "@example.org", "ada@", "a da@example.org", "ada@example.org\n", "a\0@b"] {
            assert!(check_email(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(folded_email(" Ada@Example.ORG "), "ada@example.org");
    }
}
