//! What a model wrote as a call's input, as the type that the tool takes.
use duyetbot_core::{Approval, ToolSpec};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::refusal::Refusal;

/// What a model is told of a tool whose input is a `T`.
pub(crate) fn spec_of<T: JsonSchema>(name: &str, description: &str, approval: Approval) -> ToolSpec {
    ToolSpec { name: name.to_owned(), description: description.to_owned(), input: schema_of::<T>(), approval }
}

/// The schema of a `T`, without what only describes the schema itself.
fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    for only_ours in ["title", "description"] {
        schema.remove(only_ours);
    }
    schema.to_value()
}

/// Reads a call's input. What is wrong with it is answered with the field's name and the schema.
pub(crate) fn read<T: DeserializeOwned>(spec: &ToolSpec, input: &str) -> Result<T, Refusal> {
    let input = if input.trim().is_empty() { "{}" } else { input };
    let mut json = serde_json::Deserializer::from_str(input);
    let read = serde_path_to_error::deserialize(&mut json).map_err(|wrong| {
        let path = wrong.path().to_string();
        let cause = wrong.into_inner();
        // Where the field is missing or unknown the cause names it, and the path is the object's.
        if path == "." || path == "?" { cause.to_string() } else { format!("field `{path}`: {cause}") }
    });
    read.and_then(|value| json.end().map(|()| value).map_err(|cause| cause.to_string())).map_err(|wrong| {
        Refusal::new(format!("the input of `{}` is wrong: {wrong}\nits schema is {}", spec.name, spec.input))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use duyetbot_core::ToolResult;
    use serde::Deserialize;

    /// Not for the model.
    #[derive(Debug, PartialEq, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Input {
        /// Which file.
        path: String,
        /// How many lines.
        limit: Option<u32>,
    }

    fn told(input: &str) -> String {
        let spec = spec_of::<Input>("read", "Reads.", Approval::Free);
        ToolResult::from(read::<Input>(&spec, input).unwrap_err()).output
    }

    #[test]
    fn a_schema_has_what_a_model_needs_and_no_more() {
        let schema = serde_json::json!({
            "type": "object",
            "properties": {
                "path": {"type": "string", "description": "Which file."},
                "limit": {"type": ["integer", "null"], "format": "uint32", "minimum": 0, "description": "How many lines."},
            },
            "required": ["path"],
            "additionalProperties": false,
        });
        assert_eq!(schema_of::<Input>(), schema);
    }

    #[test]
    fn what_is_wrong_with_an_input_names_the_field_and_gives_the_schema() {
        for (input, wrong) in [
            ("{}", "missing field `path`"),
            ("", "missing field `path`"),
            (r#"{"path":"a","lines":3}"#, "field `lines`: unknown field `lines`, expected `path` or `limit`"),
            (r#"{"path":7}"#, "field `path`: invalid type: integer `7`, expected a string"),
            (r#"{"path":"a","limit":-1}"#, "field `limit`: invalid value: integer `-1`, expected u32"),
            (r#"{"path":"a"#, "EOF while parsing a string"),
            (r#"{"path":"a"} x"#, "trailing characters"),
            ("[1", "invalid"),
        ] {
            let told = told(input);
            let first = told.lines().next().unwrap();
            assert!(
                first.starts_with("the input of `read` is wrong: ") && first.contains(wrong),
                "{input}: {told}"
            );
            assert!(told.contains("\nits schema is {"), "{told}");
        }
    }
}
