//! The API as an OpenAPI 3.1 document: the table of routes, what each takes and answers, and the public types.
use serde_json::{Map, Value, json};

use crate::router::{Access, Route, routes};

/// What a route takes and answers.
struct Operation {
    summary: &'static str,
    query: &'static [Parameter],
    /// The type of its JSON body.
    body: Option<&'static str>,
    answers: &'static [(u16, Content)],
}

/// A parameter of the query: its name, its JSON schema, what it is for.
struct Parameter(&'static str, Kind, &'static str);

enum Kind {
    Text,
    Number { most: u32 },
    Count,
    Switch,
    OneOf(&'static [&'static str]),
}

/// What an answer holds.
enum Content {
    Json(&'static str),
    /// Server-sent events, each of this type.
    Events(&'static str),
    Bytes,
    Text,
    Page,
    Status,
    Document,
    Nothing,
}

const LIMIT: Parameter = Parameter("limit", Kind::Number { most: 1000 }, "At most so many.");
const CURSOR: Parameter = Parameter("cursor", Kind::Text, "The nextCursor of the page before.");

const fn takes(
    summary: &'static str,
    query: &'static [Parameter],
    body: Option<&'static str>,
    answers: &'static [(u16, Content)],
) -> Operation {
    Operation { summary, query, body, answers }
}

/// What a route is, in the document's words.
fn operation(route: Route) -> Option<Operation> {
    use Content::{Bytes, Document, Events, Json, Nothing, Page, Status, Text};
    Some(match (route.method, route.path) {
        ("POST", "/sessions") => takes(
            "Make a session. Its id is the client's: again is the same.",
            &[],
            Some("NewSession"),
            &[(201, Json("Session"))],
        ),
        ("GET", "/sessions") => takes(
            "List sessions, the latest updated first.",
            &[
                LIMIT,
                CURSOR,
                Parameter(
                    "state",
                    Kind::Text,
                    "active, paused or completed, or several with commas; without it the first two.",
                ),
                Parameter("q", Kind::Text, "Only those whose title holds this."),
                Parameter("deleted", Kind::Switch, "Only those in the bin."),
                Parameter("workspace", Kind::Text, "Only those that were begun there."),
                Parameter("id", Kind::Text, "Those whose id begins so, at most two, whatever else is asked."),
            ],
            None,
            &[(200, Json("SessionPage"))],
        ),
        ("GET", "/sessions/{id}") => takes("Read a session.", &[], None, &[(200, Json("Session"))]),
        ("PATCH", "/sessions/{id}") => takes(
            "Change a session, or take it out of the bin.",
            &[],
            Some("SessionPatch"),
            &[(200, Json("Session"))],
        ),
        ("DELETE", "/sessions/{id}") => takes(
            "Put a session into the bin for 30 days, or erase it at once.",
            &[Parameter("erase", Kind::Switch, "Erase every word; this cannot be undone.")],
            None,
            &[(204, Nothing)],
        ),
        ("GET", "/sessions/{id}/messages") => takes(
            "Read the path of messages to the session's head, or to a branch's end.",
            &[
                LIMIT,
                CURSOR,
                Parameter(
                    "order",
                    Kind::OneOf(&["asc", "desc"]),
                    "desc, the newest first, where it is not named.",
                ),
                Parameter("branch", Kind::Text, "The message that the path ends with."),
                Parameter(
                    "after",
                    Kind::Count,
                    "Instead: the messages of all branches by their seq, after this one.",
                ),
            ],
            None,
            &[(200, Json("MessagePage"))],
        ),
        ("GET", "/search") => takes(
            "Find messages by their words, the best first. Nothing in them is syntax but quotes.",
            &[
                Parameter("q", Kind::Text, "The words."),
                Parameter("limit", Kind::Number { most: 100 }, "At most so many."),
                CURSOR,
            ],
            None,
            &[(200, Json("SearchPage"))],
        ),
        ("POST", "/agent/chat") => takes(
            "Say something: it begins a run, or attaches to the one that this messageId began.",
            &[],
            Some("Chat"),
            &[(200, Events("ChatReply")), (202, Json("WaitingReply"))],
        ),
        ("GET", "/agent/stream/{id}") => takes(
            "Watch a run, or a session's current run, from Last-Event-ID or from after.",
            &[Parameter("after", Kind::Count, "Steps of the run that are held already.")],
            None,
            &[(200, Events("")), (204, Nothing)],
        ),
        ("POST", "/agent/runs/{id}/stop") => {
            takes("Stop a run. What was said stays.", &[], None, &[(202, Json("RunReply"))])
        }
        ("POST", "/agent/runs/{id}/approvals") => {
            takes("Decide a call that waits.", &[], Some("Decide"), &[(200, Json("RunReply"))])
        }
        ("GET", "/agent/approvals") => {
            takes("List the calls that wait for a decision.", &[], None, &[(200, Json("OpenCalls"))])
        }
        ("POST", "/agent/execute") => takes(
            "Run one tool, where a rule or the tool itself lets it run unasked.",
            &[],
            Some("Execute"),
            &[(200, Json("ExecuteReply"))],
        ),
        ("PUT", "/blobs/{hash}") => {
            takes("Store a file by the SHA-256 of its bytes.", &[], Some(""), &[(204, Nothing)])
        }
        ("GET", "/blobs/{hash}") => takes("Read a file.", &[], None, &[(200, Bytes)]),
        ("GET", "/users/me") => takes("Read who calls.", &[], None, &[(200, Json("User"))]),
        ("PATCH", "/users/me") => takes(
            "Change the name or the settings of who calls.",
            &[],
            Some("UserPatch"),
            &[(200, Json("User"))],
        ),
        ("DELETE", "/users/me") => takes(
            "Erase who calls, and all that they have; this cannot be undone. 202: gone for everybody, the rest follows.",
            &[],
            None,
            &[(202, Nothing), (204, Nothing)],
        ),
        ("GET", "/users/me/tokens") => takes(
            "List the API tokens of who calls, the newest first.",
            &[],
            None,
            &[(200, Json("ApiTokens"))],
        ),
        ("POST", "/users/me/tokens") => takes(
            "Make an API token, that can do no more than the one it is made with. It is shown this once.",
            &[],
            Some("NewApiToken"),
            &[(201, Json("MadeToken"))],
        ),
        ("DELETE", "/users/me/tokens/{id}") => {
            takes("Remove an API token: it is refused at once.", &[], None, &[(204, Nothing)])
        }
        ("GET", "/users/me/usage") => {
            takes("Read what is used of each limit.", &[], None, &[(200, Json("UsageOverview"))])
        }
        ("GET", "/healthz") => takes("Does the process live?", &[], None, &[(200, Status)]),
        ("GET", "/readyz") => takes("Can it serve?", &[], None, &[(200, Status)]),
        ("GET", "/metrics") => takes("What it does, for Prometheus.", &[], None, &[(200, Text)]),
        ("GET", "/openapi.json") => takes("This document.", &[], None, &[(200, Document)]),
        ("GET", "/") => takes("The API on a page.", &[], None, &[(200, Page)]),
        _ => return None,
    })
}

/// The whole document.
pub(crate) fn document() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for route in routes() {
        if let Some(described) = operation(route) {
            let path = paths.entry(route.path).or_insert_with(|| json!({}));
            path[route.method.to_lowercase()] = written(route, &described);
        }
    }
    let schemas: Map<String, Value> =
        duyetbot_wire::schemas().into_iter().map(|(name, schema)| (name, json!(schema))).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "duyetbot",
            "description": "One personal agent with one memory. A run outlives the connection that began it.",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "Apache-2.0 OR MIT", "identifier": "Apache-2.0 OR MIT" },
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": { "bearer": { "type": "http", "scheme": "bearer" } },
            "responses": {
                "Problem": {
                    "description": "A refusal, as RFC 9457 has it.",
                    "content": { "application/problem+json": { "schema": reference("Problem") } },
                },
            },
        },
    })
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

fn written(route: Route, described: &Operation) -> Value {
    let mut parameters: Vec<Value> = described.query.iter().map(parameter).collect();
    if let Some(name) = route.path.split(['{', '}']).nth(1) {
        parameters
            .push(json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }));
    }
    if route.path == "/agent/stream/{id}" {
        let what = "The id of the last event that was received: RUNID:N.";
        let schema = json!({ "type": "string" });
        parameters
            .push(json!({ "name": "Last-Event-ID", "in": "header", "description": what, "schema": schema }));
    }
    let mut responses: Map<String, Value> =
        described.answers.iter().map(|(status, content)| (status.to_string(), answer(content))).collect();
    responses.insert("default".to_owned(), json!({ "$ref": "#/components/responses/Problem" }));
    let mut out = json!({
        "operationId": operation_id(route),
        "summary": described.summary,
        "parameters": parameters,
        "responses": responses,
    });
    match described.body {
        None => {}
        Some("") => {
            let bytes = json!({ "schema": { "type": "string", "format": "binary" } });
            out["requestBody"] =
                json!({ "required": true, "content": { "application/octet-stream": bytes } });
        }
        Some(body) => {
            let content = json!({ "application/json": { "schema": reference(body) } });
            out["requestBody"] = json!({ "required": true, "content": content });
        }
    }
    if let Access::Signed(permission) = route.access {
        // The scope that a token needs.
        out["security"] = json!([{ "bearer": [permission.as_str()] }]);
    }
    out
}

/// `GET /sessions/{id}/messages` is `get_sessions_id_messages`.
fn operation_id(route: Route) -> String {
    let words = route.path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let words: Vec<&str> = words.collect();
    let path = if words.is_empty() { "root".to_owned() } else { words.join("_") };
    format!("{}_{path}", route.method.to_lowercase())
}

fn parameter(Parameter(name, kind, what): &Parameter) -> Value {
    let schema = match kind {
        Kind::Text => json!({ "type": "string" }),
        Kind::Number { most } => json!({ "type": "integer", "minimum": 1, "maximum": most }),
        Kind::Count => json!({ "type": "string", "pattern": "^[0-9]+$" }),
        Kind::Switch => json!({ "type": "boolean" }),
        Kind::OneOf(words) => json!({ "type": "string", "enum": words }),
    };
    // The words to look for are the one parameter that cannot be left out.
    let required = *name == "q" && what.starts_with("The words");
    json!({ "name": name, "in": "query", "description": what, "required": required, "schema": schema })
}

fn answer(content: &Content) -> Value {
    let of = |media: &str, schema: Value| json!({ media: { "schema": schema } });
    let text = || json!({ "type": "string" });
    let content = match content {
        Content::Json(schema) => of("application/json", reference(schema)),
        Content::Events(whole) => {
            let mut content = of("text/event-stream", reference("Event"));
            if !whole.is_empty() {
                content["application/json"] = json!({ "schema": reference(whole) });
            }
            content
        }
        Content::Bytes => of("application/octet-stream", json!({ "type": "string", "format": "binary" })),
        Content::Text => of("text/plain", text()),
        Content::Page => of("text/html", text()),
        Content::Document => of("application/json", json!({ "type": "object" })),
        Content::Status => {
            let fields = json!({ "status": { "const": "ok" } });
            of("application/json", json!({ "type": "object", "required": ["status"], "properties": fields }))
        }
        Content::Nothing => return json!({ "description": "Nothing to say." }),
    };
    json!({ "description": "As asked.", "content": content })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_route_is_described_under_a_name_of_its_own() {
        let names: BTreeSet<String> = routes()
            .into_iter()
            .map(|route| {
                assert!(operation(route).is_some(), "{route:?}");
                operation_id(route)
            })
            .collect();
        assert_eq!(names.len(), routes().len());
    }

    #[test]
    fn every_reference_leads_to_a_schema() {
        let document = document();
        let text = document.to_string();
        let mut references = 0;
        for part in text.split("\"#/components/schemas/").skip(1) {
            let name = part.split('"').next().unwrap();
            assert!(document["components"]["schemas"][name].is_object(), "{name}");
            references += 1;
        }
        assert!(references > 30, "{references}");
    }
}
