//! Ranks what postings say: a piece's score is the sum of its terms' weights, a message's is its best piece's.
use std::collections::BTreeMap;

use crate::{
    error::Result,
    scope::Scope,
    store::{PieceKey, SessionStore, Term},
};

/// Postings that are read of a term and column. A term with more is common: it scores what rarer ones have found.
const COMMON: u32 = 2_000;
/// Pieces that common terms are asked about.
const CANDIDATES: usize = 400;
/// A term that only the context holds counts for half.
const IN_CONTEXT: f64 = 0.5;

/// A message by its place in the feed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ranked {
    pub(super) seq: u64,
    pub(super) score: f64,
    /// Terms of the query that its best piece holds itself.
    pub(super) matched: usize,
}

/// What a ranking found, the best first, and the weight of the whole query.
pub(super) struct Ranking {
    pub(super) messages: Vec<Ranked>,
    pub(super) whole: f64,
}

#[derive(Clone, Copy, Default)]
struct Piece {
    score: f64,
    matched: usize,
}

/// Ranks the owner's messages for these terms.
pub(super) async fn rank(store: &dyn SessionStore, scope: &Scope, terms: &[Term]) -> Result<Ranking> {
    let mut ranking = Ranking { messages: Vec::new(), whole: 0.0 };
    if terms.is_empty() {
        return Ok(ranking);
    }
    let pieces = store.counters(scope).await?.pieces as f64;
    let postings = store.postings(scope, terms, None, COMMON).await?;
    let is_common = |n: usize| n >= COMMON as usize;
    let any_rare = postings.iter().any(|p| !p.terms.is_empty() && !is_common(p.terms.len()));
    let mut scores: BTreeMap<PieceKey, Piece> = BTreeMap::new();
    let mut common = Vec::new();
    for (term, found) in terms.iter().zip(&postings) {
        let weight = weight(pieces, found.terms.len());
        if !found.terms.is_empty() {
            ranking.whole += weight;
        }
        if any_rare && (is_common(found.terms.len()) || is_common(found.context.len())) {
            common.push((term.clone(), weight));
        } else {
            add(&mut scores, found.terms.iter(), found.context.iter(), weight);
        }
    }
    if !common.is_empty() {
        let among: Vec<PieceKey> = best(&scores, CANDIDATES);
        let terms: Vec<Term> = common.iter().map(|(term, _)| term.clone()).collect();
        let found = store.postings(scope, &terms, Some(&among), COMMON).await?;
        for ((_, weight), found) in common.iter().zip(&found) {
            add(&mut scores, found.terms.iter(), found.context.iter(), *weight);
        }
    }
    let mut messages: BTreeMap<u64, Piece> = BTreeMap::new();
    for (key, piece) in scores {
        let message = messages.entry(key.seq()).or_default();
        if piece.score > message.score {
            *message = piece;
        }
    }
    ranking.messages =
        messages.into_iter().map(|(seq, p)| Ranked { seq, score: p.score, matched: p.matched }).collect();
    ranking.messages.sort_by(|a, b| b.score.total_cmp(&a.score).then(b.seq.cmp(&a.seq)));
    Ok(ranking)
}

/// `ln(1 + (N - df + 0.5) / (df + 0.5))`.
fn weight(pieces: f64, df: usize) -> f64 {
    let df = df as f64;
    (1.0 + (pieces.max(df) - df + 0.5) / (df + 0.5)).ln()
}

fn add<'a>(
    scores: &mut BTreeMap<PieceKey, Piece>,
    terms: impl Iterator<Item = &'a PieceKey>,
    context: impl Iterator<Item = &'a PieceKey>,
    weight: f64,
) {
    let mut own = std::collections::BTreeSet::new();
    for key in terms {
        own.insert(*key);
        let piece = scores.entry(*key).or_default();
        piece.score += weight;
        piece.matched += 1;
    }
    for key in context.filter(|key| !own.contains(key)) {
        scores.entry(*key).or_default().score += weight * IN_CONTEXT;
    }
}

fn best(scores: &BTreeMap<PieceKey, Piece>, most: usize) -> Vec<PieceKey> {
    let mut all: Vec<(PieceKey, f64)> = scores.iter().map(|(key, piece)| (*key, piece.score)).collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1).then(b.0.cmp(&a.0)));
    all.truncate(most);
    all.into_iter().map(|(key, _)| key).collect()
}
