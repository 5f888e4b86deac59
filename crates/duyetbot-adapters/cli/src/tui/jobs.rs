//! What takes a moment: each a future that the interface waits for while it goes on to take keys.
use duyetbot_core::{
    CallId, Chat, Code, Error, Message, MessageId, ModelInfo, Part, Result, RunId, Session, SessionFilter,
    Usage, Watched,
    run::{Compacted, hydrate},
};
use futures::{future::LocalBoxFuture, stream::BoxStream};
use std::{path::PathBuf, time::Duration};

use super::attach;
use crate::{
    app::App,
    args::ExportFormat,
    branch::Branch,
    chat::OFFER,
    home::replace,
    sessions::{exported, forked},
};

/// Sessions that are offered.
const SESSIONS: u32 = 50;
/// Messages of a session that are shown when it is opened.
const SHOWN: u32 = 12;

/// Between two looks at the calls that wait.
const LOOK: Duration = Duration::from_secs(1);

/// Something that is worked at.
pub(super) struct Job<'a> {
    pub(super) work: LocalBoxFuture<'a, Result<Outcome>>,
    pub(super) on_stop: OnStop,
}

/// What a stop does to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnStop {
    /// It is dropped.
    Drops,
    /// It may have begun what has to be ended: it goes on to its end.
    Finishes,
}

/// What came of it.
pub(super) enum Outcome {
    /// The turn can begin.
    Prepared {
        branch: Branch,
        chat: Chat,
        /// None where only a server knows it.
        model: Option<ModelInfo>,
        told: Vec<String>,
    },
    /// It has begun.
    Started {
        run: RunId,
        events: BoxStream<'static, Watched>,
    },
    /// The session's last turn is not over: what was said goes out after it.
    Unfinished {
        branch: Branch,
        run: RunId,
    },
    /// It is shown from here on.
    Attached {
        branch: Branch,
        run: RunId,
        events: BoxStream<'static, Watched>,
    },
    /// Another answer is in its way.
    Busy(Chat),
    /// It may be tried again.
    Free(Chat),
    /// The turn is over.
    Ended {
        branch: Branch,
        told: Option<String>,
        last: Option<Last>,
    },
    Sessions(Vec<Session>),
    /// A session to go on with, its latest messages, and its turn that is not over.
    Opened {
        session: Session,
        messages: Vec<Message>,
        unfinished: Option<RunId>,
    },
    /// The model that the person named, and what is known of it.
    Model(String, Option<ModelInfo>),
    /// Models to choose from.
    Models(Vec<String>),
    Compacted {
        branch: Branch,
        compacted: Compacted,
        told: Option<String>,
    },
    /// Something to say.
    Told(String),
}

/// What a turn's last message says of it.
pub(super) struct Last {
    pub(super) usage: Option<Usage>,
    pub(super) is_cut: bool,
}

/// Everything before the first word: the session as it is now, the model, the pictures.
pub(super) async fn prepare(
    app: &App,
    branch: Option<Branch>,
    text: String,
    model: Option<String>,
) -> Result<Outcome> {
    let mut chat = app.chat(text.clone());
    chat.model = model.or(chat.model);
    let scope = app.bot.scope();
    if let Some(branch) = &branch
        && let Some(run) = app.bot.agent().unfinished(scope, branch.session).await?
    {
        return Ok(Outcome::Unfinished { branch: branch.clone(), run });
    }
    let mut branch = branch.unwrap_or_else(|| Branch::new(chat.session_id(scope)));
    let mut told: Vec<String> = branch.look(app).await?.into_iter().collect();
    chat.seen = branch.tip;
    let model = app.bot.agent().model(scope, chat.model.as_deref()).await?;
    let folder = app.environment.folder.clone();
    let home = app.environment.get("HOME").map(PathBuf::from);
    let pictures = tokio::task::spawn_blocking(move || attach::pictures(&text, &folder, home.as_deref()));
    let pictures = pictures.await.map_err(Error::internal)?;
    match model.as_ref().filter(|model| !model.images) {
        _ if pictures.is_empty() => {}
        Some(blind) => told.push(format!("{} reads no pictures; it gets their paths alone", blind.id)),
        None => {
            let parts = attach::parts(app.bot.blobs(), scope, pictures).await?;
            told.extend(parts.iter().filter_map(picture_told));
            chat.parts.extend(parts);
        }
    }
    let chat = chat.in_session(branch.session);
    Ok(Outcome::Prepared { branch, chat, model, told })
}

fn picture_told(part: &Part) -> Option<String> {
    match part {
        Part::Image { name, media_type, blob } => {
            let name = name.as_deref().unwrap_or("picture");
            Some(format!("with {name} ({media_type}, {} KB)", blob.size.div_ceil(1024)))
        }
        _ => None,
    }
}

/// Starts the turn. It may have begun whatever becomes of the future, so it is never dropped.
pub(super) async fn start(app: &App, chat: Chat) -> Result<Outcome> {
    let scope = app.bot.scope();
    match app.bot.agent().start(scope, chat.clone()).await {
        Ok(run) => {
            let events = app.bot.agent().watch(scope, run, 0).await?;
            Ok(Outcome::Started { run, events })
        }
        Err(error) if error.is(Code::RunActive) => Ok(Outcome::Busy(chat)),
        Err(error) => Err(error),
    }
}

/// Shows a turn that is not over, from where the branch stands.
pub(super) async fn attach(app: &App, branch: Branch, run: RunId) -> Result<Outcome> {
    let mut branch = branch;
    let steps = branch.goes_on(app, run).await?;
    let events = app.bot.agent().watch(app.bot.scope(), run, steps).await?;
    Ok(Outcome::Attached { branch, run, events })
}

/// Waits until it is worth another try.
pub(super) async fn wait(chat: Chat) -> Result<Outcome> {
    tokio::time::sleep(OFFER).await;
    Ok(Outcome::Free(chat))
}

/// Looks, after a while, which of these calls of a run wait no longer.
pub(super) async fn decided(app: &App, run: RunId, calls: Vec<CallId>) -> Result<Vec<CallId>> {
    tokio::time::sleep(LOOK).await;
    let open = app.bot.agent().open_calls(app.bot.scope()).await?;
    let waits = |call: &CallId| open.iter().any(|other| other.run == run && other.call == *call);
    Ok(calls.into_iter().filter(|call| !waits(call)).collect())
}

/// What is left to do after a turn.
pub(super) async fn end(
    app: &App,
    branch: Branch,
    run: RunId,
    message: Option<MessageId>,
) -> Result<Outcome> {
    let mut branch = branch;
    let told = branch.take_turn(app, run.message).await?;
    let last = match message {
        Some(id) => {
            let message = app.bot.store().message(app.bot.scope(), run.session, id).await?;
            Some(Last { usage: message.usage, is_cut: message.cut })
        }
        None => None,
    };
    Ok(Outcome::Ended { branch, told, last })
}

/// The sessions to go on with, those of this directory first.
pub(super) async fn sessions(app: &App) -> Result<Outcome> {
    let filter = SessionFilter { limit: SESSIONS, ..SessionFilter::default() };
    let mut sessions = app.bot.store().sessions(app.bot.scope(), &filter).await?.items;
    let here = Some(app.environment.place());
    sessions.sort_by_key(|session| session.place != here);
    Ok(Outcome::Sessions(sessions))
}

/// A session and what was said last in it.
pub(super) async fn open(app: &App, session: duyetbot_core::SessionId) -> Result<Outcome> {
    let (store, scope) = (app.bot.store(), app.bot.scope());
    let session = store.session(scope, session).await?;
    let elsewhere = session.place.as_ref().filter(|place| **place != app.environment.place());
    if let (Some(place), Some(_)) = (elsewhere, app.bot.toolbox()) {
        return Err(Error::invalid(format!(
            "that session was begun in {place}, where its tools work; go on with it by: duyetbot sessions resume {}",
            session.id
        )));
    }
    let unfinished = app.bot.agent().unfinished(scope, session.id).await?;
    // It may have gone on meanwhile.
    let session = store.session(scope, session.id).await?;
    let mut messages = Vec::new();
    for message in store.path(scope, session.id, session.head, SHOWN).await? {
        messages.push(hydrate(app.bot.blobs(), scope, message).await?);
    }
    Ok(Outcome::Opened { session, messages, unfinished })
}

/// A copy of the session as far as it was said here.
pub(super) async fn fork(app: &App, branch: Branch) -> Result<Outcome> {
    let session = app.bot.store().session(app.bot.scope(), branch.session).await?;
    let copy = forked(app, &session, branch.tip).await?;
    open(app, copy).await
}

/// Writes the session to a file: as the name's ending says, else as Markdown.
pub(super) async fn export(app: &App, branch: Branch, name: Option<String>) -> Result<Outcome> {
    let session = app.bot.store().session(app.bot.scope(), branch.session).await?;
    let name = name.unwrap_or_else(|| format!("duyetbot-{}.md", session.id));
    let format = if name.ends_with(".json") { ExportFormat::Json } else { ExportFormat::Markdown };
    let path = app.environment.folder.join(&name);
    if path.exists() {
        return Err(Error::invalid(format!("{} is there already; give another name", path.display())));
    }
    replace(&path, &exported(app, &session, format).await?)?;
    Ok(Outcome::Told(format!("wrote {}", path.display())))
}

/// The models to choose from.
pub(super) async fn models(app: &App) -> Result<Outcome> {
    Ok(Outcome::Models(app.bot.agent().models(app.bot.scope()).await?))
}

/// The model of this name.
pub(super) async fn model(app: &App, name: String) -> Result<Outcome> {
    let model = app.bot.agent().model(app.bot.scope(), Some(&name)).await?;
    let name = model.as_ref().map_or(name, |model| model.id.clone());
    Ok(Outcome::Model(name, model))
}

/// Sums the session up, as far as it was said here.
pub(super) async fn compact(app: &App, branch: Branch, model: Option<String>) -> Result<Outcome> {
    let Some(tip) = branch.tip else {
        return Ok(Outcome::Told("nothing was said in this session yet".to_owned()));
    };
    let scope = app.bot.scope();
    let compacted = app.bot.agent().compact(scope, branch.session, tip, model.as_deref()).await?;
    Ok(match compacted {
        None => Outcome::Told("there is too little to sum up".to_owned()),
        Some(compacted) => {
            let mut branch = branch;
            let told = branch.take_message(app, compacted.message).await?;
            Outcome::Compacted { branch, compacted, told }
        }
    })
}
