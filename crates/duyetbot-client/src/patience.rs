//! How often and how soon a call is made again.
use duyetbot_core::{Error, MessageId, Retry};
use std::time::Duration;

/// Times that a call is made at most.
const TRIES: u32 = 5;
/// Times in a row that a run is looked for that shows nothing new: somewhat over a minute.
const LOOKS: u32 = 20;
/// The longest that a server may ask to be waited for: a limit of requests is free again within a minute.
const LONGEST: Duration = Duration::from_secs(60);
/// The first wait where the server names none; each is twice the one before.
const FIRST: Duration = Duration::from_millis(250);
/// The longest of those.
const SLOWEST: Duration = Duration::from_secs(5);

/// How long to wait after the n-th failure of a call; none where it is not made again.
pub(crate) fn for_call(error: &Error, failures: u32) -> Option<Duration> {
    wait(error, failures).filter(|_| failures < TRIES)
}

/// The same of looking for a run.
pub(crate) fn for_run(error: &Error, failures: u32) -> Option<Duration> {
    wait(error, failures).filter(|_| failures < LOOKS)
}

fn wait(error: &Error, failures: u32) -> Option<Duration> {
    match error.retry() {
        Retry::Never => None,
        Retry::After(wait) if wait > LONGEST => None,
        // Never before it is asked for, and not all at once.
        Retry::After(wait) => Some(wait + jittered(FIRST)),
        Retry::Now => Some(jittered(FIRST.saturating_mul(2_u32.saturating_pow(failures - 1)).min(SLOWEST))),
    }
}

/// Half the wait to all of it, so that clients that failed together do not come back together.
fn jittered(wait: Duration) -> Duration {
    let random = f64::from(MessageId::new().uuid().as_u64_pair().1 as u32) / f64::from(u32::MAX);
    wait.mul_f64(0.5 + random / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use duyetbot_core::ErrorKind;

    fn failed(retry: Retry) -> Error {
        Error::new(ErrorKind::Unavailable, "busy").with_retry(retry)
    }

    #[test]
    fn what_cannot_pass_and_what_takes_too_long_is_not_tried_again() {
        assert_eq!(for_call(&failed(Retry::Never), 1), None);
        assert_eq!(for_call(&failed(Retry::After(LONGEST + Duration::from_secs(1))), 1), None);
        assert_eq!(for_call(&failed(Retry::Now), TRIES), None);
        assert_eq!(for_run(&failed(Retry::Now), LOOKS), None);
    }

    #[test]
    fn nobody_comes_back_before_it_is_asked_for() {
        let asked = Duration::from_secs(3);
        for _ in 0..100 {
            let wait = for_call(&failed(Retry::After(asked)), 1).unwrap();
            assert!(wait >= asked && wait <= asked + FIRST, "{wait:?}");
        }
    }

    #[test]
    fn waits_grow_to_a_bound_and_are_spread() {
        let waits: Vec<Duration> = (1..LOOKS).map(|n| for_run(&failed(Retry::Now), n).unwrap()).collect();
        assert!(waits[0] <= FIRST && waits.iter().all(|wait| *wait <= SLOWEST));
        assert!(waits.last().unwrap() >= &(SLOWEST / 2));
        let same: std::collections::BTreeSet<_> = (0..50).map(|_| for_call(&failed(Retry::Now), 1)).collect();
        assert!(same.len() > 25);
    }
}
