//! Ranks what postings say: a piece's score is the sum of its terms' weights, a message's is its best piece's.
use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
};

use super::query::Mask;
use crate::{
    error::Result,
    scope::Scope,
    store::{PieceKey, Postings, SessionStore, Term},
};

/// Postings that are read of a term and column. A column with more is common: it scores what rarer ones have found.
const READ: u32 = 2_000;
/// Pieces that common terms are asked about, times these terms: what a query may cost however common its words are.
const ASKED: usize = 4_000;
/// Common terms that are asked about, the rarest first. The others weigh next to nothing.
const ASKED_TERMS: usize = 16;
/// A term that only the context holds counts for half.
const IN_CONTEXT: f64 = 0.5;

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
    /// The best first; of equals the newest.
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

/// Ranks the owner's messages for these terms.
pub(super) async fn rank(store: &dyn SessionStore, scope: &Scope, terms: &[Term]) -> Result<Ranking> {
    if terms.is_empty() {
        return Ok(Ranking { messages: Vec::new(), pieces: 0.0, holders: Vec::new() });
    }
    let counters = store.counters(scope).await?;
    let pieces = counters.pieces as f64;
    let found = store.postings(scope, terms, None, READ).await?;
    let holders: Vec<f64> = found.iter().map(|f| holders(&f.terms, counters.seq).min(pieces)).collect();
    let weights: Vec<f64> = holders.iter().map(|h| weight(pieces, *h)).collect();
    let mut scores = Scores::default();
    for (term, found) in found.iter().enumerate().filter(|(_, f)| !is_common(&f.terms)) {
        scores.add_own(term, &found.terms, weights[term]);
    }
    for (term, found) in found.iter().enumerate().filter(|(_, f)| !is_common(&f.context)) {
        scores.add_context(term, &found.context, weights[term]);
    }
    let mut common: Vec<usize> =
        (0..terms.len()).filter(|t| is_common(&found[*t].terms) || is_common(&found[*t].context)).collect();
    common.sort_by(|a, b| weights[*b].total_cmp(&weights[*a]).then(a.cmp(b)));
    common.truncate(ASKED_TERMS);
    if !common.is_empty() {
        let most = ASKED / common.len();
        let among = filled(scores.best(most), &found, most);
        let asked: Vec<Term> = common.iter().map(|term| terms[*term].clone()).collect();
        let answers = store.postings(scope, &asked, Some(&among), READ.max(among.len() as u32)).await?;
        for (term, answer) in common.iter().zip(&answers) {
            scores.add_own(*term, &answer.terms, weights[*term]);
        }
        for (term, answer) in common.iter().zip(&answers) {
            scores.add_context(*term, &answer.context, weights[*term]);
        }
    }
    Ok(Ranking { messages: scores.into_messages(), pieces, holders })
}

fn is_common(column: &[PieceKey]) -> bool {
    column.len() >= READ as usize
}

/// How many pieces hold a term. Where not all were read, the share of the feed that those span tells how many there are.
fn holders(newest: &[PieceKey], feed: u64) -> f64 {
    let read = newest.len() as f64;
    match newest.last() {
        Some(oldest) if is_common(newest) => {
            let spanned = feed.saturating_sub(oldest.seq()) + 1;
            read * (feed as f64 / spanned as f64).max(1.0)
        }
        _ => read,
    }
}

/// These candidates, and while there is room the newest pieces that any of the terms stands in.
fn filled(mut candidates: Vec<PieceKey>, found: &[Postings], most: usize) -> Vec<PieceKey> {
    let known: HashSet<PieceKey> = candidates.iter().copied().collect();
    let mut others: Vec<PieceKey> = found
        .iter()
        .flat_map(|f| f.terms.iter().chain(&f.context))
        .copied()
        .filter(|key| !known.contains(key))
        .collect();
    others.sort_unstable_by_key(|key| Reverse(*key));
    others.dedup();
    candidates.extend(others.into_iter().take(most.saturating_sub(known.len())));
    candidates
}

#[derive(Clone, Copy, Default)]
struct Piece {
    score: f64,
    own: Mask,
    /// Terms that are in the score already.
    counted: Mask,
}

#[derive(Default)]
struct Scores {
    pieces: HashMap<PieceKey, Piece>,
}

impl Scores {
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
        let mut all: Vec<(PieceKey, f64)> =
            self.pieces.iter().map(|(key, piece)| (*key, piece.score)).collect();
        all.sort_unstable_by_key(|(key, score)| (Reverse(rounded(*score)), Reverse(*key)));
        all.into_iter().take(most).map(|(key, _)| key).collect()
    }
    fn into_messages(self) -> Vec<Ranked> {
        let mut pieces: Vec<(PieceKey, Piece)> = self.pieces.into_iter().collect();
        pieces.sort_unstable_by_key(|(key, _)| *key);
        let mut messages: HashMap<u64, Ranked> = HashMap::new();
        for (key, piece) in pieces {
            let seq = key.seq();
            let none = Mask::default();
            let none = Ranked { seq, score: 0.0, best: none, own: none, all: none };
            let message = messages.entry(seq).or_insert(none);
            message.own.join(piece.own);
            message.all.join(piece.counted);
            if piece.score > message.score {
                message.score = piece.score;
                message.best = piece.own;
            }
        }
        let mut messages: Vec<Ranked> = messages.into_values().collect();
        messages.sort_unstable_by_key(|m| (Reverse(rounded(m.score)), Reverse(m.seq)));
        messages
    }
}

/// A score without what the order of additions leaves in its last digits.
fn rounded(score: f64) -> i64 {
    (score * 1e9).round() as i64
}
