//! Ranks what postings say: a piece's score is the sum of its terms' weights, a message's is its best piece's.
use foldhash::fast::FixedState;
use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
};

use super::{
    common::{CommonTerms, TELLS},
    lists::{self, List},
    query::Mask,
};
use crate::{
    error::Result,
    scope::Scope,
    store::{PieceKey, SessionStore, Term},
};

/// Pieces that common terms are asked about, times these terms: what a query may cost however common its words are.
const ASKED: usize = 4_000;
/// Where weight decides alone: pieces that rarer terms have found, and that are enough to ask about.
const CANDIDATES: usize = 400;
/// Common terms that are asked about, the rarest first. The others weigh next to nothing.
const ASKED_TERMS: usize = 16;
/// A term that only the context holds counts for half.
const IN_CONTEXT: f64 = 0.5;

/// What a ranking is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose<'a> {
    /// Weight decides: common terms, which are remembered, tell little and are left out.
    Weight(&'a CommonTerms),
    /// It counts which of the terms a message holds.
    Words,
}

impl<'a> Purpose<'a> {
    fn leaves_out(self) -> Option<&'a CommonTerms> {
        match self {
            Purpose::Weight(common) => Some(common),
            Purpose::Words => None,
        }
    }
}

/// A message by its place in the feed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ranked {
    pub(super) seq: u64,
    pub(super) score: f64,
    /// Terms that its best piece holds itself.
    pub(super) best: Mask,
    /// Terms that any of its pieces holds itself.
    pub(super) own: Mask,
    /// Those, and what any piece's context holds.
    pub(super) all: Mask,
}

/// What a ranking found.
pub(super) struct Ranking {
    /// In no order.
    pub(super) messages: Vec<Ranked>,
    /// Pieces that the owner has.
    pub(super) pieces: f64,
    /// For each term, how many pieces hold it themselves.
    pub(super) holders: Vec<f64>,
}

/// `ln(1 + (N - df + 0.5) / (df + 0.5))`: what a term is worth that `holders` of `pieces` hold.
pub(super) fn weight(pieces: f64, holders: f64) -> f64 {
    (1.0 + (pieces.max(holders) - holders + 0.5) / (holders + 0.5)).ln()
}

/// The first of these messages by this key, then by score, then by age: the highest, the newest.
pub(super) fn first<K: Ord>(
    mut messages: Vec<Ranked>,
    most: usize,
    key: impl Fn(&Ranked) -> K,
) -> Vec<Ranked> {
    let order = |m: &Ranked| Reverse((key(m), rounded(m.score), m.seq));
    if most < messages.len() {
        messages.select_nth_unstable_by_key(most, order);
        messages.truncate(most);
    }
    messages.sort_unstable_by_key(order);
    messages
}

/// Ranks the owner's messages for these terms.
pub(super) async fn rank(
    store: &dyn SessionStore,
    scope: &Scope,
    terms: &[Term],
    purpose: Purpose<'_>,
) -> Result<Ranking> {
    if terms.is_empty() {
        return Ok(Ranking { messages: Vec::new(), pieces: 0.0, holders: Vec::new() });
    }
    let counters = store.counters(scope).await?;
    let pieces = counters.pieces as f64;
    let left_out = purpose.leaves_out();
    let lists = lists::read(store, scope, terms, &counters, left_out).await?;
    let holders: Vec<f64> = lists.iter().map(|list| list.holders).collect();
    let weights: Vec<f64> = holders.iter().map(|h| weight(pieces, *h)).collect();
    let mut scores = Scores::with_room_for(&lists);
    for (term, list) in lists.iter().enumerate() {
        scores.add_own(term, list.own().unwrap_or_default(), weights[term]);
    }
    for (term, list) in lists.iter().enumerate() {
        scores.add_context(term, list.context().unwrap_or_default(), weights[term]);
    }
    let common = common(&lists, pieces, purpose);
    if !common.is_empty() {
        let most = ASKED / common.len();
        let enough = if left_out.is_some() { CANDIDATES.min(most) } else { most };
        let mut among = scores.best(enough);
        if among.len() < enough {
            among = filled(among, &lists, most);
        }
        let asked: Vec<Term> = common.iter().map(|term| terms[*term].clone()).collect();
        let answers = store.postings(scope, &asked, Some(&among), among.len() as u32).await?;
        for (term, answer) in common.iter().zip(&answers) {
            scores.add_own(*term, &answer.terms, weights[*term]);
        }
        for (term, answer) in common.iter().zip(&answers) {
            scores.add_context(*term, &answer.context, weights[*term]);
        }
    }
    Ok(Ranking { messages: scores.into_messages(), pieces, holders })
}

/// The terms that were not read whole and are asked about, the rarest first.
fn common(lists: &[List], pieces: f64, purpose: Purpose<'_>) -> Vec<usize> {
    let every = purpose.leaves_out().is_none();
    let tells = |list: &List| every || list.holders <= pieces * TELLS;
    let common = (0..lists.len()).filter(|term| !lists[*term].is_whole() && tells(&lists[*term])).collect();
    // Messages are counted by their words: there a term that was left out would make a difference.
    let budget = if every { usize::MAX } else { lists::budget(lists.len()) };
    let mut common = lists::rarest(lists, common, List::rows, budget);
    common.truncate(ASKED_TERMS);
    common
}

/// These candidates, and while there is room the newest pieces that any of the terms stands in.
fn filled(mut candidates: Vec<PieceKey>, lists: &[List], most: usize) -> Vec<PieceKey> {
    let room = most.saturating_sub(candidates.len());
    if room == 0 {
        return candidates;
    }
    let known: HashSet<PieceKey, FixedState> = candidates.iter().copied().collect();
    // The newest of all are among the newest of each list, which are the first ones.
    let newest = |column: &Vec<PieceKey>| column.iter().take(most).copied().collect::<Vec<_>>();
    let mut others: Vec<PieceKey> = lists
        .iter()
        .flat_map(|list| newest(&list.found.terms).into_iter().chain(newest(&list.found.context)))
        .filter(|key| !known.contains(key))
        .collect();
    others.sort_unstable_by_key(|key| Reverse(*key));
    others.dedup();
    candidates.extend(others.into_iter().take(room));
    candidates
}

#[derive(Clone, Copy, Debug, Default)]
struct Piece {
    score: f64,
    own: Mask,
    /// Terms that are in the score already.
    counted: Mask,
}

struct Scores {
    pieces: HashMap<PieceKey, Piece, FixedState>,
}

impl Scores {
    fn with_room_for(lists: &[List]) -> Self {
        let own: usize = lists.iter().filter_map(|list| Some(list.own()?.len())).sum();
        Scores { pieces: HashMap::with_capacity_and_hasher(own, FixedState::default()) }
    }
    fn add_own(&mut self, term: usize, keys: &[PieceKey], weight: f64) {
        for key in keys {
            let piece = self.pieces.entry(*key).or_default();
            let counted = if piece.counted.has(term) { weight * IN_CONTEXT } else { 0.0 };
            if !piece.own.has(term) {
                piece.score += weight - counted;
            }
            piece.own.add(term);
            piece.counted.add(term);
        }
    }
    fn add_context(&mut self, term: usize, keys: &[PieceKey], weight: f64) {
        for key in keys {
            let piece = self.pieces.entry(*key).or_default();
            if !piece.counted.has(term) {
                piece.score += weight * IN_CONTEXT;
                piece.counted.add(term);
            }
        }
    }
    fn best(&self, most: usize) -> Vec<PieceKey> {
        let mut all: Vec<(i64, PieceKey)> =
            self.pieces.iter().map(|(key, piece)| (rounded(piece.score), *key)).collect();
        if most < all.len() {
            all.select_nth_unstable_by_key(most, |entry| Reverse(*entry));
            all.truncate(most);
        }
        all.into_iter().map(|(_, key)| key).collect()
    }
    fn into_messages(self) -> Vec<Ranked> {
        let mut messages: HashMap<u64, (Ranked, PieceKey), FixedState> = HashMap::default();
        for (key, piece) in self.pieces {
            let seq = key.seq();
            let none = Mask::default();
            let none = Ranked { seq, score: 0.0, best: none, own: none, all: none };
            let (message, best) = messages.entry(seq).or_insert((none, key));
            message.own.join(piece.own);
            message.all.join(piece.counted);
            // Of two pieces with the same score the first of the message.
            let place = |score: f64, key: PieceKey| (rounded(score), Reverse(key));
            if place(piece.score, key) >= place(message.score, *best) {
                message.score = piece.score;
                message.best = piece.own;
                *best = key;
            }
        }
        messages.into_values().map(|(message, _)| message).collect()
    }
}

/// A score without what the order of additions leaves in its last digits.
fn rounded(score: f64) -> i64 {
    (score * 1e9).round() as i64
}
