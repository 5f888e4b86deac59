//! The checks, one a sentence of the traits' documentation. A check's name is its sentence, so none has another.
#![allow(missing_docs)]

pub mod accounts;
pub mod blobs;
pub mod claims;
pub mod commits;
pub mod departures;
pub mod erase;
pub mod feed;
pub mod fields;
pub mod limits;
pub mod opens;
pub mod order;
pub mod owners;
pub mod paths;
pub mod quota;
pub mod repeats;
pub mod runs;
pub mod search;
pub mod sessions;
pub mod steps;
pub mod tokens;
pub mod usage;
pub mod users;
pub mod waits;
