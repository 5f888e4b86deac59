//! Large payloads by owner and hash.
use super::{commit::OWNER, owner};

/// The bytes are counted by the table's own triggers. `?2` is the bytes. The same again count as put now, so that no sweep takes them from who is about to name them.
pub(crate) const PUT: &[&str] = &[
    concat!(
        "insert into guard(refusal) select g.refusal from (select case
   when exists (select 1 from erased_users where id = ?1->>'owner') then 'user_erased'
   when exists (select 1 from blobs where owner = ",
        owner!(),
        " and hash = ?1->>'hash') then null
   when coalesce((select o.bytes + o.blobs from owners o where o.id = ?1->>'owner'), 0) + (?1->>'size') > ?1->>'limit'
     then 'storage_limit'
   end refusal) g where g.refusal is not null"
    ),
    OWNER,
    "insert into blobs(owner, hash, created, bytes)
 select number, ?1->>'hash', ?1->>'now', ?2 from owners where id = ?1->>'owner'
 on conflict(owner, hash) do update set created = excluded.created",
];

pub(crate) const GET: &str =
    concat!("select bytes from blobs where owner = ", owner!(), " and hash = ?1->>'hash'");
