//! `bash`: a command line, in a process tree that ends with its call.
mod environment;
mod output;
mod sandbox;
mod supervisor;

pub use environment::Environment;
pub use sandbox::{Confinement, Sandbox, SandboxStatus};

use async_trait::async_trait;
use duyetbot_core::{Approval, Tool, ToolContext, ToolResult, ToolSpec};
use schemars::JsonSchema;
use serde::Deserialize;
use std::{sync::Arc, time::Duration};
use tokio::{io::AsyncReadExt, net::unix::pipe, time::timeout};

use crate::{input, refusal::Refusal, workspace::Workspace};
use output::Output;
use supervisor::{Ended, Launch, Running};

/// How long a command may run, where the call does not say.
const LIMIT: u64 = 120;
/// How long it may run at most.
const LONGEST: u64 = 600;
/// How long the end of what was killed is waited for.
const GRACE: Duration = Duration::from_secs(3);
/// How long output is waited for once every process has ended.
const REST: Duration = Duration::from_millis(500);

/// Runs a command line.
///
/// Each call is a process tree of its own, in a session of its own, without a terminal and without input. Whatever ends the
/// call ends all of the tree: its shell's end, the time limit, dropping the future, and the death of this program.
pub struct Bash {
    spec: ToolSpec,
    launch: Arc<Launch>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an object")]
struct Input {
    /// The command line, for bash.
    command: String,
    /// Seconds after which it is ended, at most 600. Default: 120.
    timeout: Option<u64>,
}

impl Bash {
    /// The tool in this workspace, with this environment and sandbox.
    pub fn new(workspace: Workspace, environment: Environment, sandbox: Sandbox) -> Self {
        let description = "Runs a command line with bash in the workspace. Each call is a new shell: no directory, variable \
                           or background process outlives it. There is no terminal and no input, so nothing can be asked. \
                           Long output is cut in the middle.";
        let launch = Arc::new(Launch { workspace, environment, sandbox });
        Bash { spec: input::spec_of::<Input>("bash", description, Approval::Ask), launch }
    }

    /// What confines the commands on this system.
    pub fn sandbox(&self) -> SandboxStatus {
        self.launch.sandbox.status(&self.launch.workspace, &self.launch.environment)
    }

    async fn run(&self, input: &str) -> Result<ToolResult, Refusal> {
        let Input { command, timeout } = input::read(&self.spec, input)?;
        let limit = timeout.unwrap_or(LIMIT);
        if !(1..=LONGEST).contains(&limit) {
            return Err(Refusal::new(format!("field `timeout`: {limit} s is not between 1 and {LONGEST}")));
        }
        if command.contains('\0') {
            return Err(Refusal::new("field `command`: it cannot hold a NUL character"));
        }
        let Running { mut control, output: mut pipe } = supervisor::start(&self.launch, command).await?;
        let mut output = Output::default();
        let limit = Duration::from_secs(limit);
        let (ended, is_late) = match self::timeout(limit, follow(&mut control, &mut pipe, &mut output)).await
        {
            Ok(ended) => (ended, false),
            Err(_) => {
                control.end();
                (
                    self::timeout(GRACE, follow(&mut control, &mut pipe, &mut output)).await.ok().flatten(),
                    true,
                )
            }
        };
        // Nobody is left who could write, unless someone escaped; what is in the pipe is there already.
        let rest = async { while fill(&mut pipe, &mut output).await {} };
        let _ = self::timeout(REST, rest).await;
        Ok(self.told(output, ended, is_late.then_some(limit)))
    }

    fn told(&self, output: Output, ended: Option<Ended>, late: Option<Duration>) -> ToolResult {
        let (mut text, denied) = (output.text(), output.holds_denial());
        if text.is_empty() {
            text.push_str("[no output]\n");
        } else if !text.ends_with('\n') {
            text.push('\n');
        }
        let mut notes = Vec::new();
        match (&ended, late) {
            (Some(_), Some(limit)) => {
                notes.push(format!(
                    "timed out after {} s; everything that it started was ended",
                    limit.as_secs()
                ));
            }
            (None, Some(limit)) => notes.push(format!(
                "timed out after {} s; some of what it started does not end (it hangs in the system)",
                limit.as_secs()
            )),
            (Some(ended), None) => notes.extend(ended.told()),
            (None, None) => {
                notes.push("the process that watched over it was killed; so was what it started".to_owned())
            }
        }
        if denied
            && let Some(note) = self.launch.sandbox.note(&self.launch.workspace, &self.launch.environment)
        {
            notes.push(note);
        }
        for note in &notes {
            text.push_str(&format!("[{note}]\n"));
        }
        let is_well = late.is_none() && ended.is_some_and(|ended| ended.is_success());
        if is_well { ToolResult::success(text) } else { ToolResult::error(text) }
    }
}

#[async_trait]
impl Tool for Bash {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }
    async fn call(&self, _context: &ToolContext, input: &str) -> ToolResult {
        self.run(input).await.unwrap_or_else(ToolResult::from)
    }
}

/// Takes what comes out of the pipe until the tree has ended; none where its supervisor was killed.
async fn follow(
    control: &mut supervisor::Control,
    pipe: &mut pipe::Receiver,
    output: &mut Output,
) -> Option<Ended> {
    let mut open = true;
    loop {
        tokio::select! {
            biased;
            ended = control.ended() => return ended,
            more = fill(pipe, output), if open => open = more,
        }
    }
}

/// Takes one piece; `false` at the end.
async fn fill(pipe: &mut pipe::Receiver, output: &mut Output) -> bool {
    match pipe.read(output.room()).await {
        Ok(0) | Err(_) => false,
        Ok(length) => {
            output.took(length);
            true
        }
    }
}
