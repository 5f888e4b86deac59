//! The plain chat: a line at a time, answers as they come. Ctrl-C keeps what was said.
use duyetbot_core::{Chat, Code, Error, ErrorKind, Origin, Result, Session};
use rustyline::{DefaultEditor, error::ReadlineError};
use std::{
    io::{self, IsTerminal},
    time::Duration,
};

use crate::{
    app::App,
    ask::Turn,
    branch::Branch,
    exit::Exit,
    home::Home,
    sessions::{self, say_where_it_belongs},
    stop::Stop,
    terminal::Terminal,
};

/// Between two offers of a message while an answer is written elsewhere in its session.
const OFFER: Duration = Duration::from_millis(500);

/// What came of a line.
enum Line {
    Said(String),
    Interrupted,
    End,
}

/// Talks until the person leaves.
pub(crate) async fn chat(app: &App, session: Option<Session>) -> Result<Exit> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(Error::invalid(
            "a chat needs a terminal; ask once with: duyetbot ask \"…\" (standard input is the prompt there)",
        ));
    }
    let _terminal = Terminal::remember()?;
    app.bot.agent().adopt_orphans().await?;
    greet(app, session.as_ref())?;
    let mut branch = session.as_ref().map(Branch::main_line);
    let mut editor = Editor::new(&app.home)?;
    let mut leaving = false;
    loop {
        let line;
        (editor, line) = read(editor).await?;
        match line {
            Line::End => return Ok(Exit::Done),
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
                    text => branch = Some(turn(app, branch, text).await?),
                }
            }
        }
    }
}

fn greet(app: &App, session: Option<&Session>) -> Result<()> {
    match session {
        Some(session) => {
            app.output.notice(&format!("{} ({})", session.title, session.id));
            say_where_it_belongs(app, session);
        }
        None => app.output.notice("say something; /help lists the commands"),
    }
    Ok(())
}

/// One turn. Its failure is told, and the chat goes on.
async fn turn(app: &App, branch: Option<Branch>, text: &str) -> Result<Branch> {
    let mut chat = Chat::new(text);
    chat.origin = Origin::Cli;
    chat.place = Some(app.environment.place());
    let mut branch = branch.unwrap_or_else(|| Branch::new(chat.session_id(app.bot.scope())));
    branch.look(app).await?;
    chat.seen = branch.tip;
    let message = chat.message;
    if let Err(error) = offer(app, chat.in_session(branch.session)).await {
        if error.kind() == ErrorKind::Cancelled {
            return Err(error);
        }
        app.output.error(&error);
    }
    branch.take_turn(app, message).await?;
    Ok(branch)
}

/// Runs the turn, once no other terminal's answer is in its way.
async fn offer(app: &App, chat: Chat) -> Result<Exit> {
    let mut stop = None;
    loop {
        match Turn::talking(app).run(chat.clone()).await {
            Err(error) if error.is(Code::RunActive) => {}
            done => return done,
        }
        if stop.is_none() {
            app.output.notice(
                "this session is open elsewhere too, an answer is being written there; what you said goes out after it \
                 (Ctrl-C keeps it back)",
            );
            stop = Some(Stop::listen()?);
        }
        if let Some(stop) = &mut stop {
            tokio::select! {
                () = tokio::time::sleep(OFFER) => {}
                () = stop.asked() => {
                    return Err(Error::new(ErrorKind::Conflict, "what you said was not sent; say it again later"));
                }
            }
        }
    }
}

/// The line editor with what was typed before.
struct Editor {
    lines: DefaultEditor,
    history: std::path::PathBuf,
}

impl Editor {
    fn new(home: &Home) -> Result<Self> {
        let mut lines = DefaultEditor::new().map_err(Error::internal)?;
        let history = home.history();
        if history.exists() {
            // What was typed before is a comfort; the chat works without it.
            let _ = lines.load_history(&history);
        }
        Ok(Editor { lines, history })
    }
}

/// Reads a line on a thread of its own, because the editor blocks.
async fn read(mut editor: Editor) -> Result<(Editor, Line)> {
    tokio::task::spawn_blocking(move || {
        let line = match editor.lines.readline("> ") {
            Ok(line) => {
                if !line.trim().is_empty() && editor.lines.add_history_entry(&line).unwrap_or(false) {
                    // As above.
                    let _ = editor.lines.append_history(&editor.history);
                }
                Line::Said(line)
            }
            Err(ReadlineError::Interrupted) => Line::Interrupted,
            Err(ReadlineError::Eof) => Line::End,
            Err(error) => return Err(Error::internal(error)),
        };
        Ok((editor, line))
    })
    .await
    .map_err(Error::internal)?
}

/// Offers an older home's sessions, then talks.
pub(crate) async fn begin(app: &App) -> Result<Exit> {
    sessions::offer(app).await?;
    chat(app, None).await
}
