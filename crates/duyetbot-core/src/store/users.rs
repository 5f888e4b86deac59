//! People, their logins and API tokens, what they use, and their erasing.
use async_trait::async_trait;
use std::ops::RangeInclusive;

use crate::{
    error::Result,
    id::TokenId,
    message::Usage,
    scope::Scope,
    token::{ApiToken, NewToken, SignedIn, TokenHash},
    user::{Identity, NewUser, User, UserChange, UserCursor},
};

/// How far the erasing of a person has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Erasing {
    /// Nobody sees anything of the person any more, and something is still to be erased: call again.
    Begun,
    /// Nothing is left.
    Done,
}

/// What a person does with the own account. The person is the scope's actor.
///
/// A person without an account, as the one of a local file is, is `NotFound` in every call but [`UserStore::usage`].
#[async_trait]
pub trait UserStore: Send + Sync + 'static {
    /// The person.
    async fn user(&self, scope: &Scope) -> Result<User>;

    /// Changes the profile in one write, and answers it.
    ///
    /// # Behavior
    /// What is left out stays. The same values again change nothing, `updated` neither; others make it the store's now.
    /// What [`UserChange::check`] refuses is `Invalid`.
    async fn change_user(&self, scope: &Scope, change: &UserChange) -> Result<User>;

    /// Adds a login by which the person is known from now on.
    ///
    /// # Behavior
    /// The same again changes nothing. One that another person has is `Conflict`, `IdentityTaken`. The first login of an
    /// invited person becomes who vouches for them (`provider`); the id stays.
    async fn link(&self, scope: &Scope, identity: &Identity) -> Result<User>;

    /// Stores a token, by its hash.
    ///
    /// # Behavior
    /// The same id and hash again answer the token as it stands, also at the limit and when it has expired; the same id
    /// or hash otherwise is `Conflict`, `ContentDiffers`. As many as [`crate::MOST_TOKENS`] are allowed and no more:
    /// `LimitReached`, `ApiTokenLimit`. One that has expired already, and what [`NewToken::check`] refuses, is `Invalid`.
    async fn add_token(&self, scope: &Scope, token: &NewToken) -> Result<ApiToken>;

    /// The person's tokens, the newest first (by `created`, then id).
    async fn tokens(&self, scope: &Scope) -> Result<Vec<ApiToken>>;

    /// Removes a token.
    ///
    /// # Behavior
    /// From then on it signs nobody in. An unknown or foreign one, and the same again, is `NotFound`.
    async fn revoke_token(&self, scope: &Scope, id: TokenId) -> Result<()>;

    /// What the owner's runs used in these days since 1970-01-01 (UTC), first and last included.
    ///
    /// # Behavior
    /// The sum of the days ([`crate::RunStore::spent_today`] is one of them); zeros where nothing was used.
    async fn usage(&self, scope: &Scope, days: RangeInclusive<i64>) -> Result<Usage>;

    /// Erases the person and all that they have: sessions, messages, runs, index, blobs, usage, logins, tokens.
    ///
    /// # Behavior
    /// The first call takes the person away at once: from then on no token signs in, nothing can be read, every run is
    /// stale for its holder, and every write under the id is `Conflict`, `UserErased`, for good. The rest goes piece by
    /// piece: each further call erases a bounded part, whoever makes it and whatever came of the one before, until the
    /// answer is `Done`; [`crate::Operator::sweep`] does too. A call after that is `NotFound`. The logins and the address
    /// are free for another account. No word of the person is left in the files after a sweep that follows `Done`, but the
    /// id, which is kept so that it is never given again.
    async fn erase_user(&self, scope: &Scope) -> Result<Erasing>;
}

/// What is asked about people before there is a scope: by authentication and by the operator. No handler of a request
/// holds one.
#[async_trait]
pub trait Accounts: UserStore {
    /// Adds a person.
    ///
    /// # Behavior
    /// The same id again with the same address and login answers the person as they stand; with others it is `Conflict`,
    /// `ContentDiffers`. The id of an erased person is `Conflict`, `UserErased`. An address that another person has,
    /// whatever its case, is `Conflict`, `EmailTaken`; a login, `IdentityTaken`. What [`NewUser::check`] refuses is
    /// `Invalid`. A refused one writes nothing.
    async fn create_user(&self, new: &NewUser) -> Result<User>;

    /// People, the latest added first (by `created`, then id), at most `limit`, after this place.
    ///
    /// # Behavior
    /// Walking from the last of each page gives everybody once, also of one moment.
    async fn users(&self, after: Option<&UserCursor>, limit: u32) -> Result<Vec<User>>;

    /// People whose id begins with this text, at most two by id: enough to tell unique from ambiguous. Nothing in the text
    /// is a pattern.
    async fn users_by_prefix(&self, prefix: &str) -> Result<Vec<User>>;

    /// Who is known by this login.
    async fn user_by_identity(&self, identity: &Identity) -> Result<Option<User>>;

    /// Who has this address, whatever its case. It identifies nobody: a login never follows from it alone.
    async fn user_by_email(&self, email: &str) -> Result<Option<User>>;

    /// Who a token stands for.
    ///
    /// # Behavior
    /// An unknown or revoked token, one of an erased person, and one from the moment of its expiry on, by the store's
    /// clock, is `Unauthorized`, with one answer for all. It writes nothing.
    async fn authenticate(&self, hash: &TokenHash) -> Result<SignedIn>;

    /// Notes that a token is used now.
    ///
    /// # Behavior
    /// At most once a [`crate::USE_STEP`]; sooner, and for a token that is not there, it changes nothing.
    async fn note_use(&self, hash: &TokenHash) -> Result<()>;
}
