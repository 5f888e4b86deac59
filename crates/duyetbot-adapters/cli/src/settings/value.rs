//! A setting's value: read from text or TOML, compared, shown.
use duyetbot::tools::rules::Rule;
use std::fmt;

use super::keys::Kind;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// Words.
    Text(String),
    /// A list of words.
    Texts(Vec<String>),
    /// A whole number.
    Number(u64),
    /// A number.
    Amount(f64),
    /// On or off.
    Switch(bool),
}

impl Value {
    /// Reads a value as it stands in a variable or on the command line.
    pub(crate) fn parse(kind: Kind, text: &str) -> Result<Value, String> {
        let wrong = || format!("{text:?} is not {}", kind.words());
        match kind {
            Kind::Text => Ok(Value::Text(text.to_owned())),
            Kind::Texts => {
                let texts = text.split(',').map(str::trim).filter(|t| !t.is_empty());
                Ok(Value::Texts(texts.map(str::to_owned).collect()))
            }
            Kind::Rules => Ok(Value::Texts(split_rules(text))),
            // A file's numbers are signed.
            Kind::Number => match text.trim().parse::<i64>().map(u64::try_from) {
                Ok(Ok(n)) => Ok(Value::Number(n)),
                _ => Err(wrong()),
            },
            Kind::Amount => match text.trim().parse::<f64>() {
                Ok(n) if n.is_finite() && n >= 0.0 => Ok(Value::Amount(n)),
                _ => Err(wrong()),
            },
            Kind::Switch => match text.trim() {
                "true" | "1" | "on" | "yes" => Ok(Value::Switch(true)),
                "false" | "0" | "off" | "no" => Ok(Value::Switch(false)),
                _ => Err(wrong()),
            },
        }
    }

    /// Reads a value as it stands in a file.
    pub(crate) fn of(kind: Kind, value: &toml_edit::Item) -> Result<Value, String> {
        let wrong = || format!("must be {}", kind.words());
        match kind {
            Kind::Text => value.as_str().map(|s| Value::Text(s.to_owned())).ok_or_else(wrong),
            Kind::Texts | Kind::Rules => {
                let items = value.as_array().ok_or_else(wrong)?;
                let texts = items.iter().map(|v| v.as_str().map(str::to_owned));
                texts.collect::<Option<Vec<_>>>().map(Value::Texts).ok_or_else(wrong)
            }
            Kind::Number => {
                value.as_integer().and_then(|n| u64::try_from(n).ok()).map(Value::Number).ok_or_else(wrong)
            }
            Kind::Amount => {
                let amount = value.as_float().or_else(|| value.as_integer().map(|n| n as f64));
                amount.filter(|n| n.is_finite() && *n >= 0.0).map(Value::Amount).ok_or_else(wrong)
            }
            Kind::Switch => value.as_bool().map(Value::Switch).ok_or_else(wrong),
        }
    }

    /// In the form of a file.
    pub(crate) fn written(&self) -> toml_edit::Value {
        match self {
            Value::Text(text) => text.as_str().into(),
            Value::Texts(texts) => texts.iter().map(String::as_str).collect::<toml_edit::Array>().into(),
            Value::Number(n) => i64::try_from(*n).unwrap_or(i64::MAX).into(),
            Value::Amount(n) => (*n).into(),
            Value::Switch(on) => (*on).into(),
        }
    }

    /// An empty text says nothing, in a file as in a variable.
    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Value::Text(text) if text.is_empty())
    }

    /// The narrower of two; 0 is no limit.
    pub(crate) fn narrower(&self, other: &Value) -> Value {
        match (self, other) {
            (Value::Number(0), other) | (other, Value::Number(0)) => other.clone(),
            (Value::Number(a), Value::Number(b)) => Value::Number(*a.min(b)),
            (Value::Amount(a), other) | (other, Value::Amount(a)) if *a == 0.0 => other.clone(),
            (Value::Amount(a), Value::Amount(b)) => Value::Amount(a.min(*b)),
            (Value::Switch(a), Value::Switch(b)) => Value::Switch(*a && *b),
            (mine, _) => mine.clone(),
        }
    }
}

/// The rules of a text, separated by commas. A comma within a pattern belongs to its rule.
fn split_rules(text: &str) -> Vec<String> {
    let mut rules = Vec::new();
    let mut open = String::new();
    for piece in text.split(',') {
        if !open.is_empty() {
            open.push(',');
        }
        open.push_str(piece);
        if open.trim().parse::<Rule>().is_ok() {
            rules.push(std::mem::take(&mut open).trim().to_owned());
        }
    }
    // What is no rule stays whole, to be named as such.
    rules.extend(Some(open.trim().to_owned()).filter(|rest| !rest.is_empty()));
    rules
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Text(text) => f.write_str(text),
            Value::Texts(texts) => f.write_str(&texts.join(",")),
            Value::Number(n) => write!(f, "{n}"),
            Value::Amount(n) => write!(f, "{n}"),
            Value::Switch(on) => write!(f, "{on}"),
        }
    }
}

impl Kind {
    /// What it is, in words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Kind::Text => "a text",
            Kind::Texts => "a list of texts",
            Kind::Rules => "a list of rules",
            Kind::Number => "a whole number, 0 or more",
            Kind::Amount => "a number, 0 or more",
            Kind::Switch => "true or false",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comma_within_a_rule_does_not_end_it() {
        let rules = |text| Value::parse(Kind::Rules, text).unwrap();
        let texts = |texts: &[&str]| Value::Texts(texts.iter().map(|t| (*t).to_owned()).collect());
        assert_eq!(rules("read, bash(git status:*)"), texts(&["read", "bash(git status:*)"]));
        assert_eq!(rules("bash(echo a,b),edit({a,b}/**)"), texts(&["bash(echo a,b)", "edit({a,b}/**)"]));
        assert_eq!(rules("bash(echo ')',x)"), texts(&["bash(echo ')',x)"]));
        assert_eq!(rules("read,bash(x"), texts(&["read", "bash(x"]));
    }

    #[test]
    fn a_project_only_narrows_and_zero_is_no_limit() {
        let n = Value::Number;
        assert_eq!(n(10).narrower(&n(5)), n(5));
        assert_eq!(n(5).narrower(&n(10)), n(5));
        assert_eq!(n(5).narrower(&n(0)), n(5));
        assert_eq!(n(0).narrower(&n(5)), n(5));
        assert_eq!(Value::Amount(0.0).narrower(&Value::Amount(2.0)), Value::Amount(2.0));
        assert_eq!(Value::Switch(false).narrower(&Value::Switch(true)), Value::Switch(false));
    }
}
