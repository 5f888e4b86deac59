//! The built-in tools in one directory, and the rules that judge their calls.
use duyetbot_core::{
    Result, SessionStore, Tool,
    run::{Narrowing, Policy, Presence, Verdict},
};
use duyetbot_tools::{
    Settings, Withheld, Workspace,
    rules::{Explanation, GitConfig, Layout, Lists, Refused, Rule, Rules, RulesPolicy, Source},
    tools, tools_without_workspace,
};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use crate::git;

/// What the tools are made with.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use duyetbot::{Duyetbot, ToolSettings, tools::rules::{Lists, Source}};
/// let settings = ToolSettings::new(env!("CARGO_MANIFEST_DIR"));
/// settings.rules.add(&Source::Flags, &Lists { allow: vec!["bash(cargo check)".into()], ..Lists::default() })?;
/// let bot = Duyetbot::builder().tools(settings).open().await?;
/// assert!(bot.toolbox().is_some());
/// # Ok(())
/// # }
/// ```
pub struct ToolSettings {
    /// The directory that they work in; without one there are neither files nor commands.
    pub workspace: Option<PathBuf>,
    /// The agent's own directory, which holds memory, rules and keys: closed to them.
    pub home: Option<PathBuf>,
    /// What runs, what asks, what is refused.
    pub rules: SharedRules,
    /// How commands run and pages are fetched. The store is the agent's own, whatever stands here.
    pub with: Settings,
}

impl ToolSettings {
    /// Tools in this directory. Nothing but what is free runs unasked.
    pub fn new(workspace: impl Into<PathBuf>) -> Self {
        ToolSettings { workspace: Some(workspace.into()), ..ToolSettings::without_workspace() }
    }

    /// The tools that touch nothing of the machine: `web_fetch`, `sessions` and `recall`.
    pub fn without_workspace() -> Self {
        ToolSettings { workspace: None, home: None, rules: SharedRules::default(), with: Settings::default() }
    }
}

/// Rules that an application may add to while an agent works: what a person allows for always holds at once.
#[derive(Clone, Default)]
pub struct SharedRules(Arc<RwLock<Rules>>);

impl SharedRules {
    /// Adds the rules of one source, and answers what of them was ignored, a sentence each.
    ///
    /// # Errors
    /// A text that is no rule, by its source and its list. Nothing of that source is added then.
    pub fn add(&self, source: &Source, lists: &Lists) -> std::result::Result<Vec<String>, Refused> {
        self.0.write().unwrap_or_else(PoisonError::into_inner).add(source, lists)
    }

    /// The rules as they are now.
    pub fn now(&self) -> Rules {
        self.look(Rules::clone)
    }

    fn look<T>(&self, look: impl FnOnce(&Rules) -> T) -> T {
        look(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl From<Rules> for SharedRules {
    fn from(rules: Rules) -> Self {
        SharedRules(Arc::new(RwLock::new(rules)))
    }
}

/// An agent's tools and the rules that judge their calls.
#[derive(Clone)]
pub struct Toolbox {
    workspace: Option<Workspace>,
    tools: Vec<Arc<dyn Tool>>,
    rules: SharedRules,
    layout: Layout,
    presence: Presence,
}

impl Toolbox {
    /// Opens the workspace and makes the tools; `others` are an application's own, judged by the same rules.
    ///
    /// # Errors
    /// `NotFound` or `Invalid` where the workspace is no directory that can be opened.
    pub fn open(
        settings: ToolSettings,
        store: Arc<dyn SessionStore>,
        others: &[Arc<dyn Tool>],
        presence: Presence,
    ) -> Result<Self> {
        let ToolSettings { workspace, home, rules, with } = settings;
        let mut workspace = workspace.map(Workspace::open).transpose()?;
        if let Some(home) = &home {
            workspace = workspace.map(|workspace| workspace.closed_to(home));
        }
        workspace = workspace.map(|workspace| workspace.redacted_by(with.redactor.clone()));
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let real = |path: PathBuf| text(&path.canonicalize().unwrap_or(path));
        let layout = Layout {
            workspace: workspace.as_ref().map(|workspace| text(workspace.path())).unwrap_or_default(),
            home: home.map(real).unwrap_or_default(),
        };
        let held = rules.clone();
        let withheld = Withheld::by(move |path| held.look(|rules| rules.withholds(path)));
        let with = Settings { store: Some(store), withheld, ..with };
        let mut all = match &workspace {
            Some(workspace) => tools(workspace, with),
            None => tools_without_workspace(with),
        };
        all.extend(others.iter().cloned());
        Ok(Toolbox { workspace, tools: all, rules, layout, presence })
    }

    /// The tools.
    pub fn tools(&self) -> &[Arc<dyn Tool>] {
        &self.tools
    }

    /// The directory that they work in, where there is one.
    pub fn workspace(&self) -> Option<&Workspace> {
        self.workspace.as_ref()
    }

    /// The rules, to be added to.
    pub fn rules(&self) -> &SharedRules {
        &self.rules
    }

    /// What would happen to a call now, and by which rules.
    pub fn explain(&self, tool: &str, input: &str) -> Explanation {
        self.policy().explain(tool, input)
    }

    /// The narrowest rules that would have allowed a call; none where it is allowed, or where no rule could.
    pub fn narrowest(&self, tool: &str, input: &str) -> Vec<Rule> {
        self.policy().narrowest(tool, input)
    }

    /// The policy as it stands: by the rules of now, and by what the disk says at each judgement.
    fn policy(&self) -> RulesPolicy {
        let (rules, layout) = (self.rules.now(), self.layout.clone());
        let policy = RulesPolicy::new(&self.tools, rules, layout, GitConfig::default(), self.presence);
        let Some(workspace) = &self.workspace else { return policy };
        let path = workspace.path().to_owned();
        let held = workspace.clone();
        policy
            .following(Arc::new(workspace.clone()))
            .reading_git(move || git::facts(&path))
            .foreseeing(move |tool, input| held.fails(tool, input))
    }
}

impl Policy for Toolbox {
    fn judge(&self, tool: &str, input: &str) -> Verdict {
        self.policy().judge(tool, input)
    }

    fn depends(&self, tool: &str, input: &str) -> bool {
        self.policy().depends(tool, input)
    }

    fn foresees(&self, tool: &str, input: &str) -> Option<String> {
        self.policy().foresees(tool, input)
    }

    fn renewed(&self) -> Option<Arc<dyn Policy>> {
        Some(Arc::new(self.policy()))
    }

    fn narrowed(&self, narrowing: &Narrowing) -> Result<Arc<dyn Policy>> {
        self.policy().narrowed(narrowing)
    }
}
