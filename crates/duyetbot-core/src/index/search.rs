//! Search by a person.
use std::collections::BTreeMap;
use unicode_normalization::UnicodeNormalization;

use super::{
    common::CommonTerms,
    pieces::indexed_text,
    query::Query,
    rank::{Purpose, Ranked, first, rank},
    recall::RECALL_MODEL,
    snippet::Finder,
};
use crate::{error::Result, message::Message, scope::Scope, store::SessionStore};

/// Characters of a snippet.
const SNIPPET: usize = 200;
/// Messages that are loaded at most, because some lie in the bin or do not hold what is quoted.
const LOADED: usize = 2_000;
/// Messages that are loaded at once.
const AT_ONCE: usize = 100;

/// A message that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The message.
    pub message: Message,
    /// Its words around what was found, on one line.
    pub snippet: String,
    /// How well it fits; higher is better.
    pub score: f64,
}

/// The messages that fit a query, the best first; of equals the newest.
///
/// Of what a person typed, only the messages are hits that hold the most of the words. What [`RECALL_MODEL`] said quotes other
/// messages, and is no hit beside them.
pub async fn search(
    store: &dyn SessionStore,
    scope: &Scope,
    query: &Query,
    limit: usize,
) -> Result<Vec<Hit>> {
    let common = CommonTerms::default();
    let purpose = if query.is_typed() { Purpose::Words } else { Purpose::Weight(&common) };
    let mut ranked = rank(store, scope, query.terms(), purpose).await?.messages;
    let words = |message: &Ranked| query.words_in(message.own, message.all);
    ranked.retain(|message| !query.is_typed() || words(message) > 0);
    let ranked = first(ranked, LOADED, words);
    let finder = Finder::new(query.terms());
    let mut most_words = None;
    let mut hits = Vec::new();
    for chunk in ranked.chunks(AT_ONCE.min(limit.max(1) * 2)) {
        for (ranked, message) in load(store, scope, chunk).await? {
            if message.model.as_deref() == Some(RECALL_MODEL) {
                continue;
            }
            let fewer = most_words.is_some_and(|most| words(&ranked) < most);
            if fewer || hits.len() == limit {
                return Ok(hits);
            }
            let text = indexed_text(message.role, &message.parts);
            if holds(&text, query.quoted()) {
                most_words = Some(words(&ranked));
                let snippet = on_one_line(&finder.around(&text, SNIPPET));
                hits.push(Hit { message, snippet, score: ranked.score });
            }
        }
    }
    Ok(hits)
}

/// The messages of a ranking, in its order; those in the bin are left out.
pub(super) async fn load(
    store: &dyn SessionStore,
    scope: &Scope,
    ranked: &[Ranked],
) -> Result<Vec<(Ranked, Message)>> {
    let seqs: Vec<u64> = ranked.iter().map(|r| r.seq).collect();
    let mut messages: BTreeMap<u64, Message> =
        store.messages_at(scope, &seqs).await?.into_iter().map(|m| (m.seq, m)).collect();
    Ok(ranked.iter().filter_map(|r| Some((r.clone(), messages.remove(&r.seq)?))).collect())
}

/// Does every quote stand in the text as it was typed? An accent may be written in one character or in two.
fn holds(text: &str, quoted: &[String]) -> bool {
    if quoted.is_empty() {
        return true;
    }
    let text: String = text.nfc().collect();
    quoted.iter().all(|quote| text.contains(&quote.nfc().collect::<String>()))
}

fn on_one_line(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}
