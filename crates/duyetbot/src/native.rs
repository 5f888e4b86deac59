//! The core's seams on a native machine: tokio's tasks and timers, the system's clock, this process.
use async_trait::async_trait;
use duyetbot_core::{
    Clock, Timestamp,
    run::{Host, Spawner},
};
use futures::future::BoxFuture;
use std::{
    fs,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that all others ask")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// Runs work on tokio's runtime.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokioSpawner;

impl Spawner for TokioSpawner {
    fn spawn(&self, work: BoxFuture<'static, ()>) {
        tokio::spawn(work);
    }
}

/// This process, by host, number and start time: a number that was given again is told apart.
#[derive(Clone, Debug)]
pub struct ThisProcess {
    host: String,
    holder: String,
}

impl ThisProcess {
    /// This process.
    pub fn new() -> Self {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let pid = std::process::id();
        let holder = format!("{host}:{pid}:{}", started(pid).unwrap_or_default());
        ThisProcess { host, holder }
    }
}

impl Default for ThisProcess {
    fn default() -> Self {
        ThisProcess::new()
    }
}

impl Host for ThisProcess {
    fn holder(&self) -> String {
        self.holder.clone()
    }
    fn is_gone(&self, holder: &str) -> bool {
        let mut parts = holder.rsplitn(3, ':');
        let (Some(start), Some(pid), Some(host)) = (parts.next(), parts.next(), parts.next()) else {
            return false;
        };
        let Ok(pid) = pid.parse::<u32>() else { return false };
        if host != self.host {
            return false;
        }
        match started(pid) {
            Some(started) => !start.is_empty() && started != start,
            None => !alive(pid),
        }
    }
}

/// When a process was started, in ticks since the machine's start; none where this system does not tell.
fn started(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold spaces and brackets; the fields begin after its last bracket.
    stat.rsplit_once(')')?.1.split_whitespace().nth(19).map(str::to_owned)
}

fn alive(pid: u32) -> bool {
    let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) else { return false };
    !matches!(rustix::process::test_kill_process(pid), Err(rustix::io::Errno::SRCH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_lives_and_one_of_another_start_does_not() {
        let this = ThisProcess::new();
        assert!(!this.is_gone(&this.holder()));
        let (head, start) = this.holder.rsplit_once(':').unwrap();
        assert!(this.is_gone(&format!("{head}:{start}9")));
        assert!(this.is_gone(&format!("{}:4194999:1", this.host)));
        assert!(!this.is_gone("elsewhere:1:1"));
        assert!(!this.is_gone("nonsense"));
    }
}
