//! Remembers which terms are too common to tell anything of a question, so that their long lists are not read for each.
use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{scope::Scope, store::Term};

/// A term that stands in more than this share of the pieces tells next to nothing.
pub(super) const TELLS: f64 = 1.0 / 3.0;
/// In a shorter history, in pieces, every term counts.
const LEAST_PIECES: u64 = 1_000;
/// Terms that are remembered; one more, and all are found anew.
const MOST: usize = 8_192;

/// The terms that were found common, of every owner. No word stands in it, only digests.
#[derive(Debug, Default)]
pub struct CommonTerms {
    hasher: RandomState,
    seen: Mutex<HashMap<u64, Seen>>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    pieces: u64,
    share: f64,
}

impl CommonTerms {
    /// How many of so many pieces hold the term, if it is known to be common. Twice the pieces, and it is found anew.
    pub(super) fn holders(&self, scope: &Scope, term: &Term, pieces: u64) -> Option<f64> {
        let seen = self.lock().get(&self.key(scope, term)).copied()?;
        let holds = pieces >= LEAST_PIECES && pieces / 2 < seen.pieces && seen.pieces / 2 < pieces;
        holds.then_some(seen.share * pieces as f64)
    }

    /// Notes how many pieces hold a term; answers whether that makes it a common one.
    pub(super) fn note(&self, scope: &Scope, term: &Term, holders: f64, pieces: u64) -> bool {
        if pieces < LEAST_PIECES || holders <= pieces as f64 * TELLS {
            return false;
        }
        let mut seen = self.lock();
        if seen.len() >= MOST {
            seen.clear();
        }
        seen.insert(self.key(scope, term), Seen { pieces, share: holders / pieces as f64 });
        true
    }

    fn key(&self, scope: &Scope, term: &Term) -> u64 {
        self.hasher.hash_one((scope.owner(), term))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_is_known_as_common_to_its_owner_until_the_history_is_another() {
        let (ada, bob) = (Scope::vouched("ada", "ada"), Scope::vouched("bob", "bob"));
        let (hello, parser) = (Term::Is("hello".into()), Term::Is("parser".into()));
        let common = CommonTerms::default();
        assert!(common.note(&ada, &hello, 1_200.0, 2_000));
        assert!(!common.note(&ada, &parser, 600.0, 2_000));
        assert_eq!(common.holders(&ada, &hello, 2_000), Some(1_200.0));
        assert_eq!(common.holders(&ada, &hello, 3_000), Some(1_800.0));
        for pieces in [4_000, 1_000, 500] {
            assert_eq!(common.holders(&ada, &hello, pieces), None, "{pieces}");
        }
        assert_eq!(common.holders(&bob, &hello, 2_000), None);
        assert_eq!(common.holders(&ada, &parser, 2_000), None);
    }

    #[test]
    fn in_a_short_history_every_term_counts() {
        let (ada, hello) = (Scope::vouched("ada", "ada"), Term::Is("hello".into()));
        let common = CommonTerms::default();
        assert!(!common.note(&ada, &hello, 999.0, 999));
        assert_eq!(common.holders(&ada, &hello, 999), None);
    }
}
