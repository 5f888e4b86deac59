//! Search by a person, and recall for a model.
use std::collections::{BTreeMap, BTreeSet};

use super::{
    pieces::indexed_text,
    query::{Query, query},
    rank::{Ranked, rank},
    terms::{fold, normal, words},
};
use crate::{
    error::Result,
    id::{MessageId, SessionId},
    message::Message,
    model::Passage,
    scope::Scope,
    store::SessionStore,
};

/// Characters of a snippet.
const SNIPPET: usize = 200;
/// Characters of a recalled passage.
const PASSAGE: usize = 400;
/// Characters of all that is recalled.
const RECALLED: usize = 2_400;
/// The best messages that are loaded for each one that is wanted, because some lie in the bin or do not hold a quote.
const SPARE: usize = 4;
/// What a passage must hold of the query's whole weight.
const FITS: f64 = 0.3;

/// A message that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The message.
    pub message: Message,
    /// Its words around what was found.
    pub snippet: String,
    /// How well it fits; higher is better.
    pub score: f64,
}

/// The messages that hold a word of the query themselves, the best first; of equals the newest.
pub async fn search(
    store: &dyn SessionStore,
    scope: &Scope,
    query: &Query,
    limit: usize,
) -> Result<Vec<Hit>> {
    let mut ranking = rank(store, scope, &query.terms).await?;
    ranking.messages.retain(|m| m.matched > 0);
    let mut hits = Vec::new();
    for chunk in ranking.messages.chunks((limit * SPARE).clamp(1, 1_000)) {
        for (ranked, message) in load(store, scope, chunk).await? {
            let text = indexed_text(message.role, &message.parts);
            if hits.len() < limit && holds(&text, &query.quoted) {
                let snippet = around(&text, &query.words, SNIPPET);
                hits.push(Hit { message, snippet, score: ranked.score });
            }
        }
        if hits.len() >= limit {
            break;
        }
    }
    Ok(hits)
}

/// What fits a person's message in the rest of their history, to be put before a model: nothing where nothing fits.
///
/// A passage fits if it holds at least three tenths of the weight of the question's terms. `seen` are messages that are
/// left out, because the model sees them anyway.
pub async fn recall(
    store: &dyn SessionStore,
    scope: &Scope,
    text: &str,
    seen: &BTreeSet<MessageId>,
    limit: usize,
) -> Result<Vec<Passage>> {
    let query = query(text);
    let ranking = rank(store, scope, &query.terms).await?;
    let least = ranking.whole * FITS;
    let fitting: Vec<Ranked> = ranking
        .messages
        .into_iter()
        .filter(|m| m.matched > 0 && m.score >= least)
        .take((limit + seen.len()) * SPARE)
        .collect();
    let mut titles: BTreeMap<SessionId, String> = BTreeMap::new();
    let mut passages = Vec::new();
    let mut said = BTreeSet::new();
    let mut left = RECALLED;
    for (ranked, message) in load(store, scope, &fitting).await? {
        if passages.len() >= limit || left == 0 {
            break;
        }
        let words = indexed_text(message.role, &message.parts);
        let words = around(&words, &query.words, PASSAGE.min(left));
        // The same words twice tell nothing new.
        if seen.contains(&message.id) || words.is_empty() || !said.insert(fold(&words)) {
            continue;
        }
        left = left.saturating_sub(words.chars().count());
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
            text: words,
            score: ranked.score,
        });
    }
    Ok(passages)
}

/// The messages of a ranking, in its order; those in the bin are left out.
async fn load(store: &dyn SessionStore, scope: &Scope, ranked: &[Ranked]) -> Result<Vec<(Ranked, Message)>> {
    let seqs: Vec<u64> = ranked.iter().map(|r| r.seq).collect();
    let mut messages: BTreeMap<u64, Message> =
        store.messages_at(scope, &seqs).await?.into_iter().map(|m| (m.seq, m)).collect();
    Ok(ranked.iter().filter_map(|r| Some((r.clone(), messages.remove(&r.seq)?))).collect())
}

fn holds(text: &str, quoted: &[String]) -> bool {
    if quoted.is_empty() {
        return true;
    }
    let folded = fold(&normal(text));
    quoted.iter().all(|quote| folded.contains(quote.as_str()))
}

/// The words of a text around the first that was looked for.
fn around(text: &str, wanted: &[String], most: usize) -> String {
    let text = text.trim();
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let at = first_match(text, wanted).unwrap_or(0);
    let before = text[..at].char_indices().rev().nth(most / 4).map_or(0, |(i, _)| i);
    let start = if before == 0 {
        0
    } else {
        text[before..at].find(char::is_whitespace).map_or(before, |i| before + i)
    };
    let cut: String = text[start..].trim_start().chars().take(most).collect();
    let more = text[start..].trim_start().len() > cut.len();
    format!("{}{}{}", if start > 0 { "…" } else { "" }, cut.trim_end(), if more { "…" } else { "" })
}

/// Where the first word stands that was looked for: whole if there is one, else as a part.
fn first_match(text: &str, wanted: &[String]) -> Option<usize> {
    let place = |word: &str| word.as_ptr() as usize - text.as_ptr() as usize;
    let mut part = None;
    for word in words(text) {
        let folded = fold(&normal(word));
        if wanted.contains(&folded) {
            return Some(place(word));
        }
        if part.is_none() && wanted.iter().any(|w| w.chars().count() > 1 && folded.contains(w.as_str())) {
            part = Some(place(word));
        }
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snippet_shows_the_word_and_not_the_start() {
        let text = format!("{} needle {}", "hay ".repeat(5_000), "straw ".repeat(5_000));
        let snippet = around(&text, &["needle".to_owned()], 60);
        assert!(snippet.contains("needle") && snippet.chars().count() <= 62, "{snippet}");
        assert_eq!(around("short", &["x".to_owned()], 60), "short");
    }
}
