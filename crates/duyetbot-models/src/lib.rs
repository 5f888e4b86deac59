//! Language models over their providers' HTTP APIs.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

#[cfg(test)]
mod answer_tests;
mod anthropic;
mod discover;
mod endpoint;
mod failure;
mod family;
mod history;
mod json;
mod name;
mod names;
mod openai;
mod words;

pub use anthropic::AnthropicModel;
pub use discover::{LocalServer, USUAL_PORTS, list_models, newest_main, probe_local};
pub use endpoint::Endpoint;
pub use name::{ModelName, Provider};
pub use names::CallIdForm;
pub use openai::{Dialect, Echo, OpenAiModel};
