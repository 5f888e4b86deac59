//! What of a person's history fits a message, found without asking a model.
use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::{
    common::CommonTerms,
    pieces::indexed_text,
    query::{MOST_TERMS, Mask, Query, query},
    rank::{Purpose, Ranked, Ranking, first, rank, weight},
    search::load,
    snippet::Finder,
    terms::fold,
};
use crate::{
    error::Result,
    id::{MessageId, SessionId},
    message::{Message, Role},
    model::Passage,
    scope::Scope,
    store::{SessionStore, Term},
};

/// The built-in model that words what recall found: what it said is recalled text, and is never recalled again.
pub const RECALL_MODEL: &str = "recall";
/// Passages of one recall.
const MOST_PASSAGES: usize = 8;
/// Bytes of all passages of one recall.
const MOST_BYTES: usize = 2_000;
/// Characters of a passage.
const PASSAGE: usize = 400;
/// Fitting messages that are looked at.
const LOOKED_AT: usize = 256;
/// Messages that are loaded at once, and of which the passages are chosen.
const CHOSEN_FROM: usize = 32;
/// Of the top score: what it counts that a person wrote it.
const PERSON: f64 = 0.3;

/// The share of a question's weight that a message must hold to fit.
const FITS: f64 = 0.2;
/// The most that a message must hold, in words that stand nowhere else: a long question asks for many things.
const FITS_WORDS: f64 = 1.5;
/// A history shorter than this says little about which words are rare.
const LEAST_PIECES: f64 = 100.0;

/// What fits a person's message in the rest of their history, to be put before a model: nothing where nothing fits.
///
/// At most `limit` passages, at most 8, about 2 kB in all. A message fits whose best piece holds a fifth of the weight of
/// the question's terms, those that stand nowhere in the history counted too, or one and a half rare words of a long
/// question: a common word alone never does. `seen` are messages that are left out, because the model sees them anyway;
/// left out are also what [`RECALL_MODEL`] said, the same question asked before, and the same words twice. Terms in more than
/// a third of a history of a thousand pieces do not count; `common` remembers them from call to call.
pub async fn recall(
    store: &dyn SessionStore,
    scope: &Scope,
    common: &CommonTerms,
    text: &str,
    seen: &BTreeSet<MessageId>,
    limit: usize,
) -> Result<Vec<Passage>> {
    let query = query(text);
    let ranking = rank(store, scope, query.terms(), Purpose::Weight(common)).await?;
    let fitting = fitting(ranking);
    let mut usable = Vec::new();
    for chunk in fitting.chunks(CHOSEN_FROM) {
        let loaded = load(store, scope, chunk).await?;
        usable.extend(loaded.into_iter().filter(|(_, message)| {
            !seen.contains(&message.id) && message.model.as_deref() != Some(RECALL_MODEL)
        }));
        if usable.len() >= CHOSEN_FROM {
            break;
        }
    }
    prefer_persons(&mut usable);
    passages(store, scope, &query, usable, limit.min(MOST_PASSAGES)).await
}

/// The messages that hold enough of the question, the best first.
fn fitting(ranking: Ranking) -> Vec<Ranked> {
    let pieces = ranking.pieces.max(LEAST_PIECES);
    let weights: Vec<f64> = ranking.holders.iter().map(|h| weight(pieces, *h)).collect();
    let held = |mask: Mask| mask.terms().filter_map(|term| weights.get(term)).sum::<f64>();
    let needed = (weights.iter().sum::<f64>() * FITS).min(weight(pieces, 0.0) * FITS_WORDS);
    let mut messages = ranking.messages;
    messages.retain(|m| !m.best.is_empty() && held(m.best) >= needed);
    first(messages, LOOKED_AT, |_| ())
}

fn prefer_persons(found: &mut [(Ranked, Message)]) {
    let top = found.iter().map(|(ranked, _)| ranked.score).fold(0.0, f64::max);
    for (ranked, message) in found.iter_mut() {
        if message.role == Role::User {
            ranked.score += top * PERSON;
        }
    }
    // Stable: of equals the newest stays first.
    found.sort_by(|(a, _), (b, _)| b.score.total_cmp(&a.score));
}

async fn passages(
    store: &dyn SessionStore,
    scope: &Scope,
    query: &Query,
    found: Vec<(Ranked, Message)>,
    limit: usize,
) -> Result<Vec<Passage>> {
    let finder = Finder::new(query.terms());
    let mut titles: BTreeMap<SessionId, String> = BTreeMap::new();
    let mut said = HashSet::new();
    let mut left = MOST_BYTES;
    let mut passages = Vec::new();
    for (ranked, message) in found {
        if passages.len() == limit {
            break;
        }
        let text = indexed_text(message.role, &message.parts);
        let shown = finder.around(&text, PASSAGE);
        if shown.len() > left || asks_the_same(&text, query) || !said.insert(fold(&shown)) {
            continue;
        }
        left -= shown.len();
        let title = match titles.get(&message.session) {
            Some(title) => title.clone(),
            None => store.session(scope, message.session).await?.title,
        };
        titles.insert(message.session, title.clone());
        passages.push(Passage {
            session: message.session,
            title,
            message: message.id,
            role: message.role,
            created: message.created,
            text: shown,
            score: ranked.score,
        });
    }
    Ok(passages)
}

/// A question that holds no other words than this one tells nothing new.
fn asks_the_same(text: &str, asked: &Query) -> bool {
    let text = text.trim_end();
    if !text.ends_with(['?', '？']) || text.chars().nth(MOST_TERMS * 16).is_some() {
        return false;
    }
    let known: HashSet<&Term> = asked.terms().iter().collect();
    query(text).terms().iter().all(|term| known.contains(term))
}
