//! The plain chat: a line at a time, answers as they come. Ctrl-C keeps what was said.
use duyetbot_core::{Chat, Code, Error, ErrorKind, Result, RunId, RunState, Session};
use std::{
    io::{self, IsTerminal},
    time::Duration,
};

use crate::{
    app::App,
    args::Format,
    branch::Branch,
    editor::{Editor, Line},
    exit::Exit,
    sessions,
    stop::Stop,
    terminal::Terminal,
    turn::Turn,
};

/// Between two offers of a message while an answer is written elsewhere in its session.
pub(crate) const OFFER: Duration = Duration::from_millis(500);

/// What is told while an answer is written elsewhere.
pub(crate) const ELSEWHERE: &str = "this session is open elsewhere too, an answer is being written there; what you said \
                                    goes out after it (Ctrl-C keeps it back)";

/// What is told where a session is gone on with that nobody named.
pub(crate) const WENT_ON: &str = "what was decided goes on in its session; /new begins another";

/// The session of a turn that was decided elsewhere and goes on here, as nobody was there to go on with it.
pub(crate) async fn went_on(app: &App, adopted: &[RunId]) -> Result<Option<Session>> {
    let Some(bot) = app.bot.local() else { return Ok(None) };
    for run in adopted {
        // What a dead process left was ended.
        if bot.store().run(bot.scope(), *run).await?.state != RunState::Interrupted {
            return bot.store().session(bot.scope(), run.session).await.map(Some);
        }
    }
    Ok(None)
}

/// Talks until the person leaves.
pub(crate) async fn chat(app: &App, session: Option<Session>) -> Result<Exit> {
    suits(app)?;
    if crate::tui::suits(app) {
        return crate::tui::run(app, session).await;
    }
    let mut stop = Stop::listen()?;
    let mut editor = Editor::new(&app.home, app.bot.redactor().clone())?;
    let terminal = {
        let mut redraw = editor.redraw();
        Terminal::remember(move || redraw.now())?
    };
    let adopted = app.tidy_up().await?;
    let session = match session {
        Some(session) => Some(session),
        None => went_on(app, &adopted).await?.inspect(|_| app.output.notice(WENT_ON)),
    };
    greet(app, session.as_ref())?;
    let mut branch = session.as_ref().map(Branch::main_line);
    if let Some(branch) = &mut branch {
        finish(app, branch, &mut stop).await?;
    }
    let mut leaving = false;
    loop {
        let line;
        (editor, line) = tokio::select! {
            read = editor.read() => read?,
            () = stop.asked_to_leave() => {
                drop(terminal);
                // The shell's prompt gets a line of its own; where nobody reads there is no shell.
                let _ = app.output.write("\n");
                return Ok(Exit::Stopped);
            }
        };
        match line {
            Line::End => return Ok(Exit::Done),
            Line::Cleared => leaving = false,
            Line::Interrupted if leaving => return Ok(Exit::Done),
            Line::Interrupted => {
                leaving = true;
                app.output.notice("Ctrl-C again, Ctrl-D or /quit leaves");
            }
            Line::Said(line) => {
                leaving = false;
                match line.trim() {
                    "" => {}
                    "/quit" | "/exit" => return Ok(Exit::Done),
                    "/new" => branch = None,
                    "/help" => {
                        app.output.notice("/new begins a session, /quit leaves; Ctrl-C stops an answer")
                    }
                    command
                        if command.starts_with('/')
                            && !command.contains(' ')
                            && !command[1..].contains('/') =>
                    {
                        app.output.notice(&format!("there is no command {command}; /help lists them"));
                    }
                    _ => branch = Some(turn(app, branch, &line, &mut stop).await?),
                }
                if stop.is_leaving() {
                    return Ok(Exit::Stopped);
                }
            }
        }
    }
}

/// A chat is for a person at a terminal.
fn suits(app: &App) -> Result<()> {
    if app.output.format != Format::Text {
        return Err(Error::invalid(
            "a chat is for people; for programs there is: duyetbot ask --output-format json \"…\"",
        ));
    }
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(Error::invalid(
            "a chat needs a terminal; ask once with: duyetbot ask \"…\" (standard input is the prompt there)",
        ));
    }
    Ok(())
}

fn greet(app: &App, session: Option<&Session>) -> Result<()> {
    match session {
        Some(session) => {
            app.output.notice(&format!("{} ({})", session.title, session.id));
        }
        None => app.output.notice("say something; /help lists the commands"),
    }
    Ok(())
}

/// One turn, after the one that is not over.
async fn turn(app: &App, branch: Option<Branch>, text: &str, stop: &mut Stop) -> Result<Branch> {
    let mut branch = branch;
    if let Some(branch) = &mut branch
        && finish(app, branch, stop).await?
        && stop.is_asked()
    {
        app.output.notice("what you said was not sent; say it again");
        return Ok(branch.clone());
    }
    let mut chat = app.chat(text);
    let mut branch = branch.unwrap_or_else(|| Branch::new(chat.session_id(app.bot.scope())));
    let told = branch.look(app).await?;
    told.iter().for_each(|told| app.output.notice(told));
    chat.seen = branch.tip;
    let message = chat.message;
    let done = offer(app, chat.in_session(branch.session), stop).await;
    told_of(app, done, stop)?;
    let told = branch.take_turn(app, message).await?;
    told.iter().for_each(|told| app.output.notice(told));
    Ok(branch)
}

/// Goes on with the turn of the session that is not over; answers whether there was one.
async fn finish(app: &App, branch: &mut Branch, stop: &mut Stop) -> Result<bool> {
    let unfinished = app.bot.agent().unfinished(app.bot.scope(), branch.session).await?;
    let Some(run) = unfinished else { return Ok(false) };
    app.output.notice("the last turn here is not over");
    let steps = branch.goes_on(app, run).await?;
    stop.renew();
    let done = Turn::talking(app).follow(run, steps, stop).await;
    told_of(app, done, stop)?;
    let told = branch.take_turn(app, run.message).await?;
    told.iter().for_each(|told| app.output.notice(told));
    Ok(true)
}

/// A turn's failure is told, and the chat goes on.
fn told_of(app: &App, done: Result<Exit>, stop: &Stop) -> Result<()> {
    match done {
        Ok(_) => Ok(()),
        Err(error) if error.kind() != ErrorKind::Cancelled => {
            app.output.error(&error);
            Ok(())
        }
        // It was stopped before it began.
        Err(_) if stop.is_asked() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Runs the turn, once no other terminal's answer is in its way.
async fn offer(app: &App, chat: Chat, stop: &mut Stop) -> Result<Exit> {
    let mut told = false;
    loop {
        match Turn::talking(app).run(chat.clone(), stop).await {
            Err(error) if error.is(Code::RunActive) => {}
            done => return done,
        }
        if !told {
            app.output.notice(ELSEWHERE);
            told = true;
        }
        tokio::select! {
            () = tokio::time::sleep(OFFER) => {}
            () = stop.asked() => {
                return Err(Error::new(ErrorKind::Conflict, "what you said was not sent; say it again later"));
            }
        }
    }
}

/// Offers an older home's sessions, then talks.
pub(crate) async fn begin(app: &App) -> Result<Exit> {
    suits(app)?;
    sessions::offer(app).await?;
    chat(app, None).await
}
