//! Search and recall over postings: the core makes the terms and ranks, an engine only keeps where each term stands.
mod chars;
mod pieces;
mod terms;

pub use pieces::{context, indexed_text, pieces};
pub use terms::{TERMS_VERSION, terms};
