//! Shows and exports sessions.
use duyetbot_core::{Error, Message, MessageId, Part, Result, Role, Session, run::hydrate};
use duyetbot_wire::{BranchEnd, Export};
use serde_json::json;
use std::{collections::BTreeSet, path::Path};

use super::find_message;
use crate::{app::App, args::ExportFormat, exit::Exit, home::replace};

/// Messages that are read at a time.
const PAGE: u32 = 500;

pub(super) async fn show(app: &App, session: &Session, branch: Option<&str>, limit: u32) -> Result<Exit> {
    let (store, scope) = (app.bot.store(), app.bot.scope());
    let tip = match branch {
        Some(id) => Some(find_message(app, session, id).await?),
        None => session.head,
    };
    let path = match tip {
        Some(_) => store.path(scope, session.id, tip, limit).await?,
        None => Vec::new(),
    };
    let mut messages = Vec::with_capacity(path.len());
    for message in path {
        messages.push(hydrate(app.bot.blobs(), scope, message).await?);
    }
    if app.output.is_json() {
        let wire = Export::new(session, &messages);
        app.output.json(&wire)?;
        return Ok(Exit::Done);
    }
    app.output.line(&format!("{} ({})", session.title, session.id))?;
    if let Some(place) = &session.place {
        app.output.line(&format!("begun in {place}"))?;
    }
    for message in &messages {
        print(app, message)?;
    }
    let whole = messages.first().is_some_and(|first| first.parent.is_none());
    if whole && (messages.len() as u64) < session.messages {
        app.output.notice("this session has more branches; --branches lists them");
    }
    Ok(Exit::Done)
}

/// Prints a message for people.
pub(crate) fn print(app: &App, message: &Message) -> Result<()> {
    let who = match message.role {
        Role::User => "you",
        Role::Assistant => "duyetbot",
        Role::System => "summary",
    };
    let when = message.created.to_string();
    let cut = if message.cut { ", cut off" } else { "" };
    app.output.line(&format!("\n{who} ({} {}{cut})", &when[..10], &when[11..16]))?;
    for part in &message.parts {
        match part {
            Part::Text { text, .. } | Part::Summary { text, .. } => app.output.line(text.trim_end())?,
            Part::Reasoning { .. } | Part::Unknown(_) => {}
            Part::Tool(used) => {
                app.output.line(&format!("[{} {}]", used.tool, used.input))?;
                app.output.line(used.result.output.trim_end())?;
            }
            Part::Image { media_type, name, .. } | Part::File { media_type, name, .. } => {
                app.output.line(&format!("[{} {media_type}]", name.as_deref().unwrap_or("file")))?;
            }
        }
    }
    Ok(())
}

pub(super) async fn branches(app: &App, session: &Session) -> Result<Exit> {
    let messages = all(app, session).await?;
    let parents: BTreeSet<MessageId> = messages.iter().filter_map(|m| m.parent).collect();
    let ends = messages.iter().filter(|m| !parents.contains(&m.id));
    if app.output.is_json() {
        let end = |m: &Message| BranchEnd { message: m.into(), head: session.head == Some(m.id) };
        app.output.json(&ends.map(end).collect::<Vec<_>>())?;
        return Ok(Exit::Done);
    }
    for message in ends {
        let mark = if session.head == Some(message.id) { "*" } else { " " };
        let words = duyetbot_core::title_of(&message.text());
        app.output.line(&format!("{mark} {}  {}  {words}", message.id, message.created.date()))?;
    }
    Ok(Exit::Done)
}

/// All messages of a session, parents before children, whole.
pub(super) async fn all(app: &App, session: &Session) -> Result<Vec<Message>> {
    let (store, scope) = (app.bot.store(), app.bot.scope());
    let mut messages = Vec::new();
    let mut after = 0;
    loop {
        let page = store.messages(scope, session.id, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(messages) };
        after = last.seq;
        for message in page {
            messages.push(hydrate(app.bot.blobs(), scope, message).await?);
        }
    }
}

/// A session in this form.
pub(crate) async fn exported(app: &App, session: &Session, format: ExportFormat) -> Result<String> {
    let export = Export::new(session, &all(app, session).await?);
    match format {
        ExportFormat::Json => export.to_json(),
        ExportFormat::Markdown => Ok(export.to_markdown()),
    }
}

pub(super) async fn export(
    app: &App,
    session: &Session,
    format: ExportFormat,
    output: Option<&Path>,
) -> Result<Exit> {
    if app.output.is_json() && format == ExportFormat::Markdown {
        return Err(Error::invalid("--format markdown is for people; leave it out, or --output-format json"));
    }
    let text = exported(app, session, format).await?;
    match output.filter(|path| *path != Path::new("-")) {
        Some(path) => {
            replace(path, &text)?;
            app.output.notice(&format!("wrote {}", path.display()));
            if app.output.is_json() {
                app.output.json(&json!({ "file": path.display().to_string() }))?;
            }
        }
        None => app.output.write(&text)?,
    }
    Ok(Exit::Done)
}
