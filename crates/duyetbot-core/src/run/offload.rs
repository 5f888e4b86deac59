//! Keeps rows small: the largest texts go to the blob store until the row fits.
use crate::{
    error::Result,
    limits::Limits,
    message::{Content, Part, Role},
    scope::Scope,
    store::BlobStore,
};

/// Bytes that a row's content may have.
pub const LARGEST_ROW: usize = 256 * 1024;
/// Bytes of a text that stay in the row as its head.
const HEAD: usize = 8 * 1024;

/// The content of these parts, small enough for a row: what an importer commits. Blobs are written before the commit that
/// names them, and no more of them than these limits allow.
pub async fn content(
    blobs: &(impl BlobStore + ?Sized),
    scope: &Scope,
    role: Role,
    parts: &[Part],
    limits: Limits,
) -> Result<Content> {
    let whole = Content::of(role, parts)?;
    if whole.stored().len() <= LARGEST_ROW {
        return Ok(whole);
    }
    let mut parts = parts.to_vec();
    let mut row = whole.clone();
    while row.stored().len() > LARGEST_ROW {
        let Some(largest) = parts.iter_mut().max_by_key(|p| movable(p)).filter(|p| movable(p) > HEAD) else {
            break;
        };
        let (text, blob) = match largest {
            Part::Text { text, blob } => (text, blob),
            Part::Tool(used) => (&mut used.result.output, &mut used.blob),
            _ => break,
        };
        *blob = Some(blobs.put_blob_within(scope, text.as_bytes(), limits).await?);
        text.truncate(text.floor_char_boundary(HEAD));
        row = whole.off_loaded(&parts)?;
    }
    Ok(row)
}

fn movable(part: &Part) -> usize {
    match part {
        Part::Text { text, blob: None } => text.len(),
        Part::Tool(used) if used.blob.is_none() => used.result.output.len(),
        _ => 0,
    }
}
