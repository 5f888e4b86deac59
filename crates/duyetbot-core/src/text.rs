//! The text rule, one for all backends: valid Unicode, no NUL, JSON at most 64 deep. What a person sends is refused where it
//! breaks the rule; what a model or a tool sends is mended.
use std::borrow::Cow;

use crate::error::{Code, Error, Result};

/// How deep JSON may be nested.
pub const DEEPEST: usize = 64;

/// Refuses text that breaks the rule; `field` names it.
pub fn check(text: &str, field: &str) -> Result<()> {
    match text.find('\0') {
        None => Ok(()),
        Some(at) => Err(Error::invalid(format!("{field} holds a NUL character at byte {at}; leave it out"))
            .with_code(Code::TextRule)),
    }
}

/// The text with U+FFFD in the place of what breaks the rule.
pub fn mend(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

/// Bytes as text, with U+FFFD in the place of what is not UTF-8 and of NUL.
pub fn from_bytes(bytes: &[u8]) -> Cow<'_, str> {
    match String::from_utf8_lossy(bytes) {
        Cow::Borrowed(text) => mend(text),
        Cow::Owned(text) => Cow::Owned(mend(&text).into_owned()),
    }
}

/// JSON text with U+FFFD in the place of half surrogates and NUL, whether as escapes or as they are. Nothing else changes:
/// numbers, keys and white space stay as they were written.
///
/// ```
/// let mended = duyetbot_core::text::mend_json(r#"{"a":"\ud83d!","b":1.50}"#);
/// assert_eq!(mended, r#"{"a":"\ufffd!","b":1.50}"#);
/// ```
pub fn mend_json(json: &str) -> Cow<'_, str> {
    let text = mend(json);
    if !text.contains("\\u") {
        return text;
    }
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let (mut at, mut kept) = (0, 0);
    while at < bytes.len() {
        if bytes[at] != b'\\' {
            at += 1;
            continue;
        }
        match escape(bytes, at) {
            Some(0xd800..=0xdbff) if matches!(escape(bytes, at + 6), Some(0xdc00..=0xdfff)) => at += 12,
            Some(0xd800..=0xdfff | 0) => {
                out.push_str(&text[kept..at]);
                out.push_str("\\ufffd");
                at += 6;
                kept = at;
            }
            Some(_) => at += 6,
            None => at += 2,
        }
    }
    if kept == 0 {
        return text;
    }
    out.push_str(&text[kept..]);
    Cow::Owned(out)
}

/// The code unit of the escape that begins here, where one does.
fn escape(bytes: &[u8], at: usize) -> Option<u32> {
    let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
    digits.iter().try_fold(0, |unit, digit| Some(unit * 16 + char::from(*digit).to_digit(16)?))
}

/// How deep JSON text is nested.
pub fn depth(json: &str) -> usize {
    let (mut depth, mut deepest, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_surrogates_and_nul_are_mended_and_pairs_stay() {
        let mended = |json: &str| mend_json(json).into_owned();
        assert_eq!(
            mended(r#""\ud83d\ude00 \uDC00 \u0000 \\u0000 \u00e9""#),
            r#""\ud83d\ude00 \ufffd \ufffd \\u0000 \u00e9""#
        );
        assert_eq!(mended("\"a\0b\""), "\"a\u{fffd}b\"");
        assert_eq!(mended(r#""\ud83d"#), r#""\ufffd"#);
        assert_eq!(mended(r#""\u12"#), r#""\u12"#);
    }

    #[test]
    fn bytes_of_any_kind_become_text() {
        assert_eq!(from_bytes("a\u{2028}é".as_bytes()), "a\u{2028}é");
        assert_eq!(from_bytes(b"a\0\xff\xed\xa0\x80b"), "a\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}b");
    }

    #[test]
    fn a_nul_is_refused_with_its_field() {
        assert!(check("fine \u{feff}\u{2028}", "title").is_ok());
        assert!(check("a\0", "title").unwrap_err().message().starts_with("title "));
    }

    #[test]
    fn depth_counts_brackets_outside_strings() {
        assert_eq!(depth(r#"{"a":[{"b":"[[[\"[["}]}"#), 3);
        assert_eq!(depth("1"), 0);
    }
}
