//! Which calls run, which ask, which are refused: rules that people write, and a policy that judges calls by them.
//!
//! Everything here is pure: no file is read and no program asked, so the same rules hold natively and on wasm32. What
//! needs a look at the disk comes in by a seam ([`Leads`] for links) or as a fact (what a repository's config says).
//!
//! A shell line is parsed with `brush-parser`, and what its parser and our own removal of quotes do not read
//! alike asks.
mod commands;
mod explanation;
mod git;
mod host;
mod layout;
mod leads;
mod paths;
mod policy;
mod protected;
mod rule;
mod set;
mod shell;
mod visible;

pub use explanation::{Explanation, Outcome, Step};
pub use git::{GitConfig, names_programs};
pub use layout::Layout;
pub use leads::{Leads, Led};
pub use policy::RulesPolicy;
pub use rule::{MalformedRule, Rule};
pub use set::{List, Lists, Placed, Refused, Rules, Source};
pub use visible::visible;
