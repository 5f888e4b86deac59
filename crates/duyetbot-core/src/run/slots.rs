//! How much of each owner's goes on at once in this process.
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    error::{Code, Error, ErrorKind, Retry},
    scope::Scope,
};

/// When to come again, where there is none.
const ROOM: Duration = Duration::from_secs(5);

/// How many runs of each owner go on. A clone counts the same.
#[derive(Clone, Default)]
pub struct Slots(Arc<Mutex<BTreeMap<String, u32>>>);

/// One slot; free again when this is dropped.
pub struct Slot {
    slots: Slots,
    owner: String,
}

impl Slots {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// One more for this owner; none where there are as many as this.
    pub fn take(&self, scope: &Scope, most: Option<u32>) -> Option<Slot> {
        let mut counts = self.lock();
        let count = counts.get(scope.owner()).copied().unwrap_or(0);
        if most.is_some_and(|most| count >= most) {
            return None;
        }
        counts.insert(scope.owner().to_owned(), count + 1);
        Some(Slot { slots: self.clone(), owner: scope.owner().to_owned() })
    }
    /// What is said where there was none.
    pub fn full() -> Error {
        let words = "as many of your runs go on as may at once; wait for one, or stop one";
        let error = Error::new(ErrorKind::LimitReached, words).with_code(Code::RunLimit);
        error.with_retry(Retry::After(ROOM))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut counts = self.slots.lock();
        match counts.get_mut(&self.owner) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(counts.remove(&self.owner)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_free_again_once_and_owners_do_not_touch_each_other() {
        let slots = Slots::default();
        let (ada, bob) = (Scope::vouched("ada", "ada"), Scope::vouched("bob", "bob"));
        let (first, second) = (slots.take(&ada, Some(2)), slots.take(&ada, Some(2)));
        assert!(first.is_some() && second.is_some() && slots.take(&ada, Some(2)).is_none());
        let theirs = slots.take(&bob, Some(1));
        assert!(theirs.is_some());
        drop(first);
        let third = slots.take(&ada, Some(2));
        assert!(third.is_some() && slots.take(&ada, Some(2)).is_none());
        drop((second, third, theirs));
        assert_eq!(*slots.lock(), BTreeMap::new(), "nobody is remembered who runs nothing");
    }
}
