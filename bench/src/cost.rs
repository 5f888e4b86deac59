//! What something costs in time and processor time, and the middle of several such costs.
use rustix::time::{ClockId, clock_gettime};
use std::time::{Duration, Instant};

/// Time by the clock on the wall, and time of this process on a processor, all its threads together.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
}

/// A measurement that runs.
pub(crate) struct Stopwatch {
    wall: Instant,
    cpu: Duration,
}

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "measuring time is what this program is for")]
    pub(crate) fn start() -> Self {
        Stopwatch { cpu: cpu(), wall: Instant::now() }
    }

    pub(crate) fn stop(self) -> Cost {
        Cost { wall: self.wall.elapsed(), cpu: cpu() - self.cpu }
    }
}

fn cpu() -> Duration {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(used.tv_sec.unsigned_abs(), u32::try_from(used.tv_nsec).unwrap_or_default())
}

/// The middle of the costs; wall and processor time each by itself.
pub(crate) fn median(costs: &[Cost]) -> Cost {
    Cost { wall: middle(costs.iter().map(|c| c.wall)), cpu: middle(costs.iter().map(|c| c.cpu)) }
}

pub(crate) fn middle(times: impl Iterator<Item = Duration>) -> Duration {
    let mut times: Vec<Duration> = times.collect();
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// How many times `other` fits into `this`.
pub(crate) fn ratio(this: Duration, other: Duration) -> f64 {
    this.as_secs_f64() / other.as_secs_f64().max(f64::MIN_POSITIVE)
}
