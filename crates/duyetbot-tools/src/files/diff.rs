//! What an edit changed, as a unified diff for the model and the person.
use similar::TextDiff;
use std::time::Duration;

/// Bytes of a diff that are shown.
const MOST_BYTES: usize = 16 * 1024;
/// How long a diff may be made more readable.
const PATIENCE: Duration = Duration::from_millis(300);

/// The unified diff of two versions of a file. Bytes that are no UTF-8 are shown as U+FFFD.
pub(crate) fn unified(name: &str, before: &[u8], after: &[u8]) -> String {
    let text = whole(name, before, after).replace("\r\n", "\n");
    if text.len() <= MOST_BYTES {
        return text;
    }
    let cut = text[..text.floor_char_boundary(MOST_BYTES)].rfind('\n').map_or(0, |at| at + 1);
    format!("{}[{} bytes more of the diff are not shown]\n", &text[..cut], text.len() - cut)
}

/// The same with nothing left out, and line ends as they are: what a person decides on.
pub(crate) fn whole(name: &str, before: &[u8], after: &[u8]) -> String {
    let (before, after) = (String::from_utf8_lossy(before), String::from_utf8_lossy(after));
    let diff = TextDiff::configure().timeout(PATIENCE).diff_lines(&*before, &*after);
    diff.unified_diff().context_radius(3).header(&format!("a/{name}"), &format!("b/{name}")).to_string()
}
