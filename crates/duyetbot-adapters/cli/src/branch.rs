//! The branch of a session that a chat follows, and what others write beside it.
use duyetbot_core::{ErrorKind, MessageId, Result, RunId, Session, SessionId};

use crate::app::App;

/// Messages that are read at a time.
const PAGE: u32 = 500;

/// Where a chat stands in its session. Another terminal may have the same session open: what is said here goes under what was
/// seen here, and both lines stay.
pub(crate) struct Branch {
    pub(crate) session: SessionId,
    /// The last message that this chat has shown or stored.
    pub(crate) tip: Option<MessageId>,
    /// How far the session's messages were looked at.
    seq: u64,
}

impl Branch {
    /// The main line of a stored session.
    pub(crate) fn main_line(session: &Session) -> Self {
        Branch { session: session.id, tip: session.head, seq: session.seq }
    }

    /// A session that its first message makes.
    pub(crate) fn new(session: SessionId) -> Self {
        Branch { session, tip: None, seq: 0 }
    }

    /// Looks at what was written since the last time, and tells a person what came from elsewhere.
    pub(crate) async fn look(&mut self, app: &App) -> Result<()> {
        self.follow(app, None).await
    }

    /// The same after a turn, whose messages this branch now ends with.
    pub(crate) async fn take_turn(&mut self, app: &App, message: MessageId) -> Result<()> {
        self.follow(app, Some(RunId { session: self.session, message })).await
    }

    async fn follow(&mut self, app: &App, turn: Option<RunId>) -> Result<()> {
        let (mut steps, mut others) = (0, 0_usize);
        loop {
            let page = match app.bot.store().messages(app.bot.scope(), self.session, self.seq, PAGE).await {
                // Its first message makes it; one that was erased meanwhile is refused when something is said in it.
                Err(error) if error.kind() == ErrorKind::NotFound => break,
                page => page?,
            };
            let Some(last) = page.last() else { break };
            self.seq = last.seq;
            for message in &page {
                match turn {
                    Some(run) if message.id == run.message => self.tip = Some(message.id),
                    Some(run) if message.id == run.step(steps) => {
                        self.tip = Some(message.id);
                        steps += 1;
                    }
                    _ => others += 1,
                }
            }
        }
        if others > 0 {
            app.output.notice(&format!(
                "this session is open elsewhere too, {others} messages were written there; each goes on as a branch of \
                 its own (`duyetbot sessions show {} --branches` lists them)",
                self.session
            ));
        }
        Ok(())
    }
}
