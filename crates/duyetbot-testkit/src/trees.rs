//! Tree operations commute: the same messages in any order that keeps parents first make the same trees.
use duyetbot_core::{Message, MessageId, NewMessage, SessionId, Storage};
use futures::future::BoxFuture;
use proptest::{
    collection::vec,
    prelude::{Strategy, any},
    sample::Index,
    test_runner::{Config, TestCaseError, TestCaseResult, TestRunner},
};
use std::{collections::BTreeMap, sync::Arc};

use crate::fixture::{add, begin, under};

/// One message of a random forest: its session, its parent among the messages before it in the same session (none: a
/// root), when it comes in the shuffled order, and whether its commit ends with it.
#[derive(Clone, Debug)]
struct Planned {
    session: usize,
    parent: Option<Index>,
    turn: u32,
    closes: bool,
}

const SESSIONS: usize = 2;

/// Commits the messages of random trees in two orders, and compares the trees and the path to each message.
///
/// # Panics
/// With the smallest forest found whose trees depend on the order.
pub fn trees_commute(
    open: impl Fn() -> Arc<dyn Storage>,
    block_on: impl Fn(BoxFuture<'static, TestCaseResult>) -> TestCaseResult,
    cases: u32,
) {
    let message = (0..SESSIONS, proptest::option::weighted(0.9, any::<Index>()), any::<u32>(), any::<bool>())
        .prop_map(|(session, parent, turn, closes)| Planned { session, parent, turn, closes });
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&vec(message, 1..40), |plan| {
        let (planted, shuffled) = (open(), open());
        block_on(Box::pin(async move { compare(&plan, &*planted, &*shuffled).await }))
    });
    if let Err(failure) = outcome {
        panic!("the trees depend on the order: {failure}");
    }
}

async fn compare(plan: &[Planned], planted: &dyn Storage, shuffled: &dyn Storage) -> TestCaseResult {
    let sessions: Vec<SessionId> = (0..SESSIONS).map(|_| SessionId::new()).collect();
    let messages = grow(plan);
    let first: Vec<usize> = (0..plan.len()).collect();
    plant(planted, &sessions, plan, &messages, &first).await;
    plant(shuffled, &sessions, plan, &messages, &shuffle(plan, &messages)).await;
    for session in sessions {
        let (a, b) = (tree(planted, session).await, tree(shuffled, session).await);
        if a != b {
            return Err(TestCaseError::fail(format!("one order: {a:#?}\nanother: {b:#?}")));
        }
    }
    Ok(())
}

fn grow(plan: &[Planned]) -> Vec<NewMessage> {
    let mut grown: Vec<(usize, NewMessage)> = Vec::new();
    for (n, planned) in plan.iter().enumerate() {
        let before: Vec<MessageId> =
            grown.iter().filter(|(session, _)| *session == planned.session).map(|(_, m)| m.id).collect();
        let parent = planned.parent.filter(|_| !before.is_empty()).map(|pick| *pick.get(&before));
        grown.push((planned.session, under(parent, &format!("message {n}"))));
    }
    grown.into_iter().map(|(_, message)| message).collect()
}

/// Another order: by turn, each as soon as its parent is there.
fn shuffle(plan: &[Planned], messages: &[NewMessage]) -> Vec<usize> {
    let mut rest: Vec<usize> = (0..plan.len()).collect();
    rest.sort_by_key(|n| plan[*n].turn);
    let mut order: Vec<usize> = Vec::new();
    while !rest.is_empty() {
        let there = |n: &usize| match messages[*n].parent {
            duyetbot_core::Parent::Is(Some(parent)) => order.iter().any(|o| messages[*o].id == parent),
            _ => true,
        };
        let next = rest.iter().position(there).expect("a forest has no rings");
        order.push(rest.remove(next));
    }
    order
}

async fn plant(
    store: &dyn Storage,
    sessions: &[SessionId],
    plan: &[Planned],
    messages: &[NewMessage],
    order: &[usize],
) {
    let scope = scope();
    for session in sessions {
        store.commit(&scope, &begin(*session, vec![])).await.expect("an empty session");
    }
    let mut batch: Vec<NewMessage> = Vec::new();
    for (at, n) in order.iter().enumerate() {
        batch.push(messages[*n].clone());
        let next = order.get(at + 1).map(|next| plan[*next].session);
        if plan[*n].closes || next != Some(plan[*n].session) {
            let commit = add(sessions[plan[*n].session], std::mem::take(&mut batch));
            store.commit(&scope, &commit).await.expect("parents come first");
        }
    }
}

/// All that a tree is: each message as stored but for its place, and the path to it.
async fn tree(store: &dyn Storage, session: SessionId) -> BTreeMap<MessageId, (Message, Vec<MessageId>)> {
    let mut tree = BTreeMap::new();
    for message in store.messages(&scope(), session, 0, u32::MAX).await.expect("the session is there") {
        let path = store.path(&scope(), session, Some(message.id), u32::MAX).await.expect("the tip is there");
        let path = path.iter().map(|message| message.id).collect();
        tree.insert(message.id, (Message { seq: 0, ..message }, path));
    }
    tree
}

fn scope() -> duyetbot_core::Scope {
    duyetbot_core::Scope::vouched("gardener", "gardener")
}
