//! The agent with its store and its person.
use duyetbot_core::{
    Agent, Chat, Error, ErrorKind, Event, Limits, MessageId, Result, RunId, RunState, Scope, SessionId,
    Storage, Timestamp, Usage, Watched,
    index::{self, Hit},
    run::{LocalAgent, hydrate},
};
use futures::{StreamExt, stream::BoxStream};
use std::sync::Arc;

use crate::builder::{Builder, Closing};

/// An agent that remembers one person.
#[derive(Clone)]
pub struct Duyetbot {
    pub(crate) agent: LocalAgent,
    pub(crate) store: Arc<dyn Storage>,
    pub(crate) scope: Scope,
    pub(crate) limits: Limits,
    pub(crate) closing: Option<Closing>,
    #[cfg(feature = "tools")]
    pub(crate) toolbox: Option<crate::toolbox::Toolbox>,
}

/// What the agent answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// The run.
    pub run: RunId,
    /// The session: ask on in it with [`Duyetbot::ask_in`].
    pub session: SessionId,
    /// How the run ended: `Done` or `Cancelled`.
    pub state: RunState,
    /// The answer's message, where there is one.
    pub message: Option<MessageId>,
    /// The answer's words.
    pub text: String,
    /// What it cost.
    pub usage: Usage,
}

impl Duyetbot {
    /// Sets an agent up.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// An agent on this storage: `memory:` or `sqlite:PATH`. Without a configured model it answers from its memory.
    pub async fn open(url: &str) -> Result<Self> {
        Builder::default().storage(url).open().await
    }

    /// Asks in a new session.
    pub async fn ask(&self, text: &str) -> Result<Reply> {
        self.reply(Chat::new(text)).await
    }

    /// Asks in this session.
    pub async fn ask_in(&self, session: SessionId, text: &str) -> Result<Reply> {
        self.reply(Chat::new(text).in_session(session)).await
    }

    /// Starts a turn and answers its events as they come. Dropping the stream stops nothing;
    /// `agent().stop(…)` does.
    ///
    /// ```
    /// # use duyetbot::core::{Chat, Event};
    /// # use futures::StreamExt;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> duyetbot::core::Result<()> {
    /// # let bot = duyetbot::Duyetbot::open("memory:").await?;
    /// let (_run, mut events) = bot.stream(Chat::new("Hello")).await?;
    /// while let Some((_, event)) = events.next().await {
    ///     if let Event::Content { text, .. } = event {
    ///         print!("{text}");
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn stream(&self, chat: Chat) -> Result<(RunId, BoxStream<'static, Watched>)> {
        let run = self.agent.start(&self.scope, chat).await?;
        Ok((run, self.agent.watch(&self.scope, run, 0).await?))
    }

    async fn reply(&self, chat: Chat) -> Result<Reply> {
        let (run, mut events) = self.stream(chat).await?;
        while let Some((_, event)) = events.next().await {
            match event {
                Event::Done { state, usage, message } => {
                    let text = match message {
                        Some(id) => {
                            let message = self.store.message(&self.scope, run.session, id).await?;
                            hydrate(&*self.store, &self.scope, message).await?.text()
                        }
                        None => String::new(),
                    };
                    return Ok(Reply { run, session: run.session, state, message, text, usage });
                }
                Event::Error { error, .. } => return Err(error),
                _ => {}
            }
        }
        Err(Error::new(ErrorKind::Internal, "the turn ended without an end"))
    }

    /// Messages that hold these words, the best first.
    pub async fn search(&self, words: &str, limit: usize) -> Result<Vec<Hit>> {
        index::search(&*self.store, &self.scope, &index::typed_query(words), limit).await
    }

    /// The agent: start, watch, decide, stop.
    pub fn agent(&self) -> &LocalAgent {
        &self.agent
    }
    /// The store.
    pub fn store(&self) -> &Arc<dyn Storage> {
        &self.store
    }
    /// Whose data it is.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }
    /// What binds what the person adds.
    pub fn limits(&self) -> Limits {
        self.limits
    }
    /// The built-in tools, where there are some.
    #[cfg(feature = "tools")]
    pub fn toolbox(&self) -> Option<&crate::toolbox::Toolbox> {
        self.toolbox.as_ref()
    }
    /// The present moment by the agent's clock.
    pub fn now(&self) -> Timestamp {
        self.agent.parts().clock.now()
    }

    /// Ends what is open of the storage. What is durable is so without it.
    pub async fn close(&self) -> Result<()> {
        match &self.closing {
            Some(closing) => closing.close().await,
            None => Ok(()),
        }
    }
}
