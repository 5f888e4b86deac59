//! Names of files as a model sees and writes them: any bytes, shown so that a name cannot look like two, and read back.
use std::{
    ffi::{OsStr, OsString},
    fmt::Write,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Component, Path, PathBuf},
};

/// A path as it is shown: what is no printable character, a backslash, a space at a name's ends and the arrow of a link
/// stand as escapes that [`written`] reads.
///
/// Everything else stands as it is: brackets, quotes, spaces, a leading dash.
pub(crate) fn shown(path: &Path) -> String {
    let mut out = String::new();
    for component in path.components().filter(|c| *c != Component::CurDir) {
        if !out.is_empty() && !out.ends_with('/') {
            out.push('/');
        }
        show_name(component.as_os_str(), &mut out);
    }
    if out.is_empty() { ".".to_owned() } else { out }
}

fn show_name(name: &OsStr, out: &mut String) {
    let bytes = name.as_bytes();
    let start = out.len();
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '>' if out.ends_with(" -") => out.push_str("\\x3e"),
                c if c.is_control() || is_unseen(c) => {
                    // Writing to a string does not fail.
                    let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
                }
                c => out.push(c),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    if out.ends_with(' ') && out.len() > start {
        out.truncate(out.len() - 1);
        out.push_str("\\x20");
    }
    if out[start..].starts_with(' ') {
        out.replace_range(start..=start, "\\x20");
    }
}

/// Has no shape of its own, or changes the order of what stands beside it.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The path that [`shown`] shows so; none where nothing in the text is an escape, or something is no escape of ours.
pub(crate) fn written(text: &str) -> Option<PathBuf> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    let mut any = false;
    while let Some((plain, after)) = rest.split_once('\\') {
        any = true;
        bytes.extend_from_slice(plain.as_bytes());
        let kind = after.chars().next()?;
        let after = &after[kind.len_utf8()..];
        rest = match kind {
            '\\' => push(&mut bytes, b'\\', after),
            'n' => push(&mut bytes, b'\n', after),
            'r' => push(&mut bytes, b'\r', after),
            't' => push(&mut bytes, b'\t', after),
            'x' => {
                let byte = u8::from_str_radix(after.get(..2)?, 16).ok()?;
                push(&mut bytes, byte, &after[2..])
            }
            'u' => {
                let (digits, after) = after.strip_prefix('{')?.split_once('}')?;
                let c = char::from_u32(u32::from_str_radix(digits, 16).ok()?)?;
                bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                after
            }
            _ => return None,
        };
    }
    bytes.extend_from_slice(rest.as_bytes());
    any.then(|| PathBuf::from(OsString::from_vec(bytes)))
}

fn push<'a>(bytes: &mut Vec<u8>, byte: u8, rest: &'a str) -> &'a str {
    bytes.push(byte);
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(bytes: &[u8]) -> PathBuf {
        PathBuf::from(OsStr::from_bytes(bytes))
    }

    #[test]
    fn ordinary_names_are_shown_as_they_are() {
        for name in [
            "app/[id]/(auth)/page.tsx",
            "a b/c.txt",
            "-n.txt",
            "{x}.txt",
            "~tilde.txt",
            "e\u{301}.txt",
            "長.md",
            "star*",
        ] {
            assert_eq!(shown(Path::new(name)), name);
            assert_eq!(written(name), None);
        }
        assert_eq!(shown(Path::new("")), ".");
        assert_eq!(shown(Path::new("./a")), "a");
    }

    #[test]
    fn odd_names_are_shown_on_one_line_and_read_back() {
        for (name, as_shown) in [
            (&b"new\nline.txt"[..], "new\\nline.txt"),
            (b"d\xff/x\xe9.txt", "d\\xff/x\\xe9.txt"),
            (b"back\\nslash", "back\\\\nslash"),
            (b" both ", "\\x20both\\x20"),
            (b" ", "\\x20"),
            (b"a -> b", "a -\\x3e b"),
            (b"\x1b[2J", "\\u{1b}[2J"),
            ("\u{202e}txt.exe".as_bytes(), "\\u{202e}txt.exe"),
        ] {
            assert_eq!(shown(&path(name)), as_shown);
            assert_eq!(written(as_shown), Some(path(name)));
        }
    }

    #[test]
    fn what_is_no_escape_of_ours_is_not_read_as_one() {
        for text in ["a\\b", "\\", "\\x", "\\xg0", "\\u{110000}", "\\u{41", "\\x€"] {
            assert_eq!(written(text), None, "{text}");
        }
    }
}
