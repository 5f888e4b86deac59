//! Pictures that a message names by their paths.
use duyetbot_core::{BlobStore, Part, Result, Scope};
use std::path::{Path, PathBuf};

/// Bytes of a picture at most: what providers take.
const LARGEST: u64 = 20 * 1024 * 1024;
/// Pictures of one message at most.
const MOST: usize = 20;

/// A picture on the disk.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Picture {
    name: String,
    media_type: &'static str,
    bytes: Vec<u8>,
}

/// The pictures that the text names. Whatever is no picture is words.
pub(crate) fn pictures(text: &str, folder: &Path, home: Option<&Path>) -> Vec<Picture> {
    let mut paths: Vec<PathBuf> = words(text).iter().filter_map(|word| path_of(word, folder, home)).collect();
    let mut seen = std::collections::BTreeSet::new();
    paths.retain(|path| seen.insert(path.clone()));
    paths.iter().filter_map(|path| picture(path)).take(MOST).collect()
}

/// Puts them into the store.
pub(crate) async fn parts(store: &dyn BlobStore, scope: &Scope, pictures: Vec<Picture>) -> Result<Vec<Part>> {
    let mut parts = Vec::with_capacity(pictures.len());
    for picture in pictures {
        let blob = store.put_blob(scope, &picture.bytes).await?;
        let media_type = picture.media_type.to_owned();
        parts.push(Part::Image { media_type, name: Some(picture.name), blob });
    }
    Ok(parts)
}

fn path_of(word: &str, folder: &Path, home: Option<&Path>) -> Option<PathBuf> {
    let word = word.strip_prefix('@').unwrap_or(word);
    let word =
        word.strip_prefix("file://").unwrap_or(word).trim_end_matches([',', '.', ';', ':', ')', '!', '?']);
    let ending = word.rsplit_once('.')?.1.to_ascii_lowercase();
    if !matches!(ending.as_str(), "png" | "jpg" | "jpeg" | "gif" | "webp") {
        return None;
    }
    match (word.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => Some(home.join(rest)),
        _ => Some(folder.join(word)),
    }
}

fn picture(path: &Path) -> Option<Picture> {
    let found = std::fs::metadata(path).ok()?;
    if !found.is_file() || found.len() > LARGEST {
        return None;
    }
    let bytes = std::fs::read(path).ok()?;
    let media_type = media_type(&bytes)?;
    let name = path.file_name()?.to_string_lossy().into_owned();
    Some(Picture { name, media_type, bytes })
}

/// What the first bytes say, whatever the name says.
fn media_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

/// The words of a text as a shell cuts them, for terminals quote the paths that are dropped on them.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let Some(word) = words.last_mut() else { break };
        match (c, quote) {
            ('\\', None) => word.extend(chars.next()),
            ('\\', Some('"')) => word.push(chars.next_if(|c| matches!(c, '"' | '\\')).unwrap_or('\\')),
            ('"' | '\'', None) if word.is_empty() || word == "@" => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            (c, None) if c.is_whitespace() => words.push(String::new()),
            (c, _) => word.push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::complete::mention;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_name_that_was_completed_is_read_as_it_is(name in "[a '\"\\\\@/.é]{1,12}") {
            let words = words(&format!("see {}and more", mention(&name)));
            prop_assert_eq!(words, ["see".to_owned(), format!("@{name}"), "and".to_owned(), "more".to_owned()]);
        }
    }

    #[test]
    fn pictures_are_found_by_every_way_to_write_their_paths() {
        let folder = tempfile::tempdir().unwrap();
        let png = b"\x89PNG\r\n\x1a\n".to_vec();
        for name in ["a.png", "my shot.PNG", "no.png", "b.txt"] {
            let bytes: &[u8] = if name == "no.png" { b"text" } else { &png };
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        let found = |text: &str| -> Vec<String> {
            pictures(text, folder.path(), Some(folder.path())).into_iter().map(|p| p.name).collect()
        };
        assert_eq!(found("look at a.png, then ./a.png"), ["a.png"]);
        assert_eq!(found("'my shot.PNG' and my\\ shot.PNG"), ["my shot.PNG"]);
        assert_eq!(found("@a.png @\"my shot.PNG\""), ["a.png", "my shot.PNG"]);
        assert_eq!(found("~/a.png"), ["a.png"]);
        assert_eq!(found("no.png b.txt missing.png don't"), Vec::<String>::new());
        let absolute = folder.path().join("a.png");
        assert_eq!(found(&format!("see {}", absolute.display())), ["a.png"]);
    }
}
