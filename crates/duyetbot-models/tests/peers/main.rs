//! Both clients against servers that others wrote: a scripted model, and one whose every failure is at hand.
#![allow(clippy::unwrap_used, clippy::expect_used, unreachable_pub)]

mod answers;
mod client;
mod failures;
#[path = "../common/message.rs"]
mod message;
mod peer;
mod retries;
mod scripted;
mod secrets;
mod stopping;
mod structured;
mod switch;
mod tap;
