//! Search and recall over postings: the core makes the terms and ranks, an engine only keeps where each term stands.
mod chars;
mod common;
mod english;
mod lists;
mod pieces;
mod query;
mod rank;
mod recall;
mod search;
mod snippet;
mod terms;
mod word_list;

pub use common::CommonTerms;
pub use pieces::{context, indexed_text, pieces};
pub use query::{Query, query, typed_query};
pub use recall::{RECALL_MODEL, recall};
pub use search::{Hit, search};
pub use terms::{TERMS_VERSION, terms};
