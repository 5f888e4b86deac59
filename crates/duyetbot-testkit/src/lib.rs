//! Conformance suites for the traits of duyetbot-core, a scripted model, fault injection, a clock to set.
//!
//! A backend implements [`Backend`] and calls [`conformance_tests!`], which makes one test of each sentence of the traits'
//! documentation, or [`conformance`], which tries them all and panics with the sentences that do not hold.
// This crate is made for tests: a failed expectation ends the test, and what is skipped is printed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod backend;
mod fixture;
mod histories;
mod list;
mod rates;
mod scripted;
mod spoken;
mod suite;
mod trees;

pub use backend::{Backend, conformance};
pub use duyetbot_core::SettableClock;
pub use fixture::{
    Ground, Refusal, Snapshot, add, answer, begin, checkpoint, open, said, step, under, words,
};
pub use histories::{Met, same_answers};
pub use list::{Check, checks};
pub use rates::{RateBackend, RateCheck, rate_checks, rate_conformance, requests};
pub use scripted::{Scripted, ScriptedModel};
pub use spoken::{SpokenModel, Voice};
pub use suite::{
    accounts, blobs, claims, commits, departures, erase, feed, fields, limits, opens, order, owners, paths,
    quota, repeats, runs, search, sessions, steps, tokens, usage, users, waits,
};
pub use trees::trees_commute;
