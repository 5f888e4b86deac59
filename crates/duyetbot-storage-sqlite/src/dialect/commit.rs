//! A commit as a list of statements.
//!
//! `?1` is what the preconditions need, `?2` an array of the messages' parts as text, `?3` an array of index entries
//! `[message, piece, terms, context]`, `?4` the run's checkpoint, `?5` an array of `[hash, message]` for blobs.
//!
//! These run for every message that is said, so they are written for what SQLite makes of them. A table that it holds aside
//! costs as much as all else of a statement: a part that is named twice in `with`, `update … from` and a list of more than
//! two in `in` each make one. So parts stand where they are used, and an update takes its values from one row.
use super::owner;

/// Makes the owner's row where there is none.
pub(crate) const OWNER: &str = "insert into owners(id) select ?1->>'owner'
 where not exists (select 1 from owners where id = ?1->>'owner')";

/// Whether all of a commit was there before: `f` is what its messages are, `s` its session and `r` its run.
macro_rules! again {
    () => {
        "case
       when f.n > 0 then f.fresh = 0 and not f.differs
       when ?1->>'step' is not null then ?1->>'ended' and r.state is ?1->>'state'
       else s.id is not null end"
    };
}

/// Refuses the commit by the name of the first precondition that does not hold. The order is that of
/// `SessionStore::commit`; what is being erased counts as erased, so that messages which still lie there make no repeat.
pub(crate) const GUARD: &str = concat!(
    "insert into guard(refusal)
 select g.refusal from (
   select case
     when ?1->>'step' is not null and (r.epoch is not ?1->>'epoch' or (r.state <> 'running' and not ",
    again!(),
    ")) then 'stale_epoch'
     when f.differs then 'content_differs'
     when exists (select 1 from erased_users where id = ?1->>'owner') then 'user_erased'
     when exists (select 1 from tombstones where owner = o.number and session = ?1->>'session') then 'erased'
     when ",
    again!(),
    " then null
     when s.id is null and ?1->>'create' is null then 'no_session'
     when ?1->>'step' is null and coalesce(s.deleted, 1) and o.sessions >= ?1->>'most_sessions' then 'session_limit'
     when ?1->>'step' is null and coalesce(s.messages, 0) + f.fresh > ?1->>'most_messages' then 'message_limit'
     when ?1->>'step' is null and o.bytes + o.blobs + f.bytes + iif(s.deleted, s.bytes, 0) > ?1->>'most_bytes'
       then 'storage_limit'
     when ?1->>'open' is not null and s.run <> ?1->>'open' then 'run_active'
     when f.orphan then 'parent_missing'
   end refusal
   from (
     select count(*) n,
       count(*) filter (where old.id is null) fresh,
       coalesce(sum(j.value->>'size') filter (where old.id is null), 0) bytes,
       coalesce(max(old.hash <> j.value->>'hash' or old.session <> ?1->>'session'), 0) differs,
       max(case when old.id is null and j.value->>'outside' is not null then not exists (
         select 1 from messages p where p.owner = ",
    owner!(),
    " and p.id = j.value->>'outside' and p.session = ?1->>'session') end) orphan
     from json_each(?1, '$.messages') j
     left join messages old on old.owner = ",
    owner!(),
    " and old.id = j.value->>'id') f
   left join owners o on o.id = ?1->>'owner'
   left join sessions s on s.owner = o.number and s.id = ?1->>'session'
   left join runs r on r.owner = o.number and r.session = ?1->>'session' and r.message = ?1->>'step') g
 where g.refusal is not null"
);

/// Makes the session where it is not there.
pub(crate) const SESSION: &str = "insert into sessions(owner, id, state_at, state_by, title, title_at, title_by, title_folded,
   head_at, head_by, metadata, metadata_at, metadata_by, deleted_at, deleted_by, parent, place, created, updated, seq)
 select o.number, ?1->>'session', ?1->>'now', ?1->>'device', ?1->>'title', ?1->>'now', ?1->>'device', ?1->>'folded',
   ?1->>'now', ?1->>'device', ?1->>'metadata', ?1->>'now', ?1->>'device', ?1->>'now', ?1->>'device', ?1->>'parent',
   ?1->>'place', ?1->>'created', ?1->>'now', o.seq + 1
 from owners o where o.id = ?1->>'owner' on conflict(owner, id) do nothing";

/// Stores the messages that are new, in their order.
pub(crate) const MESSAGES: &str = concat!(
    "insert into messages(owner, id, session, parent, role, cut, hash, size, origin, model, usage, created, seq, pieces,
   indexed, context, parts)
 select o.number, f.body->>'id', ?1->>'session',
   iif(f.body->>'under_head',
     (select head from sessions where owner = o.number and id = ?1->>'session'), f.body->>'parent'),
   f.body->>'role', f.body->>'cut', f.body->>'hash', f.body->>'size', f.body->>'origin', f.body->>'model',
   f.body->>'usage', f.body->>'created', o.seq + f.n, f.body->>'pieces', f.body->>'indexed', f.body->>'context',
   ?2->>f.place
 from (
   select j.key place, j.value body, row_number() over (order by j.key) n from json_each(?1, '$.messages') j
   where not exists (select 1 from messages old where old.owner = ",
    owner!(),
    " and old.id = j.value->>'id')) f
 cross join owners o on o.id = ?1->>'owner'"
);

/// Takes places in the feed for what was stored, and counts. A repeat takes none: then `base` equals `seq`, and what
/// follows changes nothing.
pub(crate) const COUNT: &str = "update owners set (base, seq, bytes, sessions, pieces) = (
   select owners.seq,
     owners.seq + c.places,
     owners.bytes + c.bytes + iif(c.places > 0 and c.deleted, c.held, 0),
     owners.sessions + (c.places > 0 and (c.deleted or c.made)),
     owners.pieces + c.pieces
   from (
     select f.bytes, f.pieces, s.deleted, s.bytes held, s.seq > owners.seq made,
       case
         when ?1->>'count' > 0 then f.fresh
         when ?1->>'step' is not null then not (?1->>'ended' and r.state is ?1->>'state')
         else s.seq > owners.seq
       end places
     from (
       select count(*) fresh, coalesce(sum(m.size), 0) bytes, coalesce(sum(m.pieces), 0) pieces
       from messages m where m.owner = owners.number and m.seq > owners.seq) f
     left join sessions s on s.owner = owners.number and s.id = ?1->>'session'
     left join runs r on r.owner = owners.number and r.session = ?1->>'session' and r.message = ?1->>'step') c)
 where id = ?1->>'owner'";

/// Puts the pieces of what is new into the index.
pub(crate) const PIECES: &str = "insert into pieces(rowid, t, c)
 select (o.number << 32) | (m.seq << 6) | (p.value->>1), p.value->>2, p.value->>3
 from owners o, json_each(?3) p cross join messages m on m.owner = o.number and m.id = p.value->>0 and m.seq > o.base
 where o.id = ?1->>'owner'";

/// Counts what the new messages used towards the owner's day.
pub(crate) const SPEND: &str = "insert into usage(owner, day, input, output, cache_read, cache_write, cost)
 select max(o.number), ?1->>'day', sum(m.usage->>'input'), sum(m.usage->>'output'), sum(m.usage->>'cache_read'),
   sum(m.usage->>'cache_write'), sum(m.usage->>'cost')
 from owners o cross join messages m on m.owner = o.number and m.seq > o.base and m.usage is not null
 where o.id = ?1->>'owner' having count(*) > 0
 on conflict(owner, day) do update set
   input = input + excluded.input,
   output = output + excluded.output,
   cache_read = coalesce(cache_read + excluded.cache_read, cache_read, excluded.cache_read),
   cache_write = coalesce(cache_write + excluded.cache_write, cache_write, excluded.cache_write),
   cost = coalesce(cost + excluded.cost, cost, excluded.cost)";

/// Notes which new message names which blob.
pub(crate) const BLOB_USES: &str = "insert into blob_uses(owner, hash, message, session)
 select o.number, u.value->>0, u.value->>1, ?1->>'session'
 from owners o, json_each(?5) u cross join messages m on m.owner = o.number and m.id = u.value->>1 and m.seq > o.base
 where o.id = ?1->>'owner' on conflict do nothing";

/// Opens a run, if it was not opened before.
pub(crate) const OPEN: &str =
    "insert into runs(owner, session, message, state, place, holder, actor, epoch, lease, counter, watched_until, created,
   pending, checkpoint)
 select o.number, ?1->>'session', ?1->>'open', 'running', ?1->>'run_place', ?1->>'holder', ?1->>'actor', 1,
   ?1->>'lease', ?1->>'counter', ?1->>'now', ?1->>'now', ?1->>'pending', ?4
 from owners o where o.id = ?1->>'owner' and o.seq > o.base on conflict do nothing";

/// The owner's number where the commit was no repeat.
macro_rules! fresh_owner {
    () => {
        "(select number from owners where id = ?1->>'owner' and seq > base)"
    };
}

/// Moves the session's row on: counts, head, state, run.
pub(crate) const MOVE: &str = concat!(
    "update sessions set
   (messages, bytes, seq, head, head_at, head_by, run) = (
     select sessions.messages + f.n,
       sessions.bytes + f.bytes,
       f.seq,
       iif(f.moves, f.last, sessions.head),
       iif(f.moves, max(?1->>'now', sessions.head_at + 1), sessions.head_at),
       iif(f.moves, ?1->>'device', sessions.head_by),
       case
         when exists (select 1 from runs r where r.owner = f.number and r.session = sessions.id
           and r.message = ?1->>'open' and (r.state in ('running', 'queued') or r.state = 'waiting')) then ?1->>'open'
         when ?1->>'ended' and sessions.run = ?1->>'step' then null
         else sessions.run end
     from (
       select c.*, c.n > 0 and (?1->>'always' or sessions.head is c.parent) moves
       from (
         select max(o.number) number, max(o.seq) seq, count(m.id) n, coalesce(sum(m.size), 0) bytes,
           max(iif(m.seq = o.base + 1, m.parent, null)) parent, max(iif(m.seq = o.seq, m.id, null)) last
         from owners o left join messages m on m.owner = o.number and m.seq > o.base
         where o.id = ?1->>'owner') c) f),
   updated = ?1->>'now',
   state_at = iif(state = 'completed', max(?1->>'now', state_at + 1), state_at),
   state_by = iif(state = 'completed', ?1->>'device', state_by),
   state = iif(state = 'completed', 'active', state),
   deleted_at = iif(deleted, max(?1->>'now', deleted_at + 1), deleted_at),
   deleted_by = iif(deleted, ?1->>'device', deleted_by),
   deleted = 0,
   version = json_set(version, '$.\"' || (?1->>'device') || '\"',
     coalesce(version->>('$.\"' || (?1->>'device') || '\"'), 0) + 1)
 where owner = ",
    fresh_owner!(),
    " and id = ?1->>'session'"
);

/// Moves the run on.
pub(crate) const STEP: &str = concat!(
    "update runs set
   state = ?1->>'state',
   lease = iif(?1->>'ended', ?1->>'now', ?1->>'lease'),
   counter = ?1->>'counter',
   pending = ?1->>'pending',
   decisions = '[]',
   stop_asked = 0,
   expires = null,
   error = ?1->>'error',
   checkpoint = ?4
 where owner = ",
    fresh_owner!(),
    " and session = ?1->>'session' and message = ?1->>'step'"
);

/// Clears what was flushed of the step.
pub(crate) const CLEAR_DRAFT: &str = concat!(
    "delete from run_drafts where owner = ",
    fresh_owner!(),
    " and session = ?1->>'session' and message = ?1->>'step'"
);

/// What the commit did: fresh, the session's seq and head, the run's state and epoch.
pub(crate) const OUTCOME: &str = "select o.seq > o.base, s.seq, s.head, r.state, r.epoch
 from owners o
 join sessions s on s.owner = o.number and s.id = ?1->>'session'
 left join runs r on r.owner = o.number and r.session = s.id and r.message = coalesce(?1->>'open', ?1->>'step')
 where o.id = ?1->>'owner'";
