//! `duyetbot ask`: one turn.
use duyetbot_core::{Error, Event, Result, RunId, Session};
use futures::StreamExt;

use crate::{
    app::App,
    args::Ask,
    exit::Exit,
    input::{self, Need},
    sessions::find,
    stop::Stop,
    turn::{Turn, stopped},
};

/// Runs the command.
pub(crate) async fn ask(app: &App, args: Ask) -> Result<Exit> {
    let mut stop = Stop::listen()?;
    let prompt = tokio::select! {
        prompt = prompt(app, &args) => prompt?,
        () = stop.asked() => return Err(stopped()),
    };
    let session = session(app, &args).await?;
    let elsewhere = match &session {
        Some(session) => app.where_it_belongs(session).await?,
        None => None,
    };
    let app = elsewhere.as_ref().unwrap_or(app);
    let mut chat = app.chat(prompt);
    chat.max_steps = args.max_steps;
    if let Some(session) = &session {
        chat = chat.in_session(session.id);
    }
    let adopted = app.tidy_up().await?;
    let exit = Turn::new(app, session).run(chat, &mut stop).await?;
    for run in adopted {
        tokio::select! {
            settled = settled(app, run) => settled?,
            () = stop.asked() => return Ok(Exit::Stopped),
        }
    }
    Ok(exit)
}

/// A turn that was decided elsewhere and went on here is not left half-way.
async fn settled(app: &App, run: RunId) -> Result<()> {
    let mut events = app.bot.agent().watch(app.bot.scope(), run, 0).await?;
    while let Some((_, event)) = events.next().await {
        if matches!(event, Event::Approval { .. } | Event::Done { .. } | Event::Error { .. }) {
            break;
        }
    }
    Ok(())
}

async fn prompt(app: &App, args: &Ask) -> Result<String> {
    let typed = args.prompt.join(" ");
    let need = match (typed.trim().is_empty(), args.stdin) {
        (true, _) if !args.prompt.is_empty() => {
            return Err(Error::invalid("the prompt is empty; say something"));
        }
        (true, _) => Need::Prompt,
        (false, true) => Need::AllContext,
        (false, false) => Need::Context,
    };
    match (need, input::read(need, &app.output).await?) {
        (Need::Prompt, Some(piped)) => Ok(piped),
        (Need::Prompt, None) => Err(Error::invalid(
            "there is no prompt; give one as an argument (duyetbot ask \"…\") or on standard input",
        )),
        (_, Some(piped)) => Ok(format!("{typed}\n\n<context>\n{piped}\n</context>")),
        (_, None) => Ok(typed),
    }
}

async fn session(app: &App, args: &Ask) -> Result<Option<Session>> {
    if let Some(id) = &args.resume {
        return find(app, id).await.map(Some);
    }
    if !args.go_on {
        return Ok(None);
    }
    let newest = app.newest_here().await?;
    match &newest {
        Some(session) => app.output.notice(&format!("going on with {} ({})", session.title, session.id)),
        None => app.output.notice("no session was begun in this directory yet; beginning one"),
    }
    Ok(newest)
}
