//! What every command works with: settings, output, and the agent on its store.
use duyetbot::client::Connection;
use duyetbot::{Access, Builder, Duyetbot, LocalPorts, ModelSettings, Proxies};
use duyetbot_core::{
    Chat, Error, Limits, Origin, Result, RunId, Session, SessionFilter,
    run::{Guards, Narrowing, Presence, Recall, Settings as Behaviour, Successor},
};

use crate::{
    args::Global,
    bot::Bot,
    environment::Environment,
    home::Home,
    output::Output,
    settings::Settings,
    tui::Interface,
    workshop::{system, tool_settings},
};

/// A running program.
pub(crate) struct App {
    pub(crate) environment: Environment,
    pub(crate) home: Home,
    pub(crate) output: Output,
    /// The storage's URL.
    pub(crate) storage: String,
    /// Which interface a person wants.
    pub(crate) interface: Interface,
    pub(crate) bot: Bot,
    pub(crate) presence: Presence,
    /// What was said on the command line.
    pub(crate) flags: Global,
}

/// Whether the model gets tools.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tools {
    Given,
    Kept,
}

impl App {
    /// Opens the store and makes the agent.
    pub(crate) async fn open(
        environment: Environment,
        home: Home,
        settings: &Settings,
        output: Output,
        presence: Presence,
        flags: Global,
    ) -> Result<Self> {
        let builder = Duyetbot::builder().storage(&storage(&home, settings)?);
        let tools = if settings.on("tools.enabled") { Tools::Given } else { Tools::Kept };
        App::make(builder, (environment, home, output), settings, presence, flags, tools).await
    }

    /// The same on a server. What this machine keeps is not opened.
    pub(crate) fn connect(
        environment: Environment,
        home: Home,
        settings: &Settings,
        output: Output,
        presence: Presence,
        flags: Global,
        connection: Connection,
    ) -> Result<Self> {
        if !flags.ask.is_empty() {
            return Err(Error::invalid(
                "--ask is for the tools of this machine; on a server --allow and --deny narrow what it lets run",
            ));
        }
        let redactor = connection.redactor(&settings.texts("redact"));
        let interface = if flags.plain { Interface::Plain } else { Interface::Full };
        let bot = Bot::there(connection, redactor);
        Ok(App { environment, home, output, storage: String::new(), interface, bot, presence, flags })
    }

    /// A message of the person's, as this program sends it.
    pub(crate) fn chat(&self, text: impl Into<String>) -> Chat {
        let mut chat = Chat::new(text);
        chat.origin = Origin::Cli;
        chat.place = Some(self.environment.place());
        if self.bot.server().is_some() {
            // Here the agent was made with them; a server learns of them by the message, which only narrows its own.
            chat.model = self.flags.model.clone();
            let allow = Some(self.flags.allow.clone()).filter(|rules| !rules.is_empty());
            chat.narrowing = Narrowing { allow, deny: self.flags.deny.clone() };
        }
        chat
    }

    /// Does a run of this place go on where this program sees it: in this folder, or on the server?
    pub(crate) fn is_here(&self, place: &str) -> bool {
        self.bot.server().is_some() || place == self.environment.place()
    }

    async fn make(
        builder: Builder,
        (environment, home, output): (Environment, Home, Output),
        settings: &Settings,
        presence: Presence,
        flags: Global,
        tools: Tools,
    ) -> Result<Self> {
        let builder = equipped(builder, (&environment, &home), settings, presence);
        let mut builder = builder.behaviour(behaviour(&environment, settings, tools));
        if tools == Tools::Given {
            builder = builder.tools(tool_settings(&environment, &home, settings));
        }
        let storage = storage(&home, settings)?;
        let bot = Bot::here(builder.open().await?);
        let interface = if flags.plain { Interface::Plain } else { Interface::Full };
        Ok(App { environment, home, output, storage, interface, bot, presence, flags })
    }

    /// The program as a session wants it that was begun elsewhere: its tools work in the session's own folder, by the rules
    /// that hold there; where that folder is not on this machine, or gone, there are none. None where it was begun here.
    pub(crate) async fn where_it_belongs(&self, session: &Session) -> Result<Option<App>> {
        let Some(place) = session.place.as_ref().filter(|place| **place != self.environment.place()) else {
            return Ok(None);
        };
        // On a server the tools are the server's, wherever a session was begun.
        let Some(here) = self.bot.local() else { return Ok(None) };
        let folder = self.environment.folder_of(place).filter(|folder| folder.is_dir());
        let (environment, can_work) = match folder {
            Some(folder) => {
                self.output.notice(&format!("this session was begun in {place}; its tools work there"));
                (self.environment.in_folder(folder), true)
            }
            None => {
                self.output.notice(&format!(
                    "this session was begun in {place}, which is not here; it goes on without tools"
                ));
                (self.environment.clone(), false)
            }
        };
        let settings = Settings::read(&self.home, &environment, &self.flags)?;
        let given = can_work && settings.on("tools.enabled");
        let builder = Duyetbot::builder().store(here.store().clone());
        let output = Output::new(self.output.format, &environment);
        let parts = (environment, self.home.clone(), output);
        let tools = if given { Tools::Given } else { Tools::Kept };
        App::make(builder, parts, &settings, self.presence, self.flags.clone(), tools).await.map(Some)
    }

    /// Takes over what dead processes of this folder left, and ends what waited too long.
    pub(crate) async fn tidy_up(&self) -> Result<Vec<RunId>> {
        if self.bot.local().is_some() {
            self.bot.agent().open_calls(self.bot.scope()).await?;
        }
        self.bot.adopt_orphans().await
    }

    /// The newest session that was begun in this directory.
    pub(crate) async fn newest_here(&self) -> Result<Option<Session>> {
        let filter =
            SessionFilter { limit: 1, place: Some(self.environment.place()), ..SessionFilter::default() };
        let page = self.bot.store().sessions(self.bot.scope(), &filter).await?;
        Ok(page.items.into_iter().next())
    }
}

/// What every agent of this program is made of, but for how it behaves and what it may do.
pub(crate) fn equipped(
    builder: Builder,
    (environment, home): (&Environment, &Home),
    settings: &Settings,
    presence: Presence,
) -> Builder {
    let builder = builder.models(model_settings(environment, home, settings)).presence(presence);
    settings.texts("redact").iter().fold(builder, |builder, secret| builder.secret(secret))
}

/// The storage's URL; the home is made where the file lies in it.
pub(crate) fn storage(home: &Home, settings: &Settings) -> Result<String> {
    if let Some(url) = settings.text("storage") {
        return Ok(url);
    }
    home.make()?;
    Ok(format!("sqlite:{}", home.database().display()))
}

/// What decides which model answers.
pub(crate) fn model_settings(environment: &Environment, home: &Home, settings: &Settings) -> ModelSettings {
    let access = |name: &str| Access {
        key: settings.text(&format!("{name}.api_key")),
        base_url: settings.text(&format!("{name}.base_url")),
    };
    let either = |upper: &str, lower: &str| environment.get(upper).or_else(|| environment.get(lower));
    let all = either("ALL_PROXY", "all_proxy");
    ModelSettings {
        model: settings.text("model"),
        anthropic: access("anthropic"),
        openai: access("openai"),
        thinking_tokens: settings.number("anthropic.thinking_tokens").map(at_most_u32),
        proxies: Proxies {
            http: environment.get("http_proxy").or_else(|| all.clone()),
            https: either("HTTPS_PROXY", "https_proxy").or(all),
            bypass: either("NO_PROXY", "no_proxy").unwrap_or_default(),
        },
        roots: environment.get("SSL_CERT_FILE").map(Into::into),
        remembered: Some(home.path().join("models.json")),
        local: LocalPorts::Usual,
    }
}

/// How an agent of a person on this machine behaves.
pub(crate) fn behaviour(environment: &Environment, settings: &Settings, tools: Tools) -> Behaviour {
    let base = Behaviour::default();
    let standing = settings.text("system").unwrap_or_else(|| base.system.clone());
    Behaviour {
        system: if tools == Tools::Given { system(environment, &standing) } else { standing },
        place: environment.place(),
        successor: Successor::Ends,
        limits: Limits {
            sessions: settings.number("limits.sessions"),
            messages: settings.number("limits.messages_per_session"),
            bytes: settings.number("limits.storage_bytes"),
        },
        guards: Guards {
            steps: settings.number("guards.steps").map_or(base.guards.steps, at_most_u32),
            tokens: settings.number("guards.tokens"),
            cost: settings.amount("guards.cost"),
            tokens_per_day: settings.number("guards.tokens_per_day"),
            cost_per_day: settings.amount("guards.cost_per_day"),
            ..base.guards
        },
        runs_at_once: None,
        recall: if settings.on("recall") { Recall::On } else { Recall::Off },
        context_tokens: settings.number("context_tokens").map(at_most_u32),
    }
}

/// What is more than can be counted is as much as can be.
pub(crate) fn at_most_u32(n: u64) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
