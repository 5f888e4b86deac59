//! The table of routes, and the layers around them.
use axum::{
    Router,
    http::StatusCode,
    middleware::from_fn_with_state,
    routing::{MethodRouter, delete, get, patch, post, put},
};

use duyetbot_core::Permission::{self, Account, Chat, Read, Write};

use crate::{
    auth::{authenticate, permit},
    cors::cors,
    edge::edge,
    parts::{Api, Parts},
    problem::Refusal,
    rate::limit,
    routes::{
        blobs, chat, docs, execute, health, messages, patience, runs, search, sessions, tokens, users, watch,
    },
    standing::while_signed_in,
};

/// A route of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// Its method.
    pub method: &'static str,
    /// Its path; parameters stand in braces.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
}

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Open,
    /// Who brings credentials that let their bearer do this.
    Signed(Permission),
}

/// How long a handler may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    /// It answers soon, or is given up.
    Brisk,
    /// It lasts as long as its run.
    AsLongAsIts,
}

type Row = (Route, Pace, fn() -> MethodRouter<Api>);

const fn signed(permission: Permission, method: &'static str, path: &'static str) -> Route {
    Route { method, path, access: Access::Signed(permission) }
}

const fn open(method: &'static str, path: &'static str) -> Route {
    Route { method, path, access: Access::Open }
}

const TABLE: &[Row] = &[
    (signed(Write, "POST", "/sessions"), Pace::Brisk, || post(sessions::create)),
    (signed(Read, "GET", "/sessions"), Pace::Brisk, || get(sessions::list)),
    (signed(Read, "GET", "/sessions/{id}"), Pace::Brisk, || get(sessions::read)),
    (signed(Write, "PATCH", "/sessions/{id}"), Pace::Brisk, || patch(sessions::change)),
    (signed(Write, "DELETE", "/sessions/{id}"), Pace::Brisk, || delete(sessions::remove)),
    (signed(Read, "GET", "/sessions/{id}/messages"), Pace::Brisk, || get(messages::list)),
    (signed(Read, "GET", "/search"), Pace::Brisk, || get(search::search)),
    (signed(Chat, "POST", "/agent/chat"), Pace::AsLongAsIts, || post(chat::chat)),
    (signed(Read, "GET", "/agent/stream/{id}"), Pace::AsLongAsIts, || get(watch::watch)),
    (signed(Chat, "POST", "/agent/runs/{id}/stop"), Pace::Brisk, || post(runs::stop)),
    (signed(Chat, "POST", "/agent/runs/{id}/approvals"), Pace::Brisk, || post(runs::decide)),
    (signed(Read, "GET", "/agent/approvals"), Pace::Brisk, || get(runs::open_calls)),
    (signed(Chat, "POST", "/agent/execute"), Pace::AsLongAsIts, || post(execute::execute)),
    (signed(Chat, "PUT", "/blobs/{hash}"), Pace::AsLongAsIts, || put(blobs::store)),
    (signed(Read, "GET", "/blobs/{hash}"), Pace::Brisk, || get(blobs::read)),
    (signed(Read, "GET", "/users/me"), Pace::Brisk, || get(users::me)),
    (signed(Account, "PATCH", "/users/me"), Pace::Brisk, || patch(users::change)),
    (signed(Account, "DELETE", "/users/me"), Pace::Brisk, || delete(users::erase)),
    (signed(Read, "GET", "/users/me/usage"), Pace::Brisk, || get(users::usage)),
    (signed(Account, "GET", "/users/me/tokens"), Pace::Brisk, || get(tokens::list)),
    (signed(Account, "POST", "/users/me/tokens"), Pace::Brisk, || post(tokens::create)),
    (signed(Account, "DELETE", "/users/me/tokens/{id}"), Pace::Brisk, || delete(tokens::revoke)),
    (open("GET", "/healthz"), Pace::Brisk, || get(health::lives)),
    (open("GET", "/readyz"), Pace::Brisk, || get(health::ready)),
    (open("GET", "/metrics"), Pace::Brisk, || get(health::metrics)),
    (open("GET", "/openapi.json"), Pace::Brisk, || get(docs::openapi)),
    (open("GET", "/"), Pace::Brisk, || get(docs::page)),
];

/// All routes, for tests and documents that walk them.
pub fn routes() -> Vec<Route> {
    TABLE.iter().map(|(route, ..)| *route).collect()
}

/// The whole API.
pub fn router(parts: Parts) -> Router {
    let api = Api::new(parts);
    let mut router = Router::new();
    for (route, pace, handler) in TABLE {
        let mut handler = handler();
        if *pace == Pace::Brisk {
            handler = handler.route_layer(from_fn_with_state(api.clone(), patience));
        }
        if let Access::Signed(permission) = route.access {
            if *pace == Pace::AsLongAsIts {
                handler = handler.route_layer(from_fn_with_state(api.clone(), while_signed_in));
            }
            handler = handler
                .route_layer(from_fn_with_state(permission, permit))
                .route_layer(from_fn_with_state(api.clone(), limit))
                .route_layer(from_fn_with_state(api.clone(), authenticate));
        }
        router = router.route(route.path, handler);
    }
    router = router
        .fallback(|| async { Refusal::not_found() })
        .method_not_allowed_fallback(|| async { Refusal::of_status(StatusCode::METHOD_NOT_ALLOWED) });
    if !api.settings.origins.is_empty() {
        router = router.layer(cors(&api.settings.origins));
    }
    router.layer(from_fn_with_state(api.clone(), edge)).with_state(api)
}
