//! All tools at once, as a program of one person wants them.
use duyetbot_core::{SessionStore, Tool, redact::Redactor};
use duyetbot_fetch::{Client, Reach};
use std::sync::Arc;

#[cfg(target_os = "linux")]
use crate::{Bash, Environment, Sandbox};
use crate::{Edit, Glob, Grep, Ls, Read, Recall, Sessions, WebFetch, Withheld, Workspace, Write};

/// What the tools are made with.
///
/// ```
/// # #[cfg(target_os = "linux")] {
/// use duyetbot_tools::{Confinement, Environment, Sandbox, Settings};
/// let settings = Settings {
///     environment: Environment::from_vars([("PATH".into(), "/usr/bin:/bin".into())], &[]),
///     sandbox: Sandbox::On(Confinement { home: Some("/home/ada/.duyetbot".into()), ..Confinement::default() }),
///     ..Settings::default()
/// };
/// # let _ = settings;
/// # }
/// ```
#[derive(Default)]
pub struct Settings {
    /// The environment of commands.
    #[cfg(target_os = "linux")]
    pub environment: Environment,
    /// What confines commands.
    #[cfg(target_os = "linux")]
    pub sandbox: Sandbox,
    /// How pages are fetched. Whatever stands in it about reach, only public addresses are.
    pub fetch: duyetbot_fetch::Settings,
    /// Where the person's sessions are; without it there is neither `sessions` nor `recall`.
    pub store: Option<Arc<dyn SessionStore>>,
    /// Files whose lines `grep` and `edit` do not show. Where rules judge the calls, it is for them to say.
    pub withheld: Withheld,
    /// Knows the secrets that the model is not shown.
    pub redactor: Redactor,
    /// The person's umask, where this process has another: for commands, and for what is made in the workspace.
    pub umask: Option<u32>,
}

/// The tools in a workspace. They share it: what one has read, another may write.
pub fn tools(workspace: &Workspace, settings: Settings) -> Vec<Arc<dyn Tool>> {
    let workspace = workspace.clone().redacted_by(settings.redactor.clone()).with_umask(settings.umask);
    let mut tools: Vec<Arc<dyn Tool>> = vec![
        Arc::new(Read::new(workspace.clone())),
        Arc::new(Write::new(workspace.clone())),
        Arc::new(Edit::new(workspace.clone()).withholding(settings.withheld.clone())),
        Arc::new(Ls::new(workspace.clone())),
        Arc::new(Glob::new(workspace.clone())),
        Arc::new(Grep::new(workspace.clone(), settings.withheld.clone())),
    ];
    #[cfg(target_os = "linux")]
    tools.push(Arc::new(Bash::new(
        workspace.clone(),
        settings.environment.clone(),
        settings.sandbox.clone(),
    )));
    tools.extend(tools_without_workspace(settings));
    tools
}

/// The tools that touch nothing of the machine: pages of the public web, and the person's own sessions.
pub fn tools_without_workspace(settings: Settings) -> Vec<Arc<dyn Tool>> {
    let fetch = duyetbot_fetch::Settings { reach: Reach::Public, ..settings.fetch };
    let mut tools: Vec<Arc<dyn Tool>> = vec![Arc::new(WebFetch::new(Client::new(fetch)))];
    if let Some(store) = settings.store {
        tools.push(Arc::new(Sessions::new(store.clone())));
        tools.push(Arc::new(Recall::new(store)));
    }
    tools
}
