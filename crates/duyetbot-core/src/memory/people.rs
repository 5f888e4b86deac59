//! People, their logins and tokens, in memory.
use std::collections::{BTreeMap, BTreeSet};

use crate::{
    error::{Code, Error, ErrorKind, Result},
    id::TokenId,
    scope::Scope,
    time_stamp::Timestamp,
    token::{ApiToken, MOST_TOKENS, NewToken, SignedIn, TokenHash, token_refused},
    user::{Identity, NewUser, User, UserChange, UserCursor, UserId, folded_email},
};

#[derive(Default)]
pub(super) struct People {
    users: BTreeMap<UserId, Person>,
    erased: BTreeSet<String>,
}

struct Person {
    user: User,
    identities: BTreeSet<Identity>,
    tokens: BTreeMap<TokenId, (TokenHash, ApiToken)>,
}

impl People {
    /// Refuses the id of an erased person as owner.
    pub(super) fn refuse_erased(&self, owner: &str) -> Result<()> {
        if self.erased.contains(owner) {
            return Err(conflict(Code::UserErased, "this person was erased; the id is not used again"));
        }
        Ok(())
    }

    pub(super) fn create(&mut self, new: &NewUser, now: Timestamp) -> Result<User> {
        new.check()?;
        self.refuse_erased(new.id.as_str())?;
        let folded = new.email.as_deref().map(folded_email);
        if let Some(there) = self.users.get(&new.id) {
            let same_email = there.user.email.as_deref().map(folded_email) == folded;
            let same_login = new.identity.as_ref().is_none_or(|identity| there.identities.contains(identity));
            if same_email && same_login {
                return Ok(there.user.clone());
            }
            return Err(conflict(Code::ContentDiffers, "a person of this id is stored otherwise"));
        }
        if folded.is_some()
            && self.users.values().any(|p| p.user.email.as_deref().map(folded_email) == folded)
        {
            return Err(conflict(Code::EmailTaken, "another person has this address"));
        }
        if let Some(identity) = &new.identity {
            self.refuse_taken(&new.id, identity)?;
        }
        let provider = new.identity.as_ref().map_or(new.id.provider(), |identity| &*identity.provider);
        let user = User {
            id: new.id.clone(),
            email: new.email.clone(),
            name: new.name.clone(),
            picture: new.picture.clone(),
            provider: provider.to_owned(),
            settings: "{}".to_owned(),
            created: now,
            updated: now,
        };
        let identities = new.identity.iter().cloned().collect();
        self.users.insert(new.id.clone(), Person { user: user.clone(), identities, tokens: BTreeMap::new() });
        Ok(user)
    }

    fn refuse_taken(&self, id: &UserId, identity: &Identity) -> Result<()> {
        let taken = self.users.values().any(|p| p.user.id != *id && p.identities.contains(identity));
        if taken { Err(conflict(Code::IdentityTaken, "another person has this login")) } else { Ok(()) }
    }

    pub(super) fn user(&self, scope: &Scope) -> Result<&User> {
        self.person(scope).map(|person| &person.user)
    }

    fn person(&self, scope: &Scope) -> Result<&Person> {
        let id: Option<UserId> = scope.actor().parse().ok();
        id.and_then(|id| self.users.get(&id)).ok_or_else(|| Error::not_found("user"))
    }

    fn person_mut(&mut self, scope: &Scope) -> Result<&mut Person> {
        let id: Option<UserId> = scope.actor().parse().ok();
        id.and_then(|id| self.users.get_mut(&id)).ok_or_else(|| Error::not_found("user"))
    }

    pub(super) fn change(&mut self, scope: &Scope, change: &UserChange, now: Timestamp) -> Result<User> {
        change.check()?;
        let user = &mut self.person_mut(scope)?.user;
        let before = user.clone();
        if let Some(name) = &change.name {
            user.name = Some(name.clone()).filter(|name| !name.is_empty());
        }
        if let Some(settings) = &change.settings {
            user.settings.clone_from(settings);
        }
        if *user != before {
            user.updated = now;
        }
        Ok(user.clone())
    }

    pub(super) fn link(&mut self, scope: &Scope, identity: &Identity, now: Timestamp) -> Result<User> {
        UserId::of(identity)?;
        let id = self.user(scope)?.id.clone();
        self.refuse_taken(&id, identity)?;
        let Person { user, identities, .. } = self.person_mut(scope)?;
        if identities.insert(identity.clone()) {
            if identities.len() == 1 {
                user.provider.clone_from(&identity.provider);
            }
            user.updated = now;
        }
        Ok(user.clone())
    }

    pub(super) fn add_token(&mut self, scope: &Scope, new: &NewToken, now: Timestamp) -> Result<ApiToken> {
        new.check()?;
        let hash_is_known = self.users.values().any(|p| p.tokens.values().any(|(hash, _)| *hash == new.hash));
        let tokens = &mut self.person_mut(scope)?.tokens;
        match tokens.get(&new.id) {
            Some((hash, token)) if *hash == new.hash => return Ok(token.clone()),
            there if there.is_some() || hash_is_known => {
                return Err(conflict(Code::ContentDiffers, "a token of this id is stored otherwise"));
            }
            _ => {}
        }
        if new.expires.is_some_and(|expires| expires <= now) {
            return Err(Error::invalid("the token would have expired already; name a later moment"));
        }
        if tokens.len() as u64 >= MOST_TOKENS {
            let words = "there are as many tokens as allowed; revoke one first";
            return Err(Error::new(ErrorKind::LimitReached, words).with_code(Code::ApiTokenLimit));
        }
        let token = ApiToken {
            id: new.id,
            name: new.name.clone(),
            permissions: new.permissions.clone(),
            created: now,
            expires: new.expires,
            used: None,
        };
        tokens.insert(new.id, (new.hash.clone(), token.clone()));
        Ok(token)
    }

    pub(super) fn tokens(&self, scope: &Scope) -> Result<Vec<ApiToken>> {
        let mut tokens: Vec<ApiToken> =
            self.person(scope)?.tokens.values().map(|(_, token)| token.clone()).collect();
        tokens.sort_by_key(|token| std::cmp::Reverse((token.created, token.id)));
        Ok(tokens)
    }

    pub(super) fn revoke(&mut self, scope: &Scope, id: TokenId) -> Result<()> {
        let removed = self.person_mut(scope)?.tokens.remove(&id);
        removed.map(drop).ok_or_else(|| Error::not_found("token"))
    }

    /// Takes the person away for good.
    pub(super) fn erase(&mut self, scope: &Scope) -> Result<()> {
        let id = self.user(scope)?.id.clone();
        self.users.remove(&id);
        self.erased.insert(id.to_string());
        Ok(())
    }

    pub(super) fn page(&self, after: Option<&UserCursor>, limit: u32) -> Vec<User> {
        let after = after.map(|at| (at.created, &at.id));
        let mut users: Vec<&User> = self
            .users
            .values()
            .map(|person| &person.user)
            .filter(|user| after.is_none_or(|after| (user.created, &user.id) < after))
            .collect();
        users.sort_by_key(|user| std::cmp::Reverse((user.created, &user.id)));
        users.into_iter().take(limit as usize).cloned().collect()
    }

    pub(super) fn find(&self, is_it: impl Fn(&User) -> bool, limit: usize) -> Vec<User> {
        self.users.values().map(|p| &p.user).filter(|user| is_it(user)).take(limit).cloned().collect()
    }

    pub(super) fn by_identity(&self, identity: &Identity) -> Option<User> {
        self.users.values().find(|p| p.identities.contains(identity)).map(|p| p.user.clone())
    }

    pub(super) fn authenticate(&self, hash: &TokenHash, now: Timestamp) -> Result<SignedIn> {
        self.users
            .values()
            .flat_map(|person| person.tokens.values().map(move |(stored, token)| (person, stored, token)))
            .find(|(_, stored, token)| *stored == hash && token.expires.is_none_or(|expires| expires > now))
            .map(|(person, _, token)| SignedIn { scope: person.user.scope(), token: token.clone() })
            .ok_or_else(token_refused)
    }

    pub(super) fn note_use(&mut self, hash: &TokenHash, now: Timestamp) {
        let all = self.users.values_mut().flat_map(|person| person.tokens.values_mut());
        for (_, token) in all.filter(|(stored, token)| stored == hash && token.is_use_due(now)) {
            token.used = Some(now);
        }
    }
}

fn conflict(code: Code, message: &str) -> Error {
    Error::new(ErrorKind::Conflict, message).with_code(code)
}
