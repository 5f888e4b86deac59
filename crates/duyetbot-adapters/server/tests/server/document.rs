//! The API's document as a test reads it: where ids stand in it, and requests that have one there.
use serde_json::{Map, Value, json};

/// A request with one place for an id of this kind, which stands in it as `{kind}`.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    pub route: String,
    pub path: String,
    pub body: Option<Value>,
    pub kind: String,
}

impl Asked {
    /// Does the id stand in the path itself?
    pub fn is_in_path(&self) -> bool {
        self.path.split('?').next().unwrap().contains('{')
    }

    /// With this id in its place.
    pub fn with(&self, id: &str) -> (String, Option<Value>) {
        let place = format!("{{{}}}", self.kind);
        let body = self.body.as_ref().map(|body| {
            let text = body.to_string().replace(&place, id);
            serde_json::from_str(&text).unwrap()
        });
        (self.path.replace(&place, id), body)
    }
}

/// The kinds of ids: schemas of their own.
const KINDS: [&str; 3] = ["Id", "RunId", "Hash"];
/// Parameters of queries that are plain text and name nothing.
const WORDS: [&str; 3] = ["q", "workspace", "after"];

/// Every place of an id in the paths, queries and bodies of the API. Where the path is not it, this session of the caller's
/// stands there.
///
/// Panics at a place that it cannot fill: whoever adds one says here of which kind it is.
pub fn places_of_ids(document: &Value, own: &str) -> Vec<Asked> {
    let mut places = Vec::new();
    for (route, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let empty = Vec::new();
            let parameters = operation["parameters"].as_array().unwrap_or(&empty);
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let body = (!schema.is_null()).then(|| least(document, schema));
            let mut add = |path: &str, body: Option<Value>, kind: &str| {
                let (method, route) = (method.to_uppercase(), route.clone());
                places.push(Asked { method, route, path: path.to_owned(), body, kind: kind.to_owned() });
            };
            let inside: Vec<_> = parameters.iter().filter(|p| p["in"] == "path").collect();
            assert_eq!(inside.len(), route.matches('{').count(), "{method} {route} names all its parameters");
            let mut theirs = route.clone();
            for parameter in inside {
                let name = format!("{{{}}}", parameter["name"].as_str().unwrap());
                let kinds = kinds_of(&parameter["schema"]);
                assert!(!kinds.is_empty(), "{method} {route}: of which kind is {name}?");
                for kind in kinds {
                    add(&route.replace(&name, &format!("{{{kind}}}")), body.clone(), &kind);
                }
                theirs = theirs.replace(&name, own);
            }
            for parameter in parameters.iter().filter(|p| p["in"] == "query") {
                let (name, schema) = (parameter["name"].as_str().unwrap(), &parameter["schema"]);
                let text = schema["$ref"].as_str().is_some_and(|of| of.ends_with("/Text"));
                let mut kinds = kinds_of(schema);
                match name {
                    "cursor" => kinds = vec!["cursor".to_owned()],
                    "id" if text => kinds = vec!["Id".to_owned()],
                    _ => assert!(!text || WORDS.contains(&name), "{method} {route}: what is {name}?"),
                }
                let needed = if route == "/search" { "q=stone&" } else { "" };
                for kind in kinds {
                    add(&format!("{theirs}?{needed}{name}={{{kind}}}"), body.clone(), &kind);
                }
            }
            for (kind, body) in within(document, schema) {
                add(&theirs, Some(body), &kind);
            }
        }
    }
    // A name that the caller gives to something new comes last: from then on it is there, and theirs.
    places.sort_by_key(|asked| asked.body.as_ref().is_some_and(|body| !body["id"].is_null()));
    places
}

/// Every operation with a JSON body, and a small one that it may have.
pub fn bodies(document: &Value) -> Vec<(String, String, Value)> {
    let mut found = Vec::new();
    for (route, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            if !schema.is_null() {
                found.push((method.to_uppercase(), route.clone(), least(document, schema)));
            }
        }
    }
    assert!(!found.is_empty());
    found
}

/// Every operation's parameters of the query that are text.
pub fn words_of_queries(document: &Value) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    for (route, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            for parameter in parameters.filter(|parameter| parameter["in"] == "query") {
                let name = parameter["name"].as_str().unwrap().to_owned();
                found.push((method.to_uppercase(), route.clone(), name));
            }
        }
    }
    assert!(!found.is_empty());
    found
}

fn kinds_of(schema: &Value) -> Vec<String> {
    if let Some(name) = schema["$ref"].as_str().and_then(|of| of.rsplit('/').next()) {
        return KINDS.iter().filter(|kind| **kind == name).map(|kind| (*kind).to_owned()).collect();
    }
    choices(schema).flat_map(kinds_of).collect()
}

fn choices(schema: &Value) -> impl Iterator<Item = &Value> {
    ["oneOf", "anyOf"].into_iter().filter_map(|key| schema[key].as_array()).flatten()
}

fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(at) => document.pointer(at.strip_prefix('#').unwrap()).unwrap(),
        None => schema,
    }
}

/// The values of a schema that have one id each, with all else as small as it may be.
fn within(document: &Value, schema: &Value) -> Vec<(String, Value)> {
    let own = kinds_of(schema);
    if !own.is_empty() {
        return own.into_iter().map(|kind| (kind.clone(), json!(format!("{{{kind}}}")))).collect();
    }
    let schema = resolved(document, schema);
    let mut found: Vec<_> = choices(schema).flat_map(|choice| within(document, choice)).collect();
    if schema["items"].is_object() {
        found.extend(within(document, &schema["items"]).into_iter().map(|(kind, v)| (kind, json!([v]))));
    }
    if let Some(properties) = schema["properties"].as_object() {
        for (name, property) in properties {
            for (kind, value) in within(document, property) {
                let mut whole = least(document, schema);
                whole[name] = value;
                found.push((kind, whole));
            }
        }
    }
    found
}

/// A small value of a schema.
fn least(document: &Value, schema: &Value) -> Value {
    let schema = resolved(document, schema);
    if let Some(first) = choices(schema).next() {
        return least(document, first);
    }
    if !schema["const"].is_null() {
        return schema["const"].clone();
    }
    // The last of the words that may stand: a file, and an answer that denies.
    if let Some(last) = schema["enum"].as_array().and_then(|words| words.last()) {
        return last.clone();
    }
    match schema["type"].as_str() {
        Some("object") => {
            let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let fields = required.map(|name| {
                // The name of a tool that is there: what is asked with it is looked at.
                let value =
                    if name == "tool" { json!("look") } else { least(document, &schema["properties"][name]) };
                (name.to_owned(), value)
            });
            fields.collect::<Map<_, _>>().into()
        }
        Some("array") => json!([least(document, &schema["items"])]),
        Some("integer") => schema["minimum"].as_i64().unwrap_or(1).into(),
        Some("boolean") => false.into(),
        Some("string") => "a".into(),
        _ => panic!("no value is known of {schema}"),
    }
}
