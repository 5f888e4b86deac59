//! The one outbound HTTP client of duyetbot: roots, proxies, time limits, which addresses may be
//! reached. The same type serves native targets and wasm32.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod call;
mod client;
mod error;
mod guard;
#[cfg(not(target_arch = "wasm32"))]
mod native;
mod response;
mod settings;
mod sse;
#[cfg(target_arch = "wasm32")]
mod wasm;

#[cfg(not(target_arch = "wasm32"))]
use native as transport;
#[cfg(target_arch = "wasm32")]
use wasm as transport;

pub use call::Call;
pub use client::Client;
pub use response::{ByteStream, Response};
pub use settings::{Pem, Proxies, Reach, Roots, Settings};
pub use sse::{LARGEST_EVENT, SseEvent, events};
