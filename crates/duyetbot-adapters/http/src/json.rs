//! Reads JSON that strangers wrote: bounded in depth, without NUL, every unknown field named, and no number changed.
use duyetbot_core::{
    Code, Error, Result,
    text::{self, DEEPEST},
};
use duyetbot_wire::Problem;
use serde::de::DeserializeOwned;
use serde_json::{Value, value::RawValue};

use crate::problem::{Answer, Refusal};

/// Unknown fields that are named at most, and characters of a name.
const NAMED: usize = 20;
const NAME: usize = 100;

/// The value of a body.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Answer<T> {
    let json = std::str::from_utf8(bytes).map_err(|_| Refusal::malformed("the body is not UTF-8"))?;
    // Before anything walks it: a parser's stack must never meet more.
    if text::depth(json) > DEEPEST {
        let detail = format!("the body is nested deeper than {DEEPEST} levels");
        return Err(Refusal::new(Problem::new("text_rule", "Invalid request", 400, detail)));
    }
    // To serde a list of its fields' values would be an object too.
    if json.trim_start_matches([' ', '\t', '\r', '\n']).starts_with('[') {
        return Err(Error::invalid("the body does not fit: it is a list, where an object is expected").into());
    }
    let mut unknown = Vec::new();
    let mut source = serde_json::Deserializer::from_str(json);
    let value = serde_ignored::deserialize(&mut source, |path| {
        if unknown.len() < NAMED {
            unknown.push(path.to_string().chars().take(NAME).collect::<String>());
        }
    })
    .map_err(|error| wrong(&error))?;
    source.end().map_err(|error| wrong(&error))?;
    if !unknown.is_empty() {
        return Err(Refusal::unknown_fields(unknown));
    }
    refuse_nul(json)?;
    Ok(value)
}

/// What is no JSON cannot be read; what is JSON of another form breaks our rules.
fn wrong(error: &serde_json::Error) -> Refusal {
    match error.classify() {
        serde_json::error::Category::Data => Error::invalid(format!("the body does not fit: {error}")).into(),
        _ => Refusal::malformed(format!("the body is not JSON: {error}")),
    }
}

/// Names the first field that holds a NUL. It can only come as an escape, so most bodies are not read again.
fn refuse_nul(json: &str) -> Result<()> {
    if !json.contains("\\u0000") {
        return Ok(());
    }
    let value: Value = serde_json::from_str(json).map_err(|e| Error::invalid(e.to_string()))?;
    match field_with_nul(&value, "") {
        Some(field) => {
            let field = if field.is_empty() { "the body".to_owned() } else { field };
            Err(Error::invalid(format!("{field} holds a NUL character; leave it out"))
                .with_code(Code::TextRule))
        }
        None => Ok(()),
    }
}

fn field_with_nul(value: &Value, path: &str) -> Option<String> {
    match value {
        Value::String(text) => text.contains('\0').then(|| path.to_owned()),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(n, item)| field_with_nul(item, &format!("{path}[{n}]")))
        }
        Value::Object(fields) => fields.iter().find_map(|(name, value)| {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            if name.contains('\0') {
                Some(path.replace('\0', "\u{fffd}"))
            } else {
                field_with_nul(value, &path)
            }
        }),
        _ => None,
    }
}

/// Free JSON of a person as it is stored: an object whose numbers every reader gets back as they were written.
pub(crate) fn free_object(given: &RawValue, field: &str) -> Result<String> {
    let value: Value = serde_json::from_str(given.get())
        .map_err(|error| Error::invalid(format!("{field} cannot be read: {error}")))?;
    if !value.is_object() {
        return Err(Error::invalid(format!("{field} must be a JSON object")));
    }
    if let Some(number) = numbers(given.get()).find(|number| !is_exact(number)) {
        let shown: String = number.chars().take(40).collect();
        return Err(Error::invalid(format!(
            "{field} holds the number {shown}, which would not be kept exactly; send it as text"
        )));
    }
    serde_json::to_string(&value).map_err(Error::internal)
}

/// The numbers of a valid JSON text, as they are written.
fn numbers(json: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let mut escaped = false;
    json.split(move |c: char| {
        let was_quoted = quoted;
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        was_quoted || !(c.is_ascii_digit() || "+-.eE".contains(c))
    })
    .filter(|token| token.contains(|c: char| c.is_ascii_digit()))
}

/// Does a reader that knows 64-bit numbers get back what was written? A whole number is read as an integer; of any other, a
/// float must have all the digits, whatever zeros and exponent they are written with.
fn is_exact(number: &str) -> bool {
    if number.parse::<i64>().is_ok() || number.parse::<u64>().is_ok() {
        return true;
    }
    if !number.contains(['.', 'e', 'E']) {
        return false;
    }
    let kept = number.parse::<f64>().ok().filter(|kept| kept.is_finite());
    kept.is_some_and(|kept| {
        decimal(number).is_some_and(|written| decimal(&format!("{kept:e}")) == Some(written))
    })
}

/// A number's sign, its digits without zeros around them, and the power of ten of the last one; zero has none of them.
fn decimal(number: &str) -> Option<(bool, String, i64)> {
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{}{fraction}", whole.trim_start_matches('-'));
    let significant = digits.trim_end_matches('0');
    let zeros = i64::try_from(digits.len() - significant.len()).ok()?;
    let fraction = i64::try_from(fraction.len()).ok()?;
    let significant = significant.trim_start_matches('0').to_owned();
    if significant.is_empty() {
        return Some((false, significant, 0));
    }
    let power = exponent.parse::<i64>().ok()?.checked_sub(fraction)?.checked_add(zeros)?;
    Some((mantissa.starts_with('-'), significant, power))
}

#[cfg(test)]
mod tests {
    use super::*;
    use duyetbot_wire::NewSession;

    fn refused(json: &str) -> Problem {
        read::<NewSession>(json.as_bytes()).map(drop).unwrap_err().into_reason().problem
    }

    fn kept(json: &str) -> Result<String> {
        free_object(&RawValue::from_string(json.to_owned()).unwrap(), "metadata")
    }

    #[test]
    fn a_list_of_values_is_no_object_of_them() {
        let list = refused(" \n[null, \"a title\"]");
        assert_eq!((list.status, list.kind.as_str()), (422, "urn:duyetbot:invalid"));
        assert_eq!(refused("[null").status, 422);
        assert_eq!(refused("\"a title\"").status, 422);
        assert_eq!(refused("").status, 400);
    }

    #[test]
    fn all_unknown_fields_are_named() {
        assert_eq!(refused(r#"{"title":"a","x":1,"y":{"z":2}}"#).fields, ["x", "y"]);
    }

    #[test]
    fn depth_is_refused_before_it_is_parsed() {
        for depth in [65, 128, 100_000] {
            let nested = format!(r#"{{"x":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
            assert_eq!(
                (refused(&nested).status, refused(&nested).kind),
                (400, "urn:duyetbot:text_rule".to_owned())
            );
        }
    }

    #[test]
    fn a_nul_is_refused_with_its_field() {
        assert_eq!(refused(r#"{"title":"a\u0000"}"#).detail, "title holds a NUL character; leave it out");
        let inside = refused(r#"{"metadata":{"a":[{"b\u0000":1}]}}"#);
        assert_eq!(
            (inside.status, inside.detail.as_str()),
            (422, "metadata.a[0].b\u{fffd} holds a NUL character; leave it out")
        );
        assert!(read::<NewSession>(br#"{"title":"\\u0000"}"#).is_ok());
    }

    #[test]
    fn numbers_are_kept_exactly_or_refused() {
        let same = r#"{"a":9007199254740993,"b":18446744073709551615,"c":-5,"d":[0.1,1.5e300]}"#;
        assert_eq!(kept(same).unwrap(), same.replace("1.5e300", "1.5e+300"));
        assert_eq!(
            kept(r#"{"a":"1e400 \" 99999999999999999999"}"#).unwrap(),
            r#"{"a":"1e400 \" 99999999999999999999"}"#
        );
        for number in
            ["1e400", "99999999999999999999", "0.123456789012345678", "1e-400", "9007199254740993.0"]
        {
            assert!(kept(&format!(r#"{{"a":{number}}}"#)).is_err(), "{number}");
        }
        // What a program prints of a float has up to 17 digits.
        let floats =
            ["0.30000000000000004", "5e-324", "-1.7976931348623157E+308", "100.50", "-0.0", "6.02214076e23"];
        for number in floats {
            let back: f64 =
                kept(&format!(r#"{{"a":{number}}}"#)).unwrap()[5..].trim_end_matches('}').parse().unwrap();
            assert_eq!(back, number.parse::<f64>().unwrap(), "{number}");
        }
        assert!(kept("[1]").is_err());
    }
}
