//! The full interface: inline in the scrollback, where each finished block is printed once.
mod answers;
mod commands;
mod complete;
mod draft;
mod highlight;
mod history;
mod keys;
mod languages;
mod markdown;
mod menu;
mod paint;
mod state;
mod status;
#[cfg(test)]
mod tests;
mod text;
mod theme;
mod tools;
mod turn;
mod view;

mod asking;
mod attach;
mod driver;
mod jobs;
mod outcomes;

use crossterm::event::EventStream;
use duyetbot_core::{Result, Session};
use std::io;

use self::{
    driver::Driver,
    history::History,
    paint::{Colours, Painter, Reflow},
    state::State,
};
use crate::{
    app::App,
    chat::{WENT_ON, went_on},
    exit::Exit,
    stop::Stop,
    terminal::{Terminal, take_keys},
};

/// Columns and rows that are needed; a smaller terminal gets the plain chat.
const SMALLEST: (usize, usize) = (20, 5);

/// Can this terminal have the full interface, and is it wanted?
pub(crate) fn suits(app: &App) -> bool {
    let can_move = app.environment.get("TERM").is_some_and(|term| term != "dumb");
    let is_large = window().is_some_and(|(columns, rows)| columns >= SMALLEST.0 && rows >= SMALLEST.1);
    can_move && is_large && app.interface == Interface::Full
}

/// Which interface is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interface {
    /// Drawn.
    Full,
    /// A line at a time.
    Plain,
}

/// Talks until the person leaves.
pub(crate) async fn run(app: &App, session: Option<Session>) -> Result<Exit> {
    let stop = Stop::listen()?;
    let adopted = app.tidy_up().await?;
    let (columns, rows) = window().unwrap_or((80, 24));
    let redactor = app.bot.redactor().clone();
    let history = History::read(&app.home.history(), redactor);
    let state = State { columns, rows, history, ..State::default() };
    let painter = Painter::new(io::stdout(), colours(app), reflow(app));
    let mut driver = Driver::new(app, state, painter, window, EventStream::new(), stop);
    match (session, went_on(app, &adopted).await?) {
        (Some(session), _) => driver.outcome(jobs::open(app, session.id).await).await,
        (None, Some(session)) => {
            driver.state.note(WENT_ON);
            driver.outcome(jobs::open(app, session.id).await).await;
        }
        (None, None) => driver.state.note("say something; /help lists the commands"),
    }
    let taken_up = driver.taken_up();
    let terminal = Terminal::remember(move || taken_up.notify_one())?;
    take_keys()?;
    let exit = driver.talk().await;
    drop(terminal);
    Ok(exit)
}

fn window() -> Option<(usize, usize)> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    Some((usize::from(size.ws_col), usize::from(size.ws_row)))
}

fn colours(app: &App) -> Colours {
    if app.environment.wants_colour() { Colours::Some } else { Colours::None }
}

/// Terminals break long lines anew when their window changes, but for these.
fn reflow(app: &App) -> Reflow {
    let cuts = app.environment.get("XTERM_VERSION").is_some()
        || app.environment.get("STY").is_some()
        || app.environment.get("TERM").is_some_and(|term| term == "linux");
    if cuts { Reflow::Cuts } else { Reflow::Breaks }
}
