//! A server as a process of its own: what it takes of processor and memory.
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};
use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use super::{client::Place, place};
use crate::{Result, program::Program};

/// A running server; it ends with this.
pub(crate) struct Server {
    child: Child,
    pub(crate) place: Place,
}

impl Server {
    /// `duyetbot serve` in this home, without limits: all chats are one person's.
    pub(crate) fn duyetbot(program: &Program, home: &Path) -> Result<Self> {
        let mut command = program.command(home);
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        for limit in ["REQUESTS_PER_MINUTE", "SESSIONS", "RUNS_AT_ONCE", "STORAGE_BYTES"] {
            command.env(format!("DUYETBOT_LIMITS__{limit}"), "0");
        }
        let (child, line) = started(command.stderr(Stdio::null()))?;
        let rest = line.trim().strip_prefix("http://").and_then(|rest| rest.split_once("/?token="));
        let (address, token) = rest.ok_or_else(|| format!("the server said {line:?}"))?;
        let place = place(address.parse()?, token);
        Ok(Server { child, place })
    }

    /// This program as a bare pass-through to the same model.
    pub(crate) fn pass_through(program: &Program) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--pass-through").arg(program.model().to_string());
        let (child, line) = started(&mut command)?;
        let place = place(line.trim().parse()?, "");
        Ok(Server { child, place })
    }

    /// Time on a processor since its start.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let (_, fields) = stat.rsplit_once(") ").ok_or("no such field")?;
        let ticks =
            fields.split(' ').skip(11).take(2).map(str::parse::<u64>).sum::<std::result::Result<u64, _>>()?;
        Ok(Duration::from_secs(ticks) / u32::try_from(rustix::param::clock_ticks_per_second())?)
    }

    /// Resident bytes.
    pub(crate) fn memory(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no such field")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
    }
}

/// Starts a server, and waits for the line that tells where it is.
fn started(command: &mut Command) -> Result<(Child, String)> {
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().ok_or("no standard output")?).read_line(&mut line)?;
    Ok((child, line))
}

impl Drop for Server {
    fn drop(&mut self) {
        // A server that has ended already is as wanted.
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            kill_process(pid, Signal::KILL).ok();
        }
        self.child.wait().ok();
    }
}

/// As many descriptors as this machine lets a process have; servers that are started inherit them.
pub(crate) fn raise_descriptors() -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    Ok(setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?)
}

/// Descriptors that this process may have.
pub(crate) fn descriptors() -> Result<usize> {
    Ok(getrlimit(Resource::Nofile).current.map_or(Ok(usize::MAX), usize::try_from)?)
}
