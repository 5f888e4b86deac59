//! Judges calls by the rules, by what the tools say of themselves, and by where a path leads.
use duyetbot_core::{
    Approval, Error, Result as CoreResult, Tool, ToolSpec,
    run::{Narrowing, Policy, Presence, Verdict},
};
use serde::{Deserialize, de::DeserializeOwned};
use std::{collections::BTreeMap, sync::Arc};

use super::{
    commands::Judged,
    explanation::{Explanation, Outcome, Step},
    git::{Git, GitConfig},
    host,
    layout::Layout,
    leads::Leads,
    paths::Place,
    protected::{Protected, protected},
    rule::{OF_PATHS, Pattern, Rule},
    set::{List, Lists, Placed, Rules, Source},
    shell::Line,
    visible::visible,
};

/// A policy of rules.
///
/// What a tool says is free runs inside the workspace; everything else asks unless a rule grants it. Where nobody is
/// there, what asks is denied.
#[derive(Clone)]
pub struct RulesPolicy {
    tools: BTreeMap<String, Arc<dyn Tool>>,
    /// What a tool says of itself counts; without it only rules grant.
    free: bool,
    rules: Rules,
    layout: Layout,
    git: Git,
    presence: Presence,
    /// Where paths lead; without it they are judged by their text alone.
    leads: Option<Arc<dyn Leads>>,
    /// Why a change of a file would fail.
    fails: Option<Arc<Foresight>>,
    /// Grants the calls that a message allows, and nothing by itself.
    only: Option<Box<RulesPolicy>>,
}

type Foresight = dyn Fn(&str, &str) -> Option<String> + Send + Sync;

/// Reasons in one verdict. An explanation has them all.
const MOST_REASONS: usize = 5;
/// Characters of a reason in a verdict.
const LONGEST_REASON: usize = 400;

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct OfCommand {
    command: String,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct OfAddress {
    url: String,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct OfFile {
    path: String,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct OfSearch {
    path: Option<String>,
    pattern: Option<String>,
}

impl RulesPolicy {
    /// Judges the calls of these tools by these rules.
    pub fn new(
        tools: &[Arc<dyn Tool>],
        rules: Rules,
        layout: Layout,
        git: GitConfig,
        presence: Presence,
    ) -> Self {
        let tools = tools.iter().map(|tool| (tool.spec().name.clone(), tool.clone())).collect();
        RulesPolicy {
            tools,
            free: true,
            rules,
            layout,
            git: Git::Known(git),
            presence,
            leads: None,
            fails: None,
            only: None,
        }
    }

    /// Judges a path by the place that it leads to as well: the more forbidding of the two decides, and what grants must
    /// grant both.
    #[must_use]
    pub fn following(mut self, leads: Arc<dyn Leads>) -> Self {
        self.leads = Some(leads);
        self
    }

    /// Reads what git is configured to run at each judgement of a git command, in the place of what was known before: what
    /// an earlier call of the same run wrote counts.
    #[must_use]
    pub fn reading_git(mut self, read: impl Fn() -> GitConfig + Send + Sync + 'static) -> Self {
        self.git = Git::Read(Arc::new(read));
        self
    }

    /// Asks nobody about a change of a file that would fail as things stand: this says why, where it would.
    #[must_use]
    pub fn foreseeing(
        mut self,
        fails: impl Fn(&str, &str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.fails = Some(Arc::new(fails));
        self
    }

    /// What would happen to a call, and by which rules.
    pub fn explain(&self, tool: &str, input: &str) -> Explanation {
        match self.steps(tool, input) {
            Ok(steps) => Explanation { verdict: self.within(self.verdict(&steps), tool, input), steps },
            Err(why) => Explanation { verdict: Verdict::Invalid(why), steps: Vec::new() },
        }
    }

    /// The narrowest rules that would have allowed a call; none where it is allowed, or where no rule could.
    pub fn narrowest(&self, tool: &str, input: &str) -> Vec<Rule> {
        self.explain(tool, input).grants()
    }

    /// What becomes of a verdict where a message says which calls alone may run.
    fn within(&self, verdict: Verdict, tool: &str, input: &str) -> Verdict {
        let Some(only) = self.only.as_deref().filter(|_| matches!(verdict, Verdict::Allow | Verdict::Ask(_)))
        else {
            return verdict;
        };
        match only.judge(tool, input) {
            Verdict::Allow => verdict,
            _ => Verdict::Deny("refused: it is not among the calls that the message allows".to_owned()),
        }
    }

    /// The same tools in the same place, by these rules alone: none is free by itself.
    fn granting_only(&self, allow: &[String]) -> Result<Self, String> {
        let mut rules = Rules::default();
        let lists = Lists { allow: allow.to_vec(), ..Lists::default() };
        rules.add(&Source::Message, &lists).map_err(|refused| refused.to_string())?;
        Ok(RulesPolicy { rules, free: false, presence: Presence::Person, only: None, ..self.clone() })
    }

    fn verdict(&self, steps: &[Step]) -> Verdict {
        let outcome = steps.iter().map(|step| step.outcome).max().unwrap_or(Outcome::Ask);
        let mut reasons: Vec<String> =
            steps.iter().filter(|step| step.outcome == outcome).map(reason).collect();
        reasons.dedup();
        let more = reasons.len().saturating_sub(MOST_REASONS);
        reasons.truncate(MOST_REASONS);
        if more > 0 {
            reasons.push(format!("and {more} more"));
        }
        let reasons = reasons.join("; ");
        match (outcome, self.presence) {
            (Outcome::Allow, _) => Verdict::Allow,
            (Outcome::Deny, _) => Verdict::Deny(format!("refused: {reasons}")),
            (Outcome::Ask, Presence::Person) => Verdict::Ask(reasons),
            (Outcome::Ask, Presence::Nobody) => {
                Verdict::Deny(format!("{reasons}; it needs a person's word, and nobody is there to give it"))
            }
        }
    }

    fn steps(&self, tool: &str, input: &str) -> Result<Vec<Step>, String> {
        let Some(spec) = self.tools.get(tool).map(|tool| tool.spec()) else {
            let names: Vec<&str> = self.tools.keys().map(String::as_str).collect();
            let have = if names.is_empty() { "there are no tools".to_owned() } else { names.join(", ") };
            return Err(format!("there is no tool {tool:?}; the tools are: {have}"));
        };
        match tool {
            "bash" => {
                let input: OfCommand = read(spec, input)?;
                Ok(Judged::new(&self.rules, &self.git, self.leads.as_deref(), &input.command).steps())
            }
            "web_fetch" => {
                let input: OfAddress = read(spec, input)?;
                Ok(vec![self.address(spec, &input.url)])
            }
            "ls" | "glob" | "grep" => {
                let input: OfSearch = read(spec, input)?;
                let path = input.path.unwrap_or_else(|| ".".to_owned());
                let mut steps = self.path(spec, &path);
                let names = input.pattern.filter(|pattern| tool == "glob" && leaves(pattern));
                steps.extend(names.map(|names| Step::ask(names, "it may lead outside the workspace", None)));
                Ok(steps)
            }
            tool if OF_PATHS.contains(&tool) => {
                let input: OfFile = read(spec, input)?;
                Ok(self.path(spec, &input.path))
            }
            _ => {
                read::<serde_json::Map<String, serde_json::Value>>(spec, input)?;
                Ok(vec![self.whole(spec)])
            }
        }
    }

    fn by_itself(&self, spec: &ToolSpec, subject: &str, grant: Option<Rule>) -> Step {
        match spec.approval {
            Approval::Free if self.free => {
                Step::allow(subject, format!("{} is free in the workspace", spec.name))
            }
            _ => Step::ask(subject, "no rule grants it", grant),
        }
    }

    /// A tool that rules know by its name alone.
    fn whole(&self, spec: &ToolSpec) -> Step {
        let step = self.by_rule(spec, &spec.name, |rule| matches!(rule.pattern(), Pattern::Any));
        step.unwrap_or_else(|| self.by_itself(spec, &spec.name, Some(Rule::any(&spec.name))))
    }

    fn address(&self, spec: &ToolSpec, address: &str) -> Step {
        let host = match host::of_address(address) {
            Ok(host) => host,
            Err(why) => {
                let any = self.by_rule(spec, address, |rule| matches!(rule.pattern(), Pattern::Any));
                let refused = any.filter(|step| step.outcome != Outcome::Allow);
                return refused.unwrap_or_else(|| Step::ask(address, why, None));
            }
        };
        let step = self.by_rule(spec, &host, |rule| match rule.pattern() {
            Pattern::Any => true,
            Pattern::Host(of_rule) => *of_rule == host,
            Pattern::Words(..) | Pattern::Glob(_) => false,
        });
        step.unwrap_or_else(|| self.by_itself(spec, &host, Some(Rule::host(host.clone()))))
    }

    /// What becomes of a path: as it is written, and of the place that it leads to where that is another.
    fn path(&self, spec: &ToolSpec, path: &str) -> Vec<Step> {
        let led = self.leads.as_deref().and_then(|leads| leads.judged(path));
        let named = led.as_ref().map(|led| led.named.as_str());
        let inside = match self.layout.place_named(path, named) {
            Place::Inside(inside) => inside,
            place => {
                let any = self.by_rule(spec, path, |rule| matches!(rule.pattern(), Pattern::Any));
                let refused = any.filter(|step| step.outcome != Outcome::Allow);
                let why = match place {
                    Place::Unclear(why) => format!("where it leads is not certain: {why}"),
                    Place::Inside(_) | Place::Outside => "it is outside the workspace".to_owned(),
                };
                let step = refused.unwrap_or_else(|| Step::ask(path, why, None));
                // What rules say of the place itself counts there too.
                let led = led.map(|led| self.place(spec, &led.leads, &arrow(path, &led.leads)));
                return std::iter::once(step).chain(led).collect();
            }
        };
        let mut steps = vec![self.place(spec, &inside, &inside)];
        if let Some(led) = led {
            if led.leads != inside {
                steps.push(self.place(spec, &led.leads, &arrow(&inside, &led.leads)));
            }
            if let Some(step) = steps.last_mut().filter(|_| led.names > 1) {
                step.why.push_str(&format!("; the file has {} names (hard links)", led.names));
            }
        }
        steps
    }

    /// What becomes of one place in the workspace.
    fn place(&self, spec: &ToolSpec, inside: &str, subject: &str) -> Step {
        let forbidding = self.forbidding(spec, subject, |rule| match rule.pattern() {
            Pattern::Any => true,
            Pattern::Glob(glob) => glob.forbids(inside),
            Pattern::Words(..) | Pattern::Host(_) => false,
        });
        if let Some(step) = forbidding {
            return step;
        }
        if let Some(step) = self.protected(spec, inside, subject) {
            return step;
        }
        let granting = self.granting(spec, subject, |rule| match rule.pattern() {
            Pattern::Any => true,
            Pattern::Glob(glob) => glob.grants(inside),
            Pattern::Words(..) | Pattern::Host(_) => false,
        });
        granting.unwrap_or_else(|| self.by_itself(spec, subject, Rule::path(&spec.name, inside)))
    }

    /// What protects a path from this tool. Reading gives no rights, except to what the agent keeps for itself.
    fn protected(&self, spec: &ToolSpec, inside: &str, subject: &str) -> Option<Step> {
        let writes = !matches!(spec.name.as_str(), "read" | "ls" | "glob" | "grep");
        let why = match protected(inside) {
            _ if self.layout.is_home(inside) => Protected::Own,
            Some(why) if writes => why,
            _ => return None,
        };
        Some(match why {
            Protected::Own => Step::ask(subject, "the agent's own files and rules; no rule grants it", None),
            Protected::Runs(what) => {
                let exact = |rule: &Rule| matches!(rule.pattern(), Pattern::Glob(glob) if glob.names(inside));
                let why = format!("{what}; only a rule with exactly this path grants it");
                let granted = self.granting(spec, subject, exact);
                granted.unwrap_or_else(|| Step::ask(subject, why, Rule::path(&spec.name, inside)))
            }
        })
    }

    /// The first rule that means a call, the most forbidding list first.
    fn by_rule(&self, spec: &ToolSpec, subject: &str, means: impl Fn(&Rule) -> bool) -> Option<Step> {
        self.forbidding(spec, subject, &means).or_else(|| self.granting(spec, subject, &means))
    }

    fn forbidding(&self, spec: &ToolSpec, subject: &str, means: impl Fn(&Rule) -> bool) -> Option<Step> {
        let first = |list| self.rules.of(list, &spec.name).find(|placed: &&Placed| means(&placed.rule));
        let denied = first(List::Deny).map(|rule| Step::by(rule, Outcome::Deny, subject));
        denied.or_else(|| first(List::Ask).map(|rule| Step::by(rule, Outcome::Ask, subject)))
    }

    fn granting(&self, spec: &ToolSpec, subject: &str, means: impl Fn(&Rule) -> bool) -> Option<Step> {
        let rule = self.rules.of(List::Allow, &spec.name).find(|placed| means(&placed.rule))?;
        Some(Step::by(rule, Outcome::Allow, subject))
    }
}

impl Policy for RulesPolicy {
    fn judge(&self, tool: &str, input: &str) -> Verdict {
        self.explain(tool, input).verdict
    }

    fn depends(&self, tool: &str, input: &str) -> bool {
        let reads = matches!(self.git, Git::Read(_)) && tool == "bash";
        let line = || serde_json::from_str::<OfCommand>(input).ok();
        reads && line().is_some_and(|line| Line::read(&line.command).has_git())
    }

    fn foresees(&self, tool: &str, input: &str) -> Option<String> {
        let fails = self.fails.as_ref().filter(|_| ["write", "edit"].contains(&tool))?;
        // What is in a file that may not be read unasked is not told by the way.
        let path: OfFile = serde_json::from_str(input).ok()?;
        let reading = serde_json::json!({ "path": path.path }).to_string();
        matches!(self.judge("read", &reading), Verdict::Allow).then(|| fails(tool, input))?
    }

    fn narrowed(&self, narrowing: &Narrowing) -> CoreResult<Arc<dyn Policy>> {
        let mut narrowed = self.clone();
        let lists = Lists { deny: narrowing.deny.clone(), ..Lists::default() };
        narrowed
            .rules
            .add(&Source::Message, &lists)
            .map_err(|refused| Error::invalid(refused.to_string()))?;
        if let Some(allow) = &narrowing.allow {
            narrowed.only = Some(Box::new(self.granting_only(allow).map_err(Error::invalid)?));
        }
        Ok(Arc::new(narrowed))
    }
}

/// A step's reason as a verdict says it: on one line, and bounded. Who decides is shown the whole call besides.
fn reason(step: &Step) -> String {
    let text = visible(&format!("{}: {}", step.subject, step.why));
    match text.char_indices().nth(LONGEST_REASON) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// A path and the place that it leads to.
fn arrow(path: &str, leads: &str) -> String {
    format!("{path} -> {leads}")
}

/// What becomes of a call that no rule means.
/// Whether a pattern of names begins outside the place that it is searched in.
fn leaves(pattern: &str) -> bool {
    pattern.starts_with(['/', '~'])
        || pattern.contains('\\')
        || pattern.split('/').any(|name| name.contains(".."))
}

/// Reads of a call's input what rules need; the tool checks the rest.
fn read<T: DeserializeOwned>(spec: &ToolSpec, input: &str) -> Result<T, String> {
    let input = if input.trim().is_empty() { "{}" } else { input };
    let value = serde_json::from_str(input);
    value.map_err(|why| format!("the input of `{}` is wrong: {why}\nits schema is {}", spec.name, spec.input))
}
