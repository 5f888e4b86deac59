//! From the bytes of a page to text.
use encoding_rs::{Encoding, UTF_8};
use url::Url;

use super::html;
use crate::refusal::Refusal;

/// Bytes at a page's start in which it may name its encoding.
const HEAD: usize = 1024;

/// What a page holds.
pub(super) enum Page {
    /// Text, made readable.
    Text(String),
    /// Something else.
    Other { media_type: String, bytes: usize },
}

/// Reads a body as its media type says, or as it looks.
pub(super) async fn text_of(body: Vec<u8>, content_type: &str, base: &Url) -> Result<Page, Refusal> {
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let looks_like_html = || body.trim_ascii_start().first() == Some(&b'<');
    let is_html = match media_type.as_str() {
        "text/html" | "application/xhtml+xml" => true,
        "" => looks_like_html(),
        _ => false,
    };
    if !is_html && (!is_text(&media_type) || body.iter().take(HEAD).any(|byte| *byte == 0)) {
        let media_type = if media_type.is_empty() { "of an unknown type".to_owned() } else { media_type };
        return Ok(Page::Other { media_type, bytes: body.len() });
    }
    let (text, _, _) = encoding_of(&body, content_type, is_html).decode(&body);
    if !is_html {
        return Ok(Page::Text(text.into_owned()));
    }
    readable(text.into_owned(), base.clone()).await.map(Page::Text)
}

fn is_text(media_type: &str) -> bool {
    let (kind, name) = media_type.split_once('/').unwrap_or(("text", ""));
    let textual = ["json", "xml", "javascript", "yaml", "toml"];
    kind == "text" || kind == "application" && textual.iter().any(|word| name.contains(word))
}

fn encoding_of(body: &[u8], content_type: &str, is_html: bool) -> &'static Encoding {
    let label = |text: &str| {
        let (_, after) = text.split_once("charset=")?;
        let after = after.trim_start_matches(['"', '\'', ' ']);
        let end = after.find(['"', '\'', ';', ' ', '>', '/']).unwrap_or(after.len());
        Encoding::for_label(&after.as_bytes()[..end])
    };
    let named_inside = || {
        let head = String::from_utf8_lossy(&body[..body.len().min(HEAD)]).to_ascii_lowercase();
        label(&head).filter(|_| is_html)
    };
    label(&content_type.to_ascii_lowercase()).or_else(named_inside).unwrap_or(UTF_8)
}

/// The text of HTML, beside the executor: a page may take long on purpose.
#[cfg(unix)]
async fn readable(html: String, base: Url) -> Result<String, Refusal> {
    let limit = std::time::Duration::from_secs(5);
    crate::workspace::blocking(limit, move |stop| Ok(html::text_of(&html, &base, || !stop.is_asked()))).await
}

#[cfg(not(unix))]
async fn readable(html: String, base: Url) -> Result<String, Refusal> {
    Ok(html::text_of(&html, &base, || true))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn text(body: &[u8], content_type: &str) -> Option<String> {
        match text_of(body.to_vec(), content_type, &Url::parse("http://example.org/").unwrap()).await.unwrap()
        {
            Page::Text(text) => Some(text),
            Page::Other { .. } => None,
        }
    }

    #[tokio::test]
    async fn encodings_are_read_where_they_are_named() {
        assert_eq!(text(b"caf\xe9", "text/plain; charset=ISO-8859-1").await.as_deref(), Some("café"));
        let html = b"<meta charset=\"windows-1252\"><p>caf\xe9</p>";
        assert_eq!(text(html, "text/html").await.as_deref(), Some("café"));
        assert_eq!(text("長".as_bytes(), "").await.as_deref(), Some("長"));
        assert_eq!(text(b"{\"a\":1}", "application/ld+json").await.as_deref(), Some("{\"a\":1}"));
    }

    #[tokio::test]
    async fn what_is_no_text_is_told() {
        for (body, content_type) in
            [(&b"%PDF"[..], "application/pdf"), (b"\0\0", ""), (b"x", "image/png"), (b"a\0", "text/plain")]
        {
            assert_eq!(text(body, content_type).await, None, "{content_type}");
        }
    }
}
