//! Whose data a store call may touch.

/// An owner and the person acting for it. Every store call carries one: there is no unscoped query.
///
/// A scope is made in three places only: by authentication ([`crate::Accounts::authenticate`]), by an application that vouches for its user
/// ([`Scope::vouched`]), and by a store that answers the scope stored with a claimed run ([`Scope::stored`]).
///
/// ```
/// let scope = duyetbot_core::Scope::vouched("local", "local");
/// assert_eq!(scope.owner(), "local");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope {
    owner: String,
    actor: String,
}

impl Scope {
    /// The application that embeds the library vouches for its user.
    pub fn vouched(owner: impl Into<String>, actor: impl Into<String>) -> Self {
        Scope { owner: owner.into(), actor: actor.into() }
    }
    /// For a store: the scope that stands with what it answers, a claimed run or a token that signs in.
    pub fn stored(owner: String, actor: String) -> Self {
        Scope { owner, actor }
    }
    /// The owner's id.
    pub fn owner(&self) -> &str {
        &self.owner
    }
    /// The id of the person acting.
    pub fn actor(&self) -> &str {
        &self.actor
    }
}
