//! Sessions and messages: fields, lists, paths, the feed.
use super::{message_columns, owner, session_columns};

pub(crate) const SESSION: &str = concat!(
    "select ",
    session_columns!(),
    " from sessions s where s.owner = ",
    owner!(),
    " and s.id = ?1->>'session'"
);

/// The page of a list that begins below `(updated, id)`.
macro_rules! page {
    ($where:literal) => {
        concat!(
            "select ",
            session_columns!(),
            " from sessions s where s.owner = ",
            owner!(),
            $where,
            " and s.deleted = ?1->>'deleted' and (s.updated, s.id) < (?1->>'updated', ?1->>'id')
   and s.state in (select value from json_each(?1, '$.states'))
   and (?1->>'title' is null or instr(s.title_folded, ?1->>'title') > 0)
 order by s.updated desc, s.id desc limit ?1->>'limit'"
        )
    };
}
pub(crate) const LIST: &str = page!("");
pub(crate) const LIST_AT: &str = page!(" and s.place = ?1->>'place'");

/// `'~'` sorts behind every character of an id.
pub(crate) const BY_PREFIX: &str = concat!(
    "select ",
    session_columns!(),
    " from sessions s where s.owner = ",
    owner!(),
    " and s.id >= ?1->>'prefix' and s.id < (?1->>'prefix') || '~' order by s.id limit 2"
);

pub(crate) const MESSAGE: &str = concat!(
    "select ",
    message_columns!(),
    " from messages m where m.owner = ",
    owner!(),
    " and m.id = ?1->>'message' and m.session = ?1->>'session'
   and exists (select 1 from sessions s where s.owner = m.owner and s.id = m.session)"
);

/// From the tip backwards. Only keys go through the recursion; the rows are read once, at its end.
pub(crate) const PATH: &str = concat!(
    "with recursive
 s as (select owner, id, head from sessions where owner = ",
    owner!(),
    " and id = ?1->>'session'),
 p(owner, row, parent, n) as (
   select m.owner, m.rowid, m.parent, 1 from s
   cross join messages m on m.owner = s.owner and m.id = coalesce(?1->>'tip', s.head) and m.session = s.id
   union all
   select m.owner, m.rowid, m.parent, p.n + 1 from p
   cross join messages m on m.owner = p.owner and m.id = p.parent where p.n < ?1->>'limit')
 select ",
    message_columns!(),
    " from p cross join messages m on m.rowid = p.row order by p.n desc"
);

pub(crate) const MESSAGES: &str = concat!(
    "select ",
    message_columns!(),
    " from messages m where m.owner = ",
    owner!(),
    " and m.session = ?1->>'session' and m.seq > ?1->>'after'
   and exists (select 1 from sessions s where s.owner = m.owner and s.id = m.session)
 order by m.seq limit ?1->>'limit'"
);

pub(crate) const MESSAGES_AT: &str = concat!(
    "select ",
    message_columns!(),
    " from (select distinct value from json_each(?1, '$.seqs')) j
 cross join messages m on m.owner = ",
    owner!(),
    " and m.seq = j.value
 cross join sessions s on s.owner = m.owner and s.id = m.session and s.deleted = 0"
);

pub(crate) const COUNTERS: &str =
    "select seq, sessions, bytes, blobs, pieces from owners where id = ?1->>'owner'";

/// The next places of the feed that a row holds.
pub(crate) const PLACES: &str = concat!(
    "with o as (select ",
    owner!(),
    " number)
 select seq from (
   select * from (select m.seq from o cross join messages m on m.owner = o.number and m.seq > ?1->>'after'
     where exists (select 1 from sessions s where s.owner = m.owner and s.id = m.session)
     order by m.seq limit ?1->>'limit')
   union
   select * from (select s.seq from o cross join sessions s on s.owner = o.number and s.seq > ?1->>'after'
     order by s.seq limit ?1->>'limit'))
 order by seq limit ?1->>'limit'"
);

pub(crate) const CHANGED_MESSAGES: &str = concat!(
    "select ",
    message_columns!(),
    " from messages m where m.owner = ",
    owner!(),
    " and m.seq > ?1->>'after' and m.seq <= ?1->>'until'
   and exists (select 1 from sessions s where s.owner = m.owner and s.id = m.session)
 order by m.seq"
);

/// The sessions whose row changed, and those of the messages.
pub(crate) const CHANGED_SESSIONS: &str = concat!(
    "select ",
    session_columns!(),
    " from (
   select id from sessions where owner = ",
    owner!(),
    " and seq > ?1->>'after' and seq <= ?1->>'until'
   union
   select session from messages where owner = ",
    owner!(),
    " and seq > ?1->>'after' and seq <= ?1->>'until') c
 cross join sessions s on s.owner = ",
    owner!(),
    " and s.id = c.id order by s.seq"
);

const SET_GUARD: &str = "insert into guard(refusal)
 with
 o as (select number from owners where id = ?1->>'owner'),
 g as (select case
   when not exists (select 1 from sessions where owner = (select number from o) and id = ?1->>'session')
     then 'no_session'
   when ?1->>'head' is not null and not exists (select 1 from messages
       where owner = (select number from o) and id = ?1->>'head' and session = ?1->>'session')
     then 'head_missing'
   end refusal)
 select refusal from g where refusal is not null";

/// A field's value with its stamp, and the session's last change: now.
macro_rules! stamped {
    ($field:literal) => {
        concat!(
            $field,
            " = ?1->>'value', ",
            $field,
            "_at = max(?1->>'now', ",
            $field,
            "_at + 1), ",
            $field,
            "_by = ?1->>'device', updated = ?1->>'now'"
        )
    };
}
/// The list that sets one field. The same value again takes no place in the feed, and so changes nothing.
macro_rules! set_field {
    ($field:literal, $sessions:literal, $bytes:literal, $to:expr) => {
        &[
            SET_GUARD,
            concat!(
                "update owners set
   base = seq,
   seq = seq + c.changes,
   sessions = sessions + c.changes * ",
                $sessions,
                ",
   bytes = bytes + c.changes * ",
                $bytes,
                "
 from (select ",
                $field,
                " is not ?1->>'value' changes, bytes held from sessions
   where owner = ",
                owner!(),
                " and id = ?1->>'session') c
 where owners.id = ?1->>'owner'"
            ),
            concat!(
                "update sessions set ",
                $to,
                ", seq = o.seq,
   version = json_set(version, '$.\"' || (?1->>'device') || '\"',
     coalesce(version->>('$.\"' || (?1->>'device') || '\"'), 0) + 1)
 from owners o
 where o.id = ?1->>'owner' and o.seq > o.base and sessions.owner = o.number and sessions.id = ?1->>'session'"
            ),
            SESSION,
        ]
    };
}
pub(crate) const SET_TITLE: &[&str] =
    set_field!("title", "0", "0", concat!(stamped!("title"), ", title_folded = ?1->>'folded'"));
pub(crate) const SET_STATE: &[&str] = set_field!("state", "0", "0", stamped!("state"));
pub(crate) const SET_HEAD: &[&str] = set_field!("head", "0", "0", stamped!("head"));
pub(crate) const SET_METADATA: &[&str] = set_field!("metadata", "0", "0", stamped!("metadata"));
pub(crate) const SET_UPDATED: &[&str] = set_field!("updated", "0", "0", "updated = ?1->>'value'");
pub(crate) const SET_DELETED: &[&str] = set_field!(
    "deleted",
    "iif(?1->>'value', -1, 1)",
    "iif(?1->>'value', -c.held, c.held)",
    stamped!("deleted")
);
