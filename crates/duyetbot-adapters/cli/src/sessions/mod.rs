//! `duyetbot sessions`: list, show and change sessions.
mod copy;
mod import;
mod list;
mod show;

pub(crate) use copy::forked;
pub(crate) use import::offer;
pub(crate) use show::exported;

use duyetbot_core::{
    Change, Commit, Error, ErrorKind, HeadMove, Limits, MessageId, NewSession, Result, Session, SessionId,
    SessionState,
};

use crate::{app::App, args::Sessions, exit::Exit};

/// Runs one of the commands but `resume`, which talks.
pub(crate) async fn run(app: &App, command: Sessions) -> Result<Exit> {
    match command {
        Sessions::Ls { limit, all, here, title, deleted } => {
            list::ls(app, list::Wanted { limit, all, here, title, deleted }).await
        }
        Sessions::New { title } => new(app, &title.join(" ")).await,
        Sessions::Show { id, limit, branches, branch } => {
            let session = find(app, &id).await?;
            match (branches, branch) {
                (true, _) => show::branches(app, &session).await,
                (false, branch) => show::show(app, &session, branch.as_deref(), limit).await,
            }
        }
        Sessions::Resume { id } => {
            let session = find(app, &id).await?;
            let elsewhere = app.where_it_belongs(&session).await?;
            crate::chat::chat(elsewhere.as_ref().unwrap_or(app), Some(session)).await
        }
        Sessions::Rename { id, title, state } => {
            rename(app, &find(app, &id).await?, &title.join(" "), state.as_deref()).await
        }
        Sessions::Fork { id, at } => copy::fork(app, &find(app, &id).await?, at.as_deref()).await,
        Sessions::Export { id, format, output } => {
            show::export(app, &find(app, &id).await?, format, output.as_deref()).await
        }
        Sessions::Import { paths } => import::import(app, &paths).await,
        Sessions::Rm { id, erase, undo } => {
            let removal = match (erase, undo) {
                (true, _) => Removal::Erase,
                (_, true) => Removal::Undo,
                _ => Removal::Bin,
            };
            rm(app, &find(app, &id).await?, removal).await
        }
        Sessions::Search { words, limit } => list::search(app, &words.join(" "), limit).await,
    }
}

/// The session of an id or of its beginning.
pub(crate) async fn find(app: &App, id: &str) -> Result<Session> {
    let prefix = id.trim();
    if prefix.is_empty() {
        return Err(Error::invalid("the session's id is empty; `duyetbot sessions ls` lists them"));
    }
    let mut found = app.bot.store().sessions_by_prefix(app.bot.scope(), prefix).await?;
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(Error::new(
            ErrorKind::NotFound,
            format!("there is no session {prefix:?}; `duyetbot sessions ls` lists them"),
        )),
        _ => Err(Error::invalid(format!(
            "more than one session begins with {prefix:?}; give more of the id, for example {}",
            found[0].id
        ))),
    }
}

/// A message of a session, by its id or the beginning of it.
async fn find_message(app: &App, session: &Session, id: &str) -> Result<MessageId> {
    if let Ok(id) = id.parse::<MessageId>() {
        return app.bot.store().message(app.bot.scope(), session.id, id).await.map(|m| m.id).map_err(|e| {
            match e.kind() {
                ErrorKind::NotFound => {
                    Error::new(ErrorKind::NotFound, format!("the session has no message {id}"))
                }
                _ => e,
            }
        });
    }
    let mut found = Vec::new();
    let mut after = 0;
    loop {
        let page = app.bot.store().messages(app.bot.scope(), session.id, after, 500).await?;
        let Some(last) = page.last() else { break };
        after = last.seq;
        found.extend(page.iter().map(|m| m.id).filter(|m| m.to_string().starts_with(id)));
    }
    match found.as_slice() {
        [one] => Ok(*one),
        [] => Err(Error::new(ErrorKind::NotFound, format!("the session has no message {id:?}"))),
        _ => Err(Error::invalid(format!("more than one message begins with {id:?}; give more of the id"))),
    }
}

/// A title that a person gives, without what must not be stored.
fn title_of(app: &App, typed: &str) -> Result<String> {
    duyetbot_core::text::check(typed, "title")?;
    Ok(app.bot.redactor().redact(typed.trim()).into_owned())
}

async fn new(app: &App, title: &str) -> Result<Exit> {
    let id = SessionId::new();
    let title = if title.trim().is_empty() { "New session".to_owned() } else { title_of(app, title)? };
    let create = NewSession {
        title,
        parent: None,
        place: Some(app.environment.place()),
        metadata: "{}".to_owned(),
        created: app.bot.now(),
    };
    let commit = Commit {
        session: id,
        create: Some(create),
        messages: Vec::new(),
        head: HeadMove::IfParent,
        run: None,
        limits: app.bot.limits(),
    };
    app.bot.store().commit(app.bot.scope(), &commit).await?;
    answer(app, id, &id.to_string()).await
}

async fn rename(app: &App, session: &Session, title: &str, state: Option<&str>) -> Result<Exit> {
    let (store, scope) = (app.bot.store(), app.bot.scope());
    if title.trim().is_empty() && state.is_none() {
        return Err(Error::invalid("the title is empty; give the session some words"));
    }
    if !title.trim().is_empty() {
        store.set(scope, session.id, &Change::Title(title_of(app, title)?)).await?;
    }
    let state = match state {
        Some("active") => Some(SessionState::Active),
        Some("paused") => Some(SessionState::Paused),
        Some("completed") => Some(SessionState::Completed),
        _ => None,
    };
    if let Some(state) = state {
        store.set(scope, session.id, &Change::State(state)).await?;
    }
    let now = store.session(scope, session.id).await?;
    answer(app, session.id, &format!("{} is now {:?}, {}", now.id, now.title, now.state.as_str())).await
}

/// What becomes of a session that is removed.
enum Removal {
    Bin,
    Undo,
    Erase,
}

async fn rm(app: &App, session: &Session, removal: Removal) -> Result<Exit> {
    let (store, scope) = (app.bot.store(), app.bot.scope());
    match removal {
        Removal::Bin => {
            store.set(scope, session.id, &Change::Delete).await?;
            answer(app, session.id, &format!("{} is in the bin for 30 days; --undo takes it out", session.id))
                .await
        }
        Removal::Undo => {
            store.set(scope, session.id, &Change::Restore).await?;
            answer(app, session.id, &format!("{} is back", session.id)).await
        }
        Removal::Erase => {
            store.erase(scope, session.id).await?;
            // The words leave the files with the sweep.
            app.bot.sweep().await?;
            if app.output.is_json() {
                app.output.json(&serde_json::json!({ "id": session.id.to_string(), "erased": true }))?;
            } else {
                app.output.line(&format!("{} is erased", session.id))?;
            }
            Ok(Exit::Done)
        }
    }
}

/// The session as JSON, or a line for people.
async fn answer(app: &App, id: SessionId, line: &str) -> Result<Exit> {
    if app.output.is_json() {
        let session = app.bot.store().session(app.bot.scope(), id).await?;
        app.output.json(&duyetbot_wire::Session::from(&session))?;
    } else {
        app.output.line(line)?;
    }
    Ok(Exit::Done)
}

/// Limits bind what a person adds, an import too.
fn limits(app: &App) -> Limits {
    app.bot.limits()
}
