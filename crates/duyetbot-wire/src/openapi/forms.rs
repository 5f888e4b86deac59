//! The forms that values have beyond their type, each under a name of its own: what a server refuses stands in the document.
use duyetbot_core::run::{LONGEST_RULE, MOST_RULES};
use serde_json::{Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::SchemaType},
};

use crate::request::{LARGEST_SIZE, LONGEST_NAME, LONGEST_TITLE, LONGEST_WORKSPACE};

/// Without NUL.
const TEXT: &str = r"^[^\u0000]*$";
/// The same, with more in it than white space.
const WORDS: &str = r"^[^\u0000]*[^\s\u0000][^\u0000]*$";
/// One line.
const LINE: &str = r"^[^\u0000-\u001f\u007f-\u009f]*$";
/// The same, with more in it than white space.
const LINE_OF_WORDS: &str =
    r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$";
const RUN: &str = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$";
const HASH: &str = "^[0-9a-f]{64}$";

macro_rules! forms {
    ($($(#[doc = $doc:literal])+ $name:ident = $schema:tt $(with $($inner:ident)+)?;)+) => {$(
        $(#[doc = $doc])+
        pub(crate) struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                as_it_is(json!($schema), concat!($($doc),+))
            }
        }

        impl ToSchema for $name {
            fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
                $($(
                    schemas.push(($inner::name().into_owned(), $inner::schema()));
                    $inner::schemas(schemas);
                )+)?
                let _ = schemas;
            }
        }
    )+};
}

/// A schema in the words of JSON Schema, which are more than the builders know.
fn as_it_is(schema: Value, description: &str) -> RefOr<Schema> {
    let Value::Object(mut words) = schema else { return ObjectBuilder::new().into() };
    words.insert("description".to_owned(), description.trim().into());
    let words = words.into_iter().collect();
    ObjectBuilder::new().schema_type(SchemaType::AnyValue).extensions(Some(words)).into()
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn used(number: &str) -> Value {
    json!({
        "type": "object",
        "required": ["used", "limit"],
        "properties": {
            "used": { "type": number, "minimum": 0 },
            "limit": { "type": [number, "null"], "minimum": 0 },
        },
    })
}

forms! {
    /// A UUID.
    Id = { "type": "string", "format": "uuid" };

    /// A run: its session's id and the id of the person's message that began it.
    RunId = { "type": "string", "pattern": RUN };

    /// The SHA-256 of a file's bytes, in hex.
    Hash = { "type": "string", "pattern": HASH };

    /// A moment, as RFC 3339 has it: in UTC with milliseconds where the server says it.
    Time = { "type": "string", "format": "date-time" };

    /// Text without NUL.
    Text = { "type": "string", "pattern": TEXT };

    /// A title: one line that is not blank.
    Title = { "type": "string", "pattern": LINE_OF_WORDS, "maxLength": LONGEST_TITLE };

    /// What a token is for: one line that is not blank.
    TokenName = { "type": "string", "pattern": LINE_OF_WORDS, "maxLength": LONGEST_NAME };

    /// A person's name: one line, which may be blank.
    PersonName = { "type": "string", "pattern": LINE, "maxLength": LONGEST_NAME };

    /// A mark where a session is begun: one line.
    Workspace = { "type": "string", "pattern": LINE, "minLength": 1, "maxLength": LONGEST_WORKSPACE };

    /// A rule for calls of tools: `tool`, or `tool(pattern)`, such as `bash(git status:*)` or `edit(src/**)`.
    Rule = { "type": "string", "format": "rule", "maxLength": LONGEST_RULE };

    /// Rules for calls of tools.
    Rules = { "type": "array", "items": (reference("Rule")), "maxItems": MOST_RULES } with Rule;

    /// What a token lets its bearer do.
    Permissions = { "type": "array", "items": (reference("Permission")), "minItems": 1 };

    /// Answers of a model in one run.
    Steps = { "type": "integer", "minimum": 1, "maximum": (u32::MAX) };

    /// How much of a limit is used; `limit` is null where there is none.
    UsedCount = (used("integer"));

    /// How much of a limit is used; `limit` is null where there is none.
    UsedAmount = (used("number"));

    /// One of the server-sent events of a run.
    Streamed = {
        "type": "object",
        "required": ["data"],
        "properties": {
            "id": { "type": "string", "description": "RUNID:N, at the edge of a step: what Last-Event-ID takes." },
            "data": {
                "type": "string",
                "contentMediaType": "application/json",
                "contentSchema": (reference("Event")),
            },
        },
    };

    /// JSON of a person's own: it comes back as it was sent.
    JsonObject = {
        "type": "object",
        "propertyNames": { "pattern": TEXT },
        "additionalProperties": (reference("JsonValue")),
    } with JsonValue;

    /// A value of a person's own. A number that a 64-bit integer or float does not keep is to be sent as text.
    JsonValue = {
        "anyOf": [
            { "type": "null" },
            { "type": "boolean" },
            { "type": "number" },
            (reference("Text")),
            { "type": "array", "items": (reference("JsonValue")) },
            (reference("JsonObject")),
        ],
    } with Text;

    /// What a person says: words, or parts, of which one at least is not blank.
    Given = {
        "oneOf": [
            { "type": "string", "pattern": WORDS },
            {
                "type": "array",
                "items": (reference("GivenPart")),
                "minItems": 1,
                "contains": {
                    "anyOf": [
                        { "properties": { "type": { "enum": ["image", "file"] } } },
                        { "properties": { "text": { "pattern": WORDS } } },
                    ],
                },
            },
        ],
    } with GivenPart;

    /// A part of what a person says: a text, or an image or file whose bytes were put as a blob before.
    GivenPart = {
        "oneOf": [
            {
                "type": "object",
                "required": ["type", "text"],
                "properties": { "type": { "const": "text" }, "text": (reference("Text")) },
                "additionalProperties": false,
            },
            {
                "type": "object",
                "required": ["type", "mediaType", "blob"],
                "properties": {
                    "type": { "enum": ["image", "file"] },
                    "mediaType": { "$ref": "#/components/schemas/Text", "description": "Such as `image/png`." },
                    "name": { "type": ["string", "null"], "pattern": TEXT },
                    "blob": (reference("Hash")),
                    "size": {
                        "type": ["integer", "null"],
                        "minimum": 0,
                        "maximum": LARGEST_SIZE,
                        "description": "How many bytes it has. The server looks for itself.",
                    },
                },
                "additionalProperties": false,
            },
        ],
    } with Text Hash;
}
