//! The handlers, a file a resource.
pub(crate) mod blobs;
pub(crate) mod chat;
pub(crate) mod docs;
pub(crate) mod execute;
pub(crate) mod health;
pub(crate) mod messages;
pub(crate) mod runs;
pub(crate) mod search;
pub(crate) mod sessions;
pub(crate) mod tokens;
pub(crate) mod users;
pub(crate) mod watch;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use duyetbot_core::{Error, Result, text};
use duyetbot_wire::{LONGEST_TITLE, LONGEST_WORKSPACE};

use crate::{
    parts::Api,
    problem::{Answer, Refusal},
    within::within,
};

/// Gives a handler up that takes too long. What it began to write may have happened, and can be repeated.
pub(crate) async fn patience(State(api): State<Api>, request: Request, next: Next) -> Answer<Response> {
    let done = within(&*api.clock, api.settings.patience, next.run(request)).await;
    done.ok_or_else(|| Refusal::unavailable("this took too long; try it again"))
}

/// A mark where a session was begun, as it is stored.
pub(crate) fn workspace(api: &Api, given: &str) -> Result<String> {
    text::check(given, "workspace")?;
    if given.is_empty() || given.chars().count() > LONGEST_WORKSPACE || given.contains(char::is_control) {
        let words = format!("workspace is one line of at most {LONGEST_WORKSPACE} characters");
        return Err(Error::invalid(words));
    }
    Ok(api.redactor.redact(given).into_owned())
}

/// A title as it is stored.
pub(crate) fn title(api: &Api, given: &str) -> Result<String> {
    line(api, given, "title", LONGEST_TITLE)
}

/// A field as it is stored: plain text of one line, without secrets.
pub(crate) fn line(api: &Api, given: &str, field: &str, most: usize) -> Result<String> {
    text::check(given, field)?;
    if given.chars().count() > most {
        return Err(Error::invalid(format!("{field} has more than {most} characters")));
    }
    if given.trim().is_empty() || given.contains(char::is_control) {
        return Err(Error::invalid(format!("{field} is one line of text")));
    }
    Ok(api.redactor.redact(given.trim()).into_owned())
}
