//! The built-in tools, and the rules that say which of their calls run.
pub mod rules;
