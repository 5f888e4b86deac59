//! The API as an OpenAPI 3.1 document: the table of routes, what each takes and answers, and the public types.
mod operations;

use serde_json::{Map, Value, json};

use crate::router::{Access, Route, routes};
use operations::{Content, Kind, Link, Operation, Parameter, operation};

/// The whole document.
pub(crate) fn document() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for route in routes() {
        if let Some(described) = operation(route) {
            let path = paths.entry(route.path).or_insert_with(|| json!({}));
            path[route.method.to_lowercase()] = written(route, &described);
        }
    }
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
            "schemas": duyetbot_wire::schemas(),
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
    if let Some(name) = variable(route.path) {
        let schema = in_path(route.path);
        parameters.push(json!({ "name": name, "in": "path", "required": true, "schema": schema }));
    }
    if route.path == "/agent/stream/{id}" {
        let what = "The id of the last event that was received: RUNID:N.";
        let schema = reference("Text");
        parameters
            .push(json!({ "name": "Last-Event-ID", "in": "header", "description": what, "schema": schema }));
    }
    let mut responses: Map<String, Value> = described
        .answers
        .iter()
        .map(|(status, content)| (status.to_string(), answer(content, described.links)))
        .collect();
    responses.insert("default".to_owned(), json!({ "$ref": "#/components/responses/Problem" }));
    let mut out = json!({
        "operationId": operation_id(route.method, route.path),
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
fn operation_id(method: &str, path: &str) -> String {
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let words: Vec<&str> = words.collect();
    let path = if words.is_empty() { "root".to_owned() } else { words.join("_") };
    format!("{}_{path}", method.to_lowercase())
}

/// The one parameter that a path may have.
fn variable(path: &str) -> Option<&str> {
    path.split(['{', '}']).nth(1)
}

/// What it may be.
fn in_path(path: &str) -> Value {
    match path {
        "/agent/stream/{id}" => json!({ "anyOf": [reference("RunId"), reference("Id")] }),
        path if path.starts_with("/agent/runs/") => reference("RunId"),
        path if path.starts_with("/blobs/") => reference("Hash"),
        _ => reference("Id"),
    }
}

/// The links of an answer by the routes that they lead to.
fn written_links(links: &[Link]) -> Map<String, Value> {
    let written = links.iter().filter_map(|Link(method, path, from)| {
        let id = operation_id(method, path);
        let link = json!({ "operationId": id, "parameters": { variable(path)?: from } });
        Some((id, link))
    });
    written.collect()
}

fn parameter(Parameter(name, kind, what): &Parameter) -> Value {
    let schema = match kind {
        Kind::Form(form) => reference(form),
        Kind::Number { least, most } => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Kind::Matching(pattern) => json!({ "type": "string", "pattern": pattern }),
        Kind::Switch => json!({ "type": "boolean" }),
        Kind::OneOf(words) => json!({ "type": "string", "enum": words }),
    };
    // The words to look for are the one parameter that cannot be left out.
    let required = *name == "q" && what.starts_with("The words");
    json!({ "name": name, "in": "query", "description": what, "required": required, "schema": schema })
}

fn answer(content: &Content, links: &[Link]) -> Value {
    let of = |media: &str, schema: Value| json!({ media: { "schema": schema } });
    let text = || json!({ "type": "string" });
    let content = match content {
        Content::Json(schema) => of("application/json", reference(schema)),
        Content::Events(whole) => {
            let mut content = of("text/event-stream", reference("Streamed"));
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
        Content::Nothing => Value::Null,
    };
    let mut answer = json!({ "description": "As asked." });
    if content.is_null() {
        answer["description"] = "Nothing to say.".into();
    } else {
        answer["content"] = content;
    }
    if !links.is_empty() {
        answer["links"] = written_links(links).into();
    }
    answer
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
                operation_id(route.method, route.path)
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
