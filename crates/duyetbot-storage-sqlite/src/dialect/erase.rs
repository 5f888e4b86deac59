//! Erasing: the session's row first, so that nobody sees or adds to it, then its messages a few at a time.
use super::owner;

/// Of the bin only what still lies there long enough: `before` is set where the sweep asks, and null where a person does.
const GUARD: &str = concat!(
    "insert into guard(refusal)
 select 'no_session' where not exists (
   select 1 from sessions where owner = ",
    owner!(),
    " and id = ?1->>'session' and (?1->>'before' is null or (deleted and deleted_at <= ?1->>'before')))
 and not exists (
   select 1 from tombstones where owner = ",
    owner!(),
    " and session = ?1->>'session' and pending = 1)"
);
const COUNT: &str = concat!(
    "update owners set base = seq, seq = seq + s.here, sessions = sessions - s.counted, bytes = bytes - s.held
 from (select count(*) here, coalesce(sum(not deleted), 0) counted, coalesce(sum(iif(deleted, 0, bytes)), 0) held
   from sessions where owner = ",
    owner!(),
    " and id = ?1->>'session') s
 where owners.id = ?1->>'owner'"
);
const TOMBSTONE: &str = "insert into tombstones(owner, session, at, seq, pending)
 select number, ?1->>'session', ?1->>'now', seq, 1 from owners where id = ?1->>'owner' and seq > base";
macro_rules! delete_of_session {
    ($table:literal, $column:literal) => {
        concat!("delete from ", $table, " where owner = ", owner!(), " and ", $column, " = ?1->>'session'")
    };
}
/// Answers the checkpoints of the session's runs.
pub(crate) const BEGIN: &[&str] = &[
    GUARD,
    COUNT,
    TOMBSTONE,
    delete_of_session!("sessions", "id"),
    concat!(delete_of_session!("runs", "session"), " returning checkpoint"),
    delete_of_session!("run_drafts", "session"),
    "update meta set erased = 1",
];

/// The next messages to erase, with what their index entries are made from.
pub(crate) const NEXT: &str = concat!(
    "select seq, role, pieces, indexed, context, parts from messages
 where owner = ",
    owner!(),
    " and session = ?1->>'session' order by seq limit 32"
);

/// The terms that the index itself holds of these messages: for entries that cannot be made again. Reads all of it.
pub(crate) const TERMS: &str = concat!(
    "select (doc >> 6) & 67108863, doc & 63, col, group_concat(term, ' ') from pieces_terms
 where doc >> 32 = ",
    owner!(),
    " and (doc >> 6) & 67108863 in (select value from json_each(?1, '$.seqs')) group by doc, col"
);

/// Erases messages. `?2` is an array of their index entries `[seq, piece, terms, context]`.
pub(crate) const CHUNK: &[&str] = &[
    "insert into pieces(pieces, rowid, t, c)
 select 'delete', (o.number << 32) | (m.seq << 6) | (p.value->>1), p.value->>2, p.value->>3
 from owners o, json_each(?2) p cross join messages m on m.owner = o.number and m.seq = p.value->>0
 where o.id = ?1->>'owner'",
    "update owners set pieces = pieces - (select coalesce(sum(m.pieces), 0) from json_each(?1, '$.seqs') j
   cross join messages m on m.owner = owners.number and m.seq = j.value)
 where id = ?1->>'owner'",
    concat!(
        "delete from messages where owner = ",
        owner!(),
        " and seq in (select value from json_each(?1, '$.seqs'))"
    ),
];

/// A run that has not ended names the blob, as an alias of `blobs`, in its checkpoint.
macro_rules! named_by_a_run {
    () => {
        "exists (select 1 from runs r where r.owner = b.owner and r.state in ('queued', 'running', 'waiting')
     and instr(r.checkpoint, b.hash) > 0)"
    };
}
/// `?2` is an array of hashes that only the session's runs may have named.
pub(crate) const END: &[&str] = &[
    concat!(
        "delete from blobs where rowid in (select b.rowid
   from (select hash from blob_uses where owner = ",
        owner!(),
        " and session = ?1->>'session' union select value from json_each(?2)) u
   cross join blobs b on b.owner = ",
        owner!(),
        " and b.hash = u.hash
   where not exists (select 1 from blob_uses x
       where x.owner = b.owner and x.hash = b.hash and x.session <> ?1->>'session')
     and not ",
        named_by_a_run!(),
        ")"
    ),
    delete_of_session!("blob_uses", "session"),
    concat!("update tombstones set pending = 0 where owner = ", owner!(), " and session = ?1->>'session'"),
];

/// What is to be erased of all owners: what was begun, then what lay in the bin long enough.
pub(crate) const DUE: &str = "select o.id, t.session, 0 from tombstones t join owners o on o.number = t.owner
 where t.pending = 1
 union all
 select * from (select o.id, s.id, 1 from sessions s join owners o on o.number = s.owner
   where s.deleted = 1 and s.deleted_at <= ?1->>'before' order by s.deleted_at limit 1000)";

/// Drops the blobs that nothing names.
pub(crate) const UNNAMED: &[&str] = &[concat!(
    "delete from blobs where rowid in (select b.rowid from blobs b
   where b.created <= ?1->>'unnamed'
     and not exists (select 1 from blob_uses u where u.owner = b.owner and u.hash = b.hash)
     and not ",
    named_by_a_run!(),
    ") returning 1"
)];
