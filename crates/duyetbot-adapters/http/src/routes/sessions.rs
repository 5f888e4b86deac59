//! Sessions: made, listed, read, changed, removed.
use axum::{extract::State, response::IntoResponse};
use duyetbot_core::{
    Change, Commit, Error, HeadMove, NewSession, Result, SessionFilter, SessionId, SessionState,
};
use duyetbot_wire::{self as wire, SessionPage};
use http::{StatusCode, Uri};

use super::{title, workspace};
use crate::{
    auth::Caller,
    extract::{Id, Json, Query, id},
    json::free_object,
    parts::Api,
    problem::Answer,
};

/// The title of a session that got none.
const UNTITLED: &str = "New session";

pub(crate) async fn create(
    State(api): State<Api>,
    Caller(scope): Caller,
    Json(given): Json<wire::NewSession>,
) -> Answer<impl IntoResponse> {
    let session: SessionId = given.id.map_or_else(|| Ok(SessionId::new()), |text| id(&text, "id"))?;
    let metadata = match &given.metadata {
        Some(metadata) => api.redactor.redact(&free_object(metadata, "metadata")?).into_owned(),
        None => "{}".to_owned(),
    };
    let create = NewSession {
        title: given.title.as_deref().map_or(Ok(UNTITLED.to_owned()), |given| title(&api, given))?,
        parent: None,
        place: given.workspace.as_deref().map(|mark| workspace(&api, mark)).transpose()?,
        metadata,
        created: api.clock.now(),
    };
    let commit = Commit {
        session,
        create: Some(create),
        messages: Vec::new(),
        head: HeadMove::Always,
        run: None,
        limits: api.settings.limits,
    };
    api.store.commit(&scope, &commit).await?;
    let made = api.store.session(&scope, session).await?;
    Ok((StatusCode::CREATED, axum::Json(wire::Session::kept(&made))))
}

pub(crate) async fn list(
    State(api): State<Api>,
    Caller(scope): Caller,
    uri: Uri,
) -> Answer<axum::Json<SessionPage>> {
    let query = Query::of(&uri, &["limit", "cursor", "state", "q", "deleted", "workspace", "id"])?;
    let filter = SessionFilter {
        limit: query.number("limit", 50, 1000)?,
        cursor: query.text("cursor").map(str::to_owned),
        states: query.text("state").map_or(Ok(Vec::new()), states)?,
        place: query.text("workspace").map(str::to_owned),
        title: query.text("q").filter(|words| !words.is_empty()).map(str::to_owned),
        deleted: query.switch("deleted")?,
    };
    if let Some(prefix) = query.text("id") {
        let found = api.store.sessions_by_prefix(&scope, prefix).await?;
        let sessions = found.iter().map(wire::Session::kept).collect();
        return Ok(axum::Json(SessionPage { sessions, next_cursor: None }));
    }
    let page = api.store.sessions(&scope, &filter).await?;
    let sessions = page.items.iter().map(wire::Session::kept).collect();
    Ok(axum::Json(SessionPage { sessions, next_cursor: page.next }))
}

/// One state, or several with commas between them.
fn states(text: &str) -> Result<Vec<SessionState>> {
    let all = [SessionState::Active, SessionState::Paused, SessionState::Completed];
    let state = |word: &str| all.into_iter().find(|state| state.as_str() == word);
    let known: Option<Vec<_>> = text.split(',').map(state).collect();
    known.ok_or_else(|| {
        Error::invalid("state is active, paused or completed, or several with commas between them")
    })
}

pub(crate) async fn read(
    State(api): State<Api>,
    Caller(scope): Caller,
    Id(session): Id<SessionId>,
) -> Answer<axum::Json<wire::Session>> {
    let session = api.store.session(&scope, session).await?;
    Ok(axum::Json(wire::Session::kept(&session)))
}

pub(crate) async fn change(
    State(api): State<Api>,
    Caller(scope): Caller,
    Id(session): Id<SessionId>,
    Json(patch): Json<wire::SessionPatch>,
) -> Answer<axum::Json<wire::Session>> {
    // All is read before anything is written: a refused request changes nothing.
    let mut changes = Vec::new();
    if let Some(given) = &patch.title {
        changes.push(Change::Title(title(&api, given)?));
    }
    if let Some(state) = patch.state {
        changes.push(Change::State(state));
    }
    if let Some(metadata) = &patch.metadata {
        let metadata = free_object(metadata, "metadata")?;
        changes.push(Change::Metadata(api.redactor.redact(&metadata).into_owned()));
    }
    if let Some(deleted) = patch.deleted {
        changes.push(if deleted { Change::Delete } else { Change::Restore });
    }
    let mut session = api.store.session(&scope, session).await?;
    for change in &changes {
        session = api.store.set(&scope, session.id, change).await?;
    }
    Ok(axum::Json(wire::Session::kept(&session)))
}

pub(crate) async fn remove(
    State(api): State<Api>,
    Caller(scope): Caller,
    Id(session): Id<SessionId>,
    uri: Uri,
) -> Answer<StatusCode> {
    if Query::of(&uri, &["erase"])?.switch("erase")? {
        api.store.erase(&scope, session).await?;
    } else {
        api.store.set(&scope, session, &Change::Delete).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}
