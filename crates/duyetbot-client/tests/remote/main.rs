//! An agent on a real server, over connections that break, through servers that die, and against servers that lie.
#![allow(clippy::unwrap_used, clippy::expect_used, unreachable_pub)]

mod acts;
mod cuts;
mod death;
mod lies;
mod place;
mod proxy;
mod refusals;
mod sessions;
