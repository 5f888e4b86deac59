//! The branch of a session that a chat follows, and what others write beside it.
use duyetbot_core::{ErrorKind, MessageId, Result, RunId, Session, SessionId};

use crate::app::App;

/// Messages that are read at a time.
const PAGE: u32 = 500;

/// Where a chat stands in its session. Another terminal may have the same session open: what is said here goes under what was
/// seen here, and both lines stay.
#[derive(Clone, Debug)]
pub(crate) struct Branch {
    pub(crate) session: SessionId,
    /// The last message that this chat has shown or stored.
    pub(crate) tip: Option<MessageId>,
    /// How far the session's messages were looked at.
    seq: u64,
    /// Messages that the turn had when it was gone on with.
    steps: u32,
}

/// Which of the new messages are this chat's own.
#[derive(Clone, Copy)]
enum Own {
    Nothing,
    Turn(RunId),
    Message(MessageId),
}

impl Branch {
    /// The main line of a stored session.
    pub(crate) fn main_line(session: &Session) -> Self {
        Branch { session: session.id, tip: session.head, seq: session.seq, steps: 0 }
    }

    /// A session that its first message makes.
    pub(crate) fn new(session: SessionId) -> Self {
        Branch { session, tip: None, seq: 0, steps: 0 }
    }

    /// The messages of this turn that the chat has shown, where it goes on with one that is not over.
    pub(crate) async fn goes_on(&mut self, app: &App, run: RunId) -> Result<u32> {
        self.steps = 0;
        for step in 0.. {
            match app.bot.store().message(app.bot.scope(), run.session, run.step(step)).await {
                Ok(message) if Some(message.id) == self.tip => self.steps = step + 1,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => break,
                Err(error) => return Err(error),
            }
        }
        Ok(self.steps)
    }

    /// Looks at what was written since the last time; answers what to tell a person of what came from elsewhere.
    pub(crate) async fn look(&mut self, app: &App) -> Result<Option<String>> {
        self.follow(app, Own::Nothing).await
    }

    /// The same after a turn, whose messages this branch now ends with.
    pub(crate) async fn take_turn(&mut self, app: &App, message: MessageId) -> Result<Option<String>> {
        self.follow(app, Own::Turn(RunId { session: self.session, message })).await
    }

    /// The same after one message of our own, which this branch now ends with.
    pub(crate) async fn take_message(&mut self, app: &App, message: MessageId) -> Result<Option<String>> {
        self.follow(app, Own::Message(message)).await
    }

    async fn follow(&mut self, app: &App, own: Own) -> Result<Option<String>> {
        let (mut steps, mut others) = (std::mem::take(&mut self.steps), 0_usize);
        loop {
            let page = match app.bot.store().messages(app.bot.scope(), self.session, self.seq, PAGE).await {
                // Its first message makes it; one that was erased meanwhile is refused when something is said in it.
                Err(error) if error.kind() == ErrorKind::NotFound => break,
                page => page?,
            };
            let Some(last) = page.last() else { break };
            self.seq = last.seq;
            for message in &page {
                match own {
                    Own::Message(id) if message.id == id => self.tip = Some(message.id),
                    Own::Turn(run) if message.id == run.message => self.tip = Some(message.id),
                    Own::Turn(run) if message.id == run.step(steps) => {
                        self.tip = Some(message.id);
                        steps += 1;
                    }
                    _ => others += 1,
                }
            }
        }
        Ok((others > 0).then(|| {
            format!(
                "this session is open elsewhere too, {others} messages were written there; each goes on as a branch of \
                 its own (`duyetbot sessions show {} --branches` lists them)",
                self.session
            )
        }))
    }
}
