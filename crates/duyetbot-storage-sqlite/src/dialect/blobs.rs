//! Large payloads by owner and hash.
use super::{commit::OWNER, owner};

/// `?2` is the bytes. The same again count as put now, so that no sweep takes them from who is about to name them.
pub(crate) const PUT: &[&str] = &[
    OWNER,
    "insert into blobs(owner, hash, created, bytes)
 select number, ?1->>'hash', ?1->>'now', ?2 from owners where id = ?1->>'owner'
 on conflict(owner, hash) do update set created = excluded.created",
];

pub(crate) const GET: &str =
    concat!("select bytes from blobs where owner = ", owner!(), " and hash = ?1->>'hash'");
