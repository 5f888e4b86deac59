//! Text as a person can check it: no character hides what stands there.

/// Whether a character has no shape of its own, moves the cursor, or changes the order of what stands beside it.
pub(crate) fn is_hidden(c: char) -> bool {
    match c {
        ' ' => false,
        c if c.is_control() || c.is_whitespace() => true,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{3164}' => {
            true
        }
        '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' => true,
        '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' => true,
        '\u{e0000}'..='\u{e0fff}' => true,
        _ => false,
    }
}

/// The text with what is hidden spelled out: line feeds and tabs too, so it is one line whatever it holds.
///
/// ```
/// assert_eq!(duyetbot_tools::rules::visible("ls\u{202e}\n"), "ls\\u{202e}\\n");
/// ```
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}
