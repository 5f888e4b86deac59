//! Asks the person at the terminal about calls that wait, a line at a time, while anything else may happen.
use duyetbot::tools::rules::{Lists, Source};
use duyetbot_core::{CallId, Code, Decision, Error, Result, RunId};
use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
    termios::{QueueSelector, tcflush},
};
use std::{
    collections::VecDeque,
    io::{self, PipeReader, PipeWriter},
    thread,
};
use tokio::sync::oneshot;

use crate::{
    app::App,
    approval::{LineKind, Question},
    settings,
};

/// The longest line that is read as an answer.
const LONGEST: usize = 4096;

/// What a person is told whose question somebody else has answered.
pub(crate) const ELSEWHERE: &str = "it was decided elsewhere";

/// What the person said to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Once,
    Always,
    No,
    Nonsense,
}

/// Questions that are open, the first of them asked.
#[derive(Default)]
pub(crate) struct Questions {
    open: VecDeque<Question>,
    keyboard: Option<Keyboard>,
}

impl Questions {
    pub(crate) fn is_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// One more question; it is asked where no other is.
    pub(crate) fn add(&mut self, app: &App, question: Question) -> Result<()> {
        self.open.push_back(question);
        if self.open.len() == 1 { self.ask(app) } else { Ok(()) }
    }

    /// The run went on without an answer from here.
    pub(crate) fn drop_all(&mut self, app: &App) {
        if self.is_open() {
            app.output.prompt("\n");
            app.output.notice(ELSEWHERE);
        }
        self.open.clear();
        self.keyboard = None;
    }

    fn ask(&mut self, app: &App) -> Result<()> {
        let Some(question) = self.open.front() else { return Ok(()) };
        // What was typed before it was asked is no answer.
        tcflush(io::stdin(), QueueSelector::IFlush).map_err(Error::internal)?;
        app.output.notice(&format!("{} asks: {}", question.tool, question.reason));
        for line in &question.lines {
            app.output.shown(line);
        }
        self.prompt(app)
    }

    fn prompt(&mut self, app: &App) -> Result<()> {
        let Some(question) = self.open.front() else { return Ok(()) };
        let always = match question.granted() {
            rules if rules.is_empty() => String::new(),
            rules => format!("a = always, in every folder ({rules}), "),
        };
        app.output.prompt(&format!("allow it? y = once, {always}n = no: "));
        self.keyboard = Some(Keyboard::open()?);
        Ok(())
    }

    /// Waits for the person's next line.
    pub(crate) async fn line(&mut self) -> Result<Option<String>> {
        match &mut self.keyboard {
            Some(keyboard) => (&mut keyboard.line).await.map_err(Error::internal)?,
            None => std::future::pending().await,
        }
    }

    /// Takes a line as the answer to the question that is asked.
    pub(crate) async fn answer(&mut self, app: &App, run: RunId, line: Option<String>) -> Result<()> {
        self.keyboard = None;
        let Some(question) = self.open.front() else { return Ok(()) };
        if line.is_none() {
            app.output.prompt("\n");
        }
        let decision = match said(line.as_deref(), question) {
            Said::Nonsense => return self.prompt(app),
            Said::Once => Decision::Allow,
            Said::No => Decision::Deny,
            Said::Always => {
                always(app, question)?;
                Decision::Allow
            }
        };
        let call: CallId = question.call.clone();
        self.open.pop_front();
        match app.bot.agent().decide(app.bot.scope(), run, &call, decision).await {
            Ok(_) => {}
            Err(error) if error.is(Code::NotPending) => app.output.notice(ELSEWHERE),
            Err(error) => return Err(error),
        }
        self.drop_decided(app, run).await?;
        self.ask(app)
    }

    /// What was decided elsewhere meanwhile is not asked about.
    async fn drop_decided(&mut self, app: &App, run: RunId) -> Result<()> {
        if !self.is_open() {
            return Ok(());
        }
        let open = app.bot.agent().open_calls(app.bot.scope()).await?;
        self.open.retain(|question| {
            let waits = open.iter().any(|call| call.run == run && call.call == question.call);
            if !waits {
                app.output.notice(&format!("{ELSEWHERE}: {}", question.heading));
            }
            waits
        });
        Ok(())
    }
}

/// What a line means. The end of input is no consent.
fn said(line: Option<&str>, question: &Question) -> Said {
    let Some(line) = line else { return Said::No };
    match line.trim().to_lowercase().as_str() {
        "y" | "yes" => Said::Once,
        "a" | "always" if !question.grants.is_empty() => Said::Always,
        "n" | "no" => Said::No,
        _ => Said::Nonsense,
    }
}

/// Allows what these rules grant: in the home's config, and in this process at once.
pub(crate) fn allow_from_now_on(app: &App, rules: &[String]) -> Result<()> {
    app.home.make()?;
    settings::add_in_file(&app.home.config(), "rules.allow", rules)?;
    if let Some(toolbox) = app.bot.toolbox() {
        let source = Source::Home(app.home.config().display().to_string());
        let lists = Lists { allow: rules.to_vec(), ..Lists::default() };
        toolbox.rules().add(&source, &lists).map_err(Error::internal)?;
    }
    Ok(())
}

/// Allows calls like this one from now on, and says so.
pub(crate) fn always(app: &App, question: &Question) -> Result<()> {
    let rules: Vec<String> = question.grants.iter().map(ToString::to_string).collect();
    allow_from_now_on(app, &rules)?;
    app.output.notice(&format!("from now on allowed, in every folder: {}", question.granted()));
    Ok(())
}

/// The next line of the terminal. A thread waits for it, and no longer than this lives: what is typed later is for others.
struct Keyboard {
    line: oneshot::Receiver<Result<Option<String>>>,
    /// Closed with this, which the thread sees.
    _alive: PipeWriter,
}

impl Keyboard {
    fn open() -> Result<Self> {
        let (gone, alive) = io::pipe().map_err(Error::internal)?;
        let (send, line) = oneshot::channel();
        thread::spawn(move || {
            if let Some(line) = read_line(&gone).transpose() {
                // Who asked may have its answer from elsewhere.
                let _ = send.send(line);
            }
        });
        Ok(Keyboard { line, _alive: alive })
    }
}

/// A line, where there is one before nobody wants it any more; the end of input is a line of nothing.
fn read_line(gone: &PipeReader) -> Result<Option<Option<String>>> {
    let stdin = io::stdin();
    loop {
        let mut polled = [PollFd::new(gone, PollFlags::IN), PollFd::new(&stdin, PollFlags::IN)];
        match poll(&mut polled, None) {
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(error) => return Err(Error::internal(error)),
        }
        if !polled[0].revents().is_empty() {
            return Ok(None);
        }
        let mut line = vec![0; LONGEST];
        return match rustix::io::read(&stdin, &mut line[..]) {
            // The terminal may be gone.
            Ok(0) | Err(Errno::IO) => Ok(Some(None)),
            Ok(n) => Ok(Some(Some(String::from_utf8_lossy(&line[..n]).into_owned()))),
            Err(Errno::INTR | Errno::AGAIN) => continue,
            Err(error) => Err(Error::internal(error)),
        };
    }
}

/// The colour of a kind of line.
pub(crate) fn colour(kind: LineKind) -> &'static str {
    match kind {
        LineKind::Plain => "",
        LineKind::Heading => "\x1b[1m",
        LineKind::Removed | LineKind::Wrong => "\x1b[31m",
        LineKind::Added => "\x1b[32m",
    }
}
