//! Brings terminal and agent together: keys and events in, frames and calls out. While nothing happens it sleeps.
use crossterm::event::{Event as Input, KeyEventKind};
use duyetbot_core::{CallId, Chat, Error, MessageId, Result, RunId, Session, Watched};
use futures::{Stream, StreamExt, future::LocalBoxFuture, stream::BoxStream};
use std::{io, io::Write, sync::Arc, time::Duration};
use tokio::{
    sync::Notify,
    task::JoinHandle,
    time::{Instant, sleep_until},
};

use super::{
    complete::workspace_files,
    jobs::{self, Job, OnStop, Outcome},
    keys::Action,
    paint::Painter,
    state::{Files, Phase, State},
    view::live,
};
use crate::{
    app::App,
    branch::Branch,
    exit::Exit,
    stop::{Stop, Wish},
    terminal,
};

/// Between two frames of an answer that streams.
const FRAME: Duration = Duration::from_millis(33);
/// A stop that takes longer may be asked for again, and then leaves.
const PATIENCE: Duration = Duration::from_secs(1);

/// Answers the columns and rows of the window.
pub(super) type Window = fn() -> Option<(usize, usize)>;

/// The interface while it runs.
pub(super) struct Driver<'a, W, K> {
    pub(super) app: &'a App,
    pub(super) state: State,
    pub(super) painter: Painter<W>,
    /// How large the window is, where there is one.
    window: Window,
    /// None once the terminal is gone.
    keys: Option<K>,
    stop: Stop,
    taken_up: Arc<Notify>,
    pub(super) branch: Option<Branch>,
    /// The model that the person named.
    pub(super) model: Option<String>,
    pub(super) job: Option<Job<'a>>,
    pub(super) run: Option<(RunId, BoxStream<'static, Watched>)>,
    files: Option<JoinHandle<Vec<String>>>,
    /// Looks at the calls that wait.
    pub(super) look: Option<LocalBoxFuture<'a, Result<Vec<CallId>>>>,
    /// When the next frame is due, where something has changed.
    frame: Option<Instant>,
    drawn: Instant,
    /// When a quiet keyboard means something.
    pub(super) quiet: Option<Instant>,
    /// When the draft was typed at last.
    pub(super) typed: Option<Instant>,
    /// When the turn was asked to stop.
    stopped: Option<Instant>,
    /// The message of which the person was told that it has to wait.
    pub(super) told_elsewhere: Option<MessageId>,
    /// The message whose turn has not begun.
    pub(super) unsent: Option<String>,
    leaving: Option<Exit>,
}

enum Happened {
    Key(Option<io::Result<Input>>),
    Asked(Wish),
    Done(Result<Outcome>),
    Event(Option<Watched>),
    Files(Vec<String>),
    Decided(Result<Vec<CallId>>),
    TakenUp,
    FrameDue,
    Quiet,
}

impl<'a, W: Write, K: Stream<Item = io::Result<Input>> + Unpin> Driver<'a, W, K> {
    pub(super) fn new(
        app: &'a App,
        state: State,
        painter: Painter<W>,
        window: Window,
        keys: K,
        stop: Stop,
    ) -> Self {
        let now = Instant::now();
        Driver {
            app,
            state,
            painter,
            window,
            keys: Some(keys),
            stop,
            taken_up: Arc::default(),
            branch: None,
            model: None,
            job: None,
            run: None,
            files: None,
            look: None,
            frame: Some(now),
            drawn: now,
            quiet: None,
            typed: None,
            stopped: None,
            told_elsewhere: None,
            unsent: None,
            leaving: None,
        }
    }

    /// Is told when the terminal was given back and taken up again.
    pub(super) fn taken_up(&self) -> Arc<Notify> {
        self.taken_up.clone()
    }

    /// Talks until the person leaves.
    pub(super) async fn talk(&mut self) -> Exit {
        loop {
            if self.frame.is_some_and(|due| due <= Instant::now()) {
                self.draw();
            }
            if let Some(exit) = self.leaving.filter(|_| self.run.is_none() && self.job.is_none()) {
                return exit;
            }
            self.look();
            let happened = self.next().await;
            if let Some(exit) = self.take(happened).await {
                return exit;
            }
        }
    }

    async fn next(&mut self) -> Happened {
        let Driver { keys, stop, taken_up, job, run, files, look, frame, quiet, .. } = self;
        let (keys, job, run, files) = (keys.as_mut(), job.as_mut(), run.as_mut(), files.as_mut());
        tokio::select! {
            biased;
            wish = stop.wish() => Happened::Asked(wish),
            key = some(keys.map(StreamExt::next)) => Happened::Key(key),
            () = taken_up.notified() => Happened::TakenUp,
            done = some(job.map(|job| &mut job.work)) => Happened::Done(done),
            () = some(frame.map(|due| Box::pin(sleep_until(due)))) => Happened::FrameDue,
            () = some(quiet.map(|due| Box::pin(sleep_until(due)))) => Happened::Quiet,
            decided = some(look.as_mut()) => Happened::Decided(decided),
            found = some(files) => Happened::Files(found.unwrap_or_default()),
            event = some(run.map(|(_, events)| events.next())) => Happened::Event(event),
        }
    }

    async fn take(&mut self, happened: Happened) -> Option<Exit> {
        match happened {
            Happened::Key(Some(Ok(input))) => return self.input(input).await,
            Happened::Key(_) => {
                self.keys = None;
                return self.leave(Exit::Done).await;
            }
            Happened::Asked(Wish::Leave) => return self.leave(Exit::Stopped).await,
            Happened::Asked(Wish::Stop) => {
                let key = crossterm::event::KeyEvent::new(
                    crossterm::event::KeyCode::Char('c'),
                    crossterm::event::KeyModifiers::CONTROL,
                );
                return self.input(Input::Key(key)).await;
            }
            Happened::Done(outcome) => {
                self.job = None;
                self.outcome(outcome).await;
                self.frame = Some(Instant::now());
            }
            Happened::Event(event) => {
                self.event(event);
                self.frame = self.frame.or(Some(self.drawn + FRAME));
            }
            Happened::Files(found) => {
                self.files = None;
                self.state.files = Files::Read(Arc::new(found));
                self.state.offer();
                self.frame = Some(Instant::now());
            }
            Happened::Decided(decided) => {
                self.looked(decided);
                self.frame = Some(Instant::now());
            }
            Happened::TakenUp => self.redraw(),
            Happened::FrameDue => {}
            Happened::Quiet => {
                self.quiet().await;
                self.frame = Some(Instant::now());
            }
        }
        None
    }

    async fn input(&mut self, input: Input) -> Option<Exit> {
        let was_typing = !self.state.draft.is_empty();
        let action = match input {
            Input::Key(key) if key.kind != KeyEventKind::Release => self.state.key(key),
            Input::Paste(text) => {
                self.state.paste(&text);
                Action::Nothing
            }
            // The next frame measures the window.
            Input::Resize(..) => Action::Nothing,
            _ => return None,
        };
        self.frame = Some(Instant::now());
        if was_typing || !self.state.draft.is_empty() {
            self.typed = Some(Instant::now());
        }
        self.guard();
        self.read_files();
        self.act(action).await
    }

    async fn act(&mut self, action: Action) -> Option<Exit> {
        match action {
            Action::Nothing => {}
            Action::Send(text) => self.send(text),
            Action::Run(command) => return self.command(command).await,
            Action::Stop => return self.stop().await,
            Action::Leave => return self.leave(Exit::Done).await,
            Action::Suspend => {
                // Where the job cannot be stopped it goes on.
                let _ = rustix::process::kill_current_process_group(rustix::process::Signal::TSTP);
            }
            Action::Open(session) => self.work(jobs::open(self.app, session)),
            Action::Decide(answers) => self.decide(answers).await,
            Action::Redraw => self.redraw(),
        }
        None
    }

    /// Begins a turn.
    pub(super) fn send(&mut self, text: String) {
        self.state.sending = Some(text.clone());
        self.stopped = None;
        self.state.phase = Phase::Starting;
        let work = jobs::prepare(self.app, self.branch.clone(), text, self.model.clone());
        self.job = Some(Job { work: Box::pin(work), on_stop: OnStop::Drops });
    }

    /// Prints what is being sent: from here on it stands where it was said.
    pub(super) fn said(&mut self) {
        let Some(text) = self.state.sending.take() else { return };
        let lines = self.state.turn.person(&text, self.state.columns);
        self.state.out.extend(lines);
        self.unsent = Some(text);
    }

    /// Goes on with the turn that was prepared.
    pub(super) fn start(&mut self, chat: Chat) {
        self.job = Some(Job { work: Box::pin(jobs::start(self.app, chat)), on_stop: OnStop::Finishes });
    }

    /// Goes on with a turn that is not over.
    pub(super) fn attach(&mut self, branch: Branch, run: RunId) {
        self.state.phase = Phase::Starting;
        let work = Box::pin(jobs::attach(self.app, branch, run));
        self.job = Some(Job { work, on_stop: OnStop::Finishes });
    }

    /// The turn has begun.
    pub(super) async fn started(&mut self, run: RunId, events: BoxStream<'static, Watched>) {
        self.unsent = None;
        self.run = Some((run, events));
        self.state.phase = Phase::Running;
        if self.stopped.is_some() || self.leaving.is_some() {
            self.stop_run(run).await;
        }
    }

    /// Does something that can be dropped.
    pub(super) fn work(&mut self, work: impl Future<Output = Result<Outcome>> + 'a) {
        self.stopped = None;
        self.state.phase = Phase::Working;
        self.job = Some(Job { work: Box::pin(work), on_stop: OnStop::Drops });
    }

    /// Was the turn asked to stop?
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.is_some()
    }

    pub(super) async fn stop(&mut self) -> Option<Exit> {
        if self.stopped.is_some_and(|first| first.elapsed() > PATIENCE) {
            // Who asks again does not want to wait any longer: what is durable stays.
            return Some(Exit::Stopped);
        }
        self.stopped.get_or_insert_with(Instant::now);
        let run = self.run.as_ref().map(|(run, _)| *run);
        match run {
            Some(run) => self.stop_run(run).await,
            None if self.job.as_ref().is_some_and(|job| job.on_stop == OnStop::Drops) => self.drop_job(),
            None => {}
        }
        None
    }

    async fn stop_run(&mut self, run: RunId) {
        self.state.phase = Phase::Stopping;
        if let Err(error) = self.app.bot.agent().stop(self.app.bot.scope(), run).await {
            self.state.failure(error.message());
        }
    }

    fn drop_job(&mut self) {
        self.job = None;
        self.state.phase = Phase::Idle;
        self.state.take_back();
        self.said();
        if let Some(text) = self.unsent.take() {
            self.state.note("stopped before the turn began; the words are not stored");
            if self.state.draft.is_empty() {
                self.state.draft = super::draft::Draft::new(text);
            }
        }
    }

    /// Leaves once what runs has ended; asked again after a moment, at once.
    pub(super) async fn leave(&mut self, exit: Exit) -> Option<Exit> {
        if self.run.is_none() && self.job.is_none() {
            return Some(exit);
        }
        self.leaving.get_or_insert(exit);
        self.stop().await
    }

    pub(super) fn ended(&mut self, run: RunId, message: Option<MessageId>) {
        self.run = None;
        self.quiet = None;
        let branch = self.branch.clone().unwrap_or_else(|| Branch::new(run.session));
        let work = Box::pin(jobs::end(self.app, branch, run, message));
        self.job = Some(Job { work, on_stop: OnStop::Finishes });
    }

    /// Nothing is being done any more: what waits is sent, unless the person stopped what ran.
    pub(super) fn idle(&mut self) {
        self.state.phase = Phase::Idle;
        self.unsent = None;
        if self.stopped.take().is_some() {
            self.state.take_back();
        } else if let Some(text) = self.state.queue.pop_front().filter(|_| self.leaving.is_none()) {
            self.send(text);
        }
    }

    /// Goes on with a stored session.
    pub(super) fn goes_on(&mut self, session: &Session) {
        self.branch = Some(Branch::main_line(session));
    }

    fn read_files(&mut self) {
        if self.state.wants_files() {
            self.state.files = Files::Reading;
            let folder = self.app.environment.folder.clone();
            self.files = Some(tokio::task::spawn_blocking(move || workspace_files(&folder)));
        }
    }

    fn redraw(&mut self) {
        self.painter.forget();
        self.frame = Some(Instant::now());
    }

    /// Looks how large the window is. A frame may be due before the signal of a change has come, and rows of another
    /// width would be counted wrongly.
    fn measure(&mut self) {
        let Some((columns, rows)) = (self.window)() else { return };
        if columns == 0 || (columns, rows) == (self.state.columns, self.state.rows) {
            return;
        }
        self.painter.resized(columns);
        (self.state.columns, self.state.rows) = (columns, rows);
    }

    fn draw(&mut self) {
        self.frame = None;
        if !terminal::is_ours() {
            // All is drawn anew once it is.
            return;
        }
        self.measure();
        self.drawn = Instant::now();
        let printed = self.state.printed();
        let drawn = self.painter.frame(&printed, live(&self.state));
        terminal::on_leaving(self.painter.leaving());
        if drawn.is_err() {
            // Nobody sees it any more. What runs is stopped, and what was said stays.
            self.leaving.get_or_insert(Exit::Stopped);
            self.stopped.get_or_insert_with(Instant::now);
        }
    }

    /// An error of something that was being done.
    pub(super) fn failed(&mut self, error: &Error) {
        self.said();
        self.state.failure(error.message());
        self.idle();
    }
}

async fn some<F: Future + Unpin>(future: Option<F>) -> F::Output {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}
