//! Search in a person's own messages.
use axum::extract::State;
use duyetbot_core::{Code, Error, Result, Scope, index, open_cursor, seal_cursor};
use duyetbot_wire::{Found, SearchPage};
use http::Uri;

use crate::{auth::Caller, extract::Query, parts::Api, problem::Answer};

/// Results that can be paged through.
const DEEPEST: u32 = 1000;

pub(crate) async fn search(
    State(api): State<Api>,
    Caller(scope): Caller,
    uri: Uri,
) -> Answer<axum::Json<SearchPage>> {
    let query = Query::of(&uri, &["q", "limit", "cursor"])?;
    let words = query.text("q").ok_or_else(|| Error::invalid("q is missing: the words to look for"))?;
    let limit = query.number("limit", 20, 100)?;
    let given = query.text("cursor").map_or(Ok(0), |cursor| open(&scope, words, cursor))?;
    let until = (given + limit).min(DEEPEST);
    let asked = index::typed_query(words);
    let mut hits = index::search(&*api.store, &scope, &asked, until as usize + 1).await?;
    let more = hits.len() > until as usize && until < DEEPEST;
    hits.truncate(until as usize);
    let results = hits.iter().skip(given as usize).map(Found::from).collect();
    let next_cursor = more.then(|| seal_cursor(&scope, &list(words), &until.to_be_bytes()));
    Ok(axum::Json(SearchPage { results, next_cursor }))
}

/// A cursor belongs to the words that were looked for.
fn list(words: &str) -> String {
    format!("search {words}")
}

fn open(scope: &Scope, words: &str, cursor: &str) -> Result<u32> {
    let bytes = open_cursor(scope, &list(words), cursor)?;
    bytes.try_into().map(u32::from_be_bytes).map_err(|_| {
        Error::invalid("the cursor is not one of this search: start again without it")
            .with_code(Code::CursorUnknown)
    })
}
