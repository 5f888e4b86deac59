//! What is slow, measured as ratios within one run. `README.md` beside it says what each part measures.
mod ask;
mod commits;
mod cost;
mod fill;
mod flushes;
mod model;
mod plain;
mod program;
mod reads;
mod report;
mod server;
mod start;
mod tools;
mod turns;
mod words;

use clap::{Parser, ValueEnum};
use std::{error::Error, path::PathBuf, process::ExitCode};

use report::Table;

/// What can go wrong here is only told, never handled.
type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Measures duyetbot on this machine, and prints a table a question.
#[derive(Parser)]
struct Arguments {
    /// Which parts to measure; all without any.
    #[arg(value_enum)]
    parts: Vec<Part>,
    /// Tiny sizes, to see that every part runs; the figures say nothing.
    #[arg(long)]
    quick: bool,
    /// Only commits into this new file, to be watched from outside.
    #[arg(long, value_name = "FILE", hide = true)]
    commit_into: Option<PathBuf>,
    /// Only a pass-through to the model at this address.
    #[arg(long, value_name = "ADDRESS", hide = true)]
    pass_through: Option<std::net::SocketAddr>,
    /// Callers that commit at once.
    #[arg(long, value_name = "N", default_value_t = 1, hide = true)]
    callers: usize,
    /// Commits of all callers together.
    #[arg(long, value_name = "N", default_value_t = 1, hide = true)]
    commits: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// `duyetbot ask` beside `curl`.
    Ask,
    /// The binary's size, `--version`, memory at rest.
    Start,
    /// A turn without its model, in sessions of growing length.
    Turns,
    /// List, last messages and search, in growing files.
    Reads,
    /// Durable commits and their flushes.
    Commits,
    /// `grep`, `glob`, `read` and `bash` beside `rg`, `fd`, `head` and `sh`.
    Tools,
    /// `duyetbot serve` beside a bare pass-through: chats, memory of streams, start, lists.
    Server,
}

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Size {
    /// As the figures need it.
    Full,
    /// Only enough to run every line.
    Quick,
}

impl Size {
    fn of<T>(self, full: T, quick: T) -> T {
        match self {
            Size::Full => full,
            Size::Quick => quick,
        }
    }
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&*error),
    }
}

#[expect(clippy::print_stderr, reason = "a failure is told where the table is not")]
fn fail(error: &(dyn Error + Send + Sync)) -> ExitCode {
    eprintln!("bench: {error}");
    ExitCode::FAILURE
}

fn run(arguments: &Arguments) -> Result<()> {
    if let Some(file) = &arguments.commit_into {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        runtime.block_on(commits::through_store(file, arguments.callers, arguments.commits))?;
        return Ok(());
    }
    if let Some(model) = arguments.pass_through {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        return runtime.block_on(server::pass_through(model));
    }
    let size = if arguments.quick { Size::Quick } else { Size::Full };
    let wanted = |part: &Part| arguments.parts.is_empty() || arguments.parts.contains(part);
    for part in Part::value_variants().iter().filter(|part| wanted(part)) {
        let tables = match part {
            Part::Ask => ask::measure(size)?,
            Part::Start => start::measure(size)?,
            Part::Turns => turns::measure(size)?,
            Part::Reads => reads::measure(size)?,
            Part::Commits => commits::measure(size)?,
            Part::Tools => tools::measure(size)?,
            Part::Server => server::measure(size)?,
        };
        tables.iter().for_each(Table::print);
    }
    Ok(())
}
