//! API tokens: what a person gives to a program, so that it may act in the person's place.
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{collections::BTreeSet, fmt, time::Duration};

use crate::{
    error::{Error, ErrorKind, Result},
    id::TokenId,
    message::hex,
    scope::Scope,
    time_stamp::Timestamp,
    user::check_short,
};

/// Tokens that a person has at the same time, at most.
pub const MOST_TOKENS: u64 = 100;
/// How exactly it is known when a token was last used.
pub const USE_STEP: Duration = Duration::from_secs(3600);

/// How a token begins, so that people and scanners know one.
const PREFIX: &str = "dbt_";
/// Random bytes of a token. So many cannot be guessed, and so a plain hash of them keeps them.
const BYTES: usize = 32;

/// A token itself: `dbt_` and 64 hexadecimal digits. It is shown once, and only its hash is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiSecret(String);

impl ApiSecret {
    /// A new token.
    ///
    /// # Errors
    /// Where the machine has no random numbers.
    pub fn random() -> Result<Self> {
        let mut bytes = [0; BYTES];
        getrandom::fill(&mut bytes).map_err(Error::internal)?;
        Ok(ApiSecret(format!("{PREFIX}{}", hex(&bytes))))
    }
    /// What somebody presents as a token; none where it cannot be one.
    pub fn presented(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(PREFIX)?;
        let is_token =
            digits.len() == 2 * BYTES && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        is_token.then(|| ApiSecret(text.to_owned()))
    }
    /// What is stored of it.
    pub fn hash(&self) -> TokenHash {
        TokenHash(hex(&Sha256::digest(&self.0)))
    }
    /// The token, to be shown to its person.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiSecret(…)")
    }
}

/// SHA-256 of a token, in hex: the key that it is looked up by.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenHash(String);

impl TokenHash {
    /// The hash as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a token lets its bearer do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// Read sessions, messages, files and usage, search, and watch runs.
    Read,
    /// Begin, decide and stop runs, and store files for them.
    Chat,
    /// Make, change and delete sessions.
    Write,
    /// Change the profile, tokens and keys, export and erase everything.
    Account,
}

impl Permission {
    /// All of them.
    pub const ALL: [Permission; 4] =
        [Permission::Read, Permission::Chat, Permission::Write, Permission::Account];

    /// The stable word of this permission.
    pub fn as_str(self) -> &'static str {
        match self {
            Permission::Read => "read",
            Permission::Chat => "chat",
            Permission::Write => "write",
            Permission::Account => "account",
        }
    }
    /// The permission of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Permission::ALL.into_iter().find(|permission| permission.as_str() == word)
    }
    /// Refuses, by the scope's name, who was not granted this.
    pub fn demand(self, granted: &BTreeSet<Permission>) -> Result<()> {
        if granted.contains(&self) {
            return Ok(());
        }
        let words = format!("this token lacks the scope {:?}; use one that has it", self.as_str());
        Err(Error::new(ErrorKind::Forbidden, words))
    }
}

/// A token as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiToken {
    /// Its id.
    pub id: TokenId,
    /// What its person calls it.
    pub name: String,
    /// What it lets its bearer do.
    pub permissions: BTreeSet<Permission>,
    /// When it was made.
    pub created: Timestamp,
    /// From when on it is refused.
    pub expires: Option<Timestamp>,
    /// When it was last used, to the [`USE_STEP`].
    pub used: Option<Timestamp>,
}

impl ApiToken {
    /// Whether its use is to be noted: at most once a [`USE_STEP`], for a note is a write.
    pub fn is_use_due(&self, now: Timestamp) -> bool {
        self.used.is_none_or(|used| used.plus(USE_STEP) <= now)
    }
}

/// A token to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken {
    /// Its id, made by the client.
    pub id: TokenId,
    /// What its person calls it.
    pub name: String,
    /// What it lets its bearer do.
    pub permissions: BTreeSet<Permission>,
    /// From when on it is refused.
    pub expires: Option<Timestamp>,
    /// The hash of the token.
    pub hash: TokenHash,
}

impl NewToken {
    /// A token that may do everything, for good.
    pub fn full(name: &str, secret: &ApiSecret) -> Self {
        NewToken {
            id: TokenId::new(),
            name: name.to_owned(),
            permissions: Permission::ALL.into(),
            expires: None,
            hash: secret.hash(),
        }
    }
    /// Refuses as `Invalid` what no store could take. Every backend calls it first.
    pub fn check(&self) -> Result<()> {
        if self.name.trim().is_empty() {
            return Err(Error::invalid("the token has no name; say what it is for"));
        }
        if self.permissions.is_empty() {
            return Err(Error::invalid("the token may do nothing; name what it is to do, or leave that out"));
        }
        check_short("name", &self.name)
    }
}

/// Who a token stands for, and what it lets its bearer do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// Whose data its bearer may touch.
    pub scope: Scope,
    /// The token.
    pub token: ApiToken,
}

impl SignedIn {
    /// Refuses what the token does not let its bearer do.
    pub fn needs(&self, permission: Permission) -> Result<()> {
        permission.demand(&self.token.permissions)
    }
}

/// The one answer to every token that is not valid, whatever is wrong with it.
pub fn token_refused() -> Error {
    Error::new(ErrorKind::Unauthorized, "the token is not valid here; it may be wrong, revoked or expired")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_told_by_its_form_and_kept_as_its_hash() {
        let secret = ApiSecret::random().unwrap();
        assert_ne!(secret, ApiSecret::random().unwrap());
        assert_eq!(secret.expose().len(), 68);
        assert_eq!(ApiSecret::presented(secret.expose()), Some(secret.clone()));
        assert_eq!(format!("{secret:?}"), "ApiSecret(…)");
        let zeros = ApiSecret::presented(&format!("dbt_{}", "0".repeat(64))).unwrap();
        let hash = "c99b3381e1dffa1c97dd1635f03573b2531380be0a47780986451abe6a3ec8fb";
        assert_eq!(zeros.hash().as_str(), hash);
        for wrong in ["", "dbt_", "' OR '1'='1", &secret.expose()[1..], &secret.expose().to_uppercase()] {
            assert_eq!(ApiSecret::presented(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn every_permission_has_its_word() {
        for permission in Permission::ALL {
            assert_eq!(Permission::parse(permission.as_str()), Some(permission));
            assert_eq!(serde_json::to_string(&permission).unwrap(), format!("{:?}", permission.as_str()));
        }
        assert_eq!(Permission::parse("everything"), None);
    }

    #[test]
    fn a_use_is_due_once_a_step() {
        let token = |used| ApiToken {
            id: TokenId::new(),
            name: "a".into(),
            permissions: BTreeSet::new(),
            created: Timestamp(0),
            expires: None,
            used,
        };
        let hour = Timestamp(3_600_000);
        assert!(token(None).is_use_due(Timestamp(0)));
        assert!(!token(Some(Timestamp(1))).is_use_due(hour));
        assert!(token(Some(Timestamp(0))).is_use_due(hour));
    }
}
