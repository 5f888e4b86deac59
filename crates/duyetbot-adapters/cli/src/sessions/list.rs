//! Lists and searches.
use duyetbot_core::{Error, Result, SessionFilter, SessionState, index};

use crate::{app::App, exit::Exit};

/// What to list.
pub(super) struct Wanted {
    pub(super) limit: u32,
    pub(super) all: bool,
    pub(super) here: bool,
    pub(super) title: Option<String>,
    pub(super) deleted: bool,
}

pub(super) async fn ls(app: &App, wanted: Wanted) -> Result<Exit> {
    let every = vec![SessionState::Active, SessionState::Paused, SessionState::Completed];
    let mut filter = SessionFilter {
        states: if wanted.all || wanted.deleted { every } else { Vec::new() },
        place: wanted.here.then(|| app.environment.place()),
        title: wanted.title,
        deleted: wanted.deleted,
        ..SessionFilter::default()
    };
    let mut sessions = Vec::new();
    let wanted = wanted.limit as usize;
    while sessions.len() < wanted {
        filter.limit = u32::try_from((wanted - sessions.len()).min(1000)).unwrap_or(1000);
        let page = app.bot.store().sessions(app.bot.scope(), &filter).await?;
        sessions.extend(page.items);
        filter.cursor = page.next;
        if filter.cursor.is_none() {
            break;
        }
    }
    if app.output.is_json() {
        let wire: Vec<_> = sessions.iter().map(duyetbot_wire::Session::from).collect();
        app.output.json(&wire)?;
        return Ok(Exit::Done);
    }
    if sessions.is_empty() {
        app.output.notice("there are no sessions; begin one with: duyetbot ask \"…\"");
    }
    for session in sessions {
        let state = match session.state {
            SessionState::Active => String::new(),
            state => format!("  [{}]", state.as_str()),
        };
        let when = session.updated.to_string();
        app.output.line(&format!(
            "{}  {} {}  {:>5}  {}{state}",
            session.id,
            &when[..10],
            &when[11..16],
            session.messages,
            one_line(&session.title)
        ))?;
    }
    Ok(Exit::Done)
}

/// Characters of one entry of a list; JSON has the whole.
const LONGEST_ENTRY: usize = 240;

/// A title or a snippet as one entry of a list.
fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST_ENTRY) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

pub(super) async fn search(app: &App, words: &str, limit: u32) -> Result<Exit> {
    let query = index::typed_query(words);
    if query.is_empty() {
        return Err(Error::invalid("there is no word to search for; give at least one letter or digit"));
    }
    let hits = app.bot.agent().search(app.bot.scope(), words, limit as usize).await?;
    if app.output.is_json() {
        app.output.json(&hits.iter().map(duyetbot_wire::Found::from).collect::<Vec<_>>())?;
        return Ok(Exit::Done);
    }
    if hits.is_empty() {
        app.output.notice("nothing was found");
    }
    for hit in hits {
        let snippet = one_line(&hit.snippet);
        app.output.line(&format!("{}  {}  {snippet}", hit.session, hit.created.date()))?;
    }
    Ok(Exit::Done)
}
