//! JSON for providers and as they really write it: half surrogates and raw control characters do not lose an answer.
use bytes::Bytes;
use duyetbot_core::{Error, Result};
use serde_json::Value;
use std::borrow::Cow;

/// What an unpaired half of a surrogate becomes.
const REPLACEMENT: &str = "\\ufffd";

/// An object of these fields. They are moved into it, where the macro `json!` would copy them: a history is large.
pub(crate) fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// The text of a body.
pub(crate) fn bytes_of(body: &Value) -> Result<Bytes> {
    serde_json::to_vec(body).map(Bytes::from).map_err(Error::internal)
}

/// Reads JSON; what strict readers refuse is mended first. `None` where it is no JSON even then.
pub(crate) fn read(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().or_else(|| serde_json::from_str(&mend(text)).ok())
}

/// The same JSON text with unpaired surrogates replaced and control characters inside strings escaped. What strict
/// readers take stays as it is.
pub(crate) fn mend(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    let mut in_string = false;
    let bytes = text.as_bytes();
    while let Some(&byte) = bytes.get(at) {
        let (length, replacement) = match byte {
            b'"' => {
                in_string = !in_string;
                (1, None)
            }
            b'\\' => escape(&text[at..]),
            0..0x20 if in_string => (1, Some(format!("\\u{byte:04x}"))),
            _ => (1, None),
        };
        if let Some(replacement) = replacement {
            out.push_str(&text[copied..at]);
            out.push_str(&replacement);
            copied = at + length;
        }
        at += length;
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

/// The length of the escape that the text begins with, and what must stand there instead.
fn escape(text: &str) -> (usize, Option<String>) {
    let Some(unit) = unit(text) else {
        let second = text.chars().nth(1).map_or(0, char::len_utf8);
        return (1 + second, None);
    };
    match unit {
        0xD800..0xDC00 => match text.get(6..).and_then(self::unit) {
            Some(0xDC00..0xE000) => (12, None),
            _ => (6, Some(REPLACEMENT.to_owned())),
        },
        0xDC00..0xE000 => (6, Some(REPLACEMENT.to_owned())),
        _ => (6, None),
    }
}

/// The code unit of the escape that the text begins with: `\u` and four hexadecimal digits.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())?
}

/// The input of a tool call as JSON text. Nothing means an empty object; what some servers add around the object is
/// taken off; what cannot be read stays as it came.
pub(crate) fn tool_input(sent: &str) -> ToolInput {
    let sent = sent.trim();
    if sent.is_empty() || sent == "null" {
        return ToolInput { text: "{}".to_owned(), form: InputForm::Nothing };
    }
    let mended = mend(sent);
    let object = |text: &str| matches!(serde_json::from_str(text), Ok(Value::Object(_)));
    if object(&mended) {
        return ToolInput { text: mended.into_owned(), form: InputForm::Object };
    }
    // An empty object first and the real one after it.
    if let Some(rest) = mended.strip_prefix("{}").filter(|rest| object(rest)) {
        return ToolInput { text: rest.trim().to_owned(), form: InputForm::Object };
    }
    // The object as a string of JSON within the string of JSON.
    if let Ok(Value::String(inner)) = serde_json::from_str(&mended)
        && object(&inner)
    {
        return ToolInput { text: inner, form: InputForm::Object };
    }
    ToolInput { text: mended.into_owned(), form: InputForm::Other }
}

/// A tool call's input, and what was seen of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ToolInput {
    pub(crate) text: String,
    pub(crate) form: InputForm,
}

/// What a tool call's input looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InputForm {
    /// Nothing was sent.
    Nothing,
    /// A whole object.
    Object,
    /// Something else: a part of an object, or no JSON.
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn half_surrogates_become_the_replacement_character_and_whole_pairs_stay() {
        assert_eq!(read(r#"{"a":"x \ud83d."}"#), Some(json!({"a": "x \u{fffd}."})));
        assert_eq!(
            read(r#"{"a":"\ude00\ud83d\ude00\ud83d\ud83d"}"#),
            Some(json!({"a": "\u{fffd}😀\u{fffd}\u{fffd}"}))
        );
        assert_eq!(read(r#"{"a":"\\ud83d"}"#), Some(json!({"a": "\\ud83d"})));
        assert_eq!(mend(r#"{"a":"\ud83d\ude00 \" \\"}"#), r#"{"a":"\ud83d\ude00 \" \\"}"#);
    }

    #[test]
    fn a_raw_line_feed_inside_a_string_is_read() {
        assert_eq!(read("{\"a\":\n\"one\ntwo\"}"), Some(json!({"a": "one\ntwo"})));
    }

    #[test]
    fn a_tool_input_is_taken_out_of_what_servers_put_around_it() {
        let of = |text: &str| {
            let input = tool_input(text);
            (input.text, input.form)
        };
        assert_eq!(of(" "), ("{}".to_owned(), InputForm::Nothing));
        assert_eq!(of("null"), ("{}".to_owned(), InputForm::Nothing));
        assert_eq!(of(r#"{"b":1, "a":2.50}"#), (r#"{"b":1, "a":2.50}"#.to_owned(), InputForm::Object));
        assert_eq!(of(r#"{}{"a":1}"#), (r#"{"a":1}"#.to_owned(), InputForm::Object));
        assert_eq!(of(r#""{\"a\":1}""#), (r#"{"a":1}"#.to_owned(), InputForm::Object));
        assert_eq!(of(r#"{"a":"#), (r#"{"a":"#.to_owned(), InputForm::Other));
        assert_eq!(of("[1]"), ("[1]".to_owned(), InputForm::Other));
    }

    proptest! {
        #[test]
        fn mending_takes_any_text_and_leaves_valid_json_alone(text in any::<String>(), words in "[a-z\\\\\"ud83]{0,20}") {
            let _ = read(&text);
            let valid = json!({ "a": words, "b": text }).to_string();
            prop_assert_eq!(mend(&valid), valid.as_str());
        }
        #[test]
        fn mended_text_is_never_refused_for_its_surrogates(units in prop::collection::vec(0xD800_u16..0xE000, 0..6)) {
            let escapes: String = units.iter().map(|u| format!("\\u{u:04x}")).collect();
            let text = format!("{{\"a\":\"{escapes}\"}}");
            prop_assert!(read(&text).is_some());
        }
    }
}
