//! A commit as a list of statements.
//!
//! `?1` is what the preconditions need, `?2` an array of the messages' parts as text, `?3` an array of index entries
//! `[message, piece, terms, context]`, `?4` the run's checkpoint, `?5` an array of `[hash, message]` for blobs.
use super::owner;

/// Makes the owner's row where there is none.
pub(crate) const OWNER: &str = "insert into owners(id) select ?1->>'owner'
 where not exists (select 1 from owners where id = ?1->>'owner')";

/// Refuses the commit by the name of the first precondition that does not hold. The order is that of
/// `SessionStore::commit`.
pub(crate) const GUARD: &str = "insert into guard(refusal)
 with
 o as (select number, sessions, bytes, blobs from owners where id = ?1->>'owner'),
 m as (select
     j.value->>'hash' hash, j.value->>'size' size, j.value->>'outside' outside,
     old.hash old_hash, old.session old_session, old.id is not null known
   from json_each(?1, '$.messages') j
   left join messages old on old.owner = (select number from o) and old.id = j.value->>'id'),
 f as (select
     count(*) n,
     count(*) filter (where not known) fresh,
     coalesce(sum(size) filter (where not known), 0) bytes,
     coalesce(max(known and (old_hash <> hash or old_session <> ?1->>'session')), 0) differs
   from m),
 s as (select max(id) id, max(deleted) deleted, max(messages) messages, max(bytes) bytes, max(run) run
   from sessions where owner = (select number from o) and id = ?1->>'session'),
 r as (select max(epoch) epoch, max(state) state
   from runs where owner = (select number from o) and session = ?1->>'session' and message = ?1->>'$.step.message'),
 a as (select case
     when f.n > 0 then f.fresh = 0 and not f.differs
     when ?1->>'step' is not null then ?1->>'$.step.ended' and r.state is ?1->>'$.step.state'
     else s.id is not null
   end again from f, s, r),
 g as (select case
   when ?1->>'step' is not null and (r.epoch is not ?1->>'$.step.epoch' or (r.state <> 'running' and not a.again))
     then 'stale_epoch'
   when f.differs then 'content_differs'
   when a.again then null
   when exists (select 1 from erased_users where id = ?1->>'owner') then 'user_erased'
   when exists (select 1 from tombstones where owner = o.number and session = ?1->>'session') then 'erased'
   when s.id is null and ?1->>'create' is null then 'no_session'
   when ?1->>'step' is null and coalesce(s.deleted, 1) and o.sessions >= ?1->>'$.limits.sessions' then 'session_limit'
   when ?1->>'step' is null and coalesce(s.messages, 0) + f.fresh > ?1->>'$.limits.messages' then 'message_limit'
   when ?1->>'step' is null and o.bytes + o.blobs + f.bytes + iif(s.deleted, s.bytes, 0) > ?1->>'$.limits.bytes'
     then 'storage_limit'
   when ?1->>'open' is not null and s.run <> ?1->>'$.open.message' then 'run_active'
   when exists (select 1 from m where not m.known and m.outside is not null and not exists (
       select 1 from messages p where p.owner = o.number and p.id = m.outside and p.session = ?1->>'session'))
     then 'parent_missing'
   end refusal from f, s, r, a left join o on true)
 select refusal from g where refusal is not null";

/// Takes places in the feed and counts. A repeat takes none: then `base` equals `seq`, and what follows changes nothing.
pub(crate) const COUNT: &str = "with
 o as (select number from owners where id = ?1->>'owner'),
 m as (select j.value->>'size' size, j.value->>'pieces' pieces,
     not exists (select 1 from messages old where old.owner = (select number from o) and old.id = j.value->>'id') fresh
   from json_each(?1, '$.messages') j),
 f as (select count(*) n, count(*) filter (where fresh) fresh,
     coalesce(sum(size) filter (where fresh), 0) bytes, coalesce(sum(pieces) filter (where fresh), 0) pieces
   from m),
 s as (select count(*) here, max(deleted) deleted, coalesce(max(bytes), 0) bytes
   from sessions where owner = (select number from o) and id = ?1->>'session'),
 r as (select max(state) state from runs
   where owner = (select number from o) and session = ?1->>'session' and message = ?1->>'$.step.message'),
 p as (select case
     when f.n > 0 then f.fresh
     when ?1->>'step' is not null then not (?1->>'$.step.ended' and r.state is ?1->>'$.step.state')
     else not s.here
   end places from f, s, r)
 update owners set
   base = seq,
   seq = seq + p.places,
   bytes = owners.bytes + f.bytes + iif(p.places > 0 and s.deleted, s.bytes, 0),
   sessions = owners.sessions + (p.places > 0 and coalesce(s.deleted, 1)),
   pieces = owners.pieces + f.pieces
 from f, s, p where owners.id = ?1->>'owner'";

/// Makes the session where it is not there.
pub(crate) const SESSION: &str = concat!(
    "insert into sessions(owner, id, state_at, state_by, title, title_at, title_by, title_folded, head_at, head_by,
   metadata, metadata_at, metadata_by, deleted_at, deleted_by, parent, place, created, updated, seq)
 select o.number, ?1->>'session', ?1->>'now', ?1->>'device', ?1->>'$.create.title', ?1->>'now', ?1->>'device',
   ?1->>'$.create.folded', ?1->>'now', ?1->>'device', ?1->>'$.create.metadata', ?1->>'now', ?1->>'device',
   ?1->>'now', ?1->>'device', ?1->>'$.create.parent', ?1->>'$.create.place', ?1->>'$.create.created', ?1->>'now', o.seq
 from owners o where o.id = ?1->>'owner' and o.seq > o.base
   and not exists (select 1 from sessions where owner = ",
    owner!(),
    " and id = ?1->>'session')"
);

/// Stores the messages that are new, in their order.
pub(crate) const MESSAGES: &str =
    "insert into messages(owner, id, session, parent, role, cut, hash, size, origin, model, usage, created, seq, pieces,
   indexed, context, parts)
 with
 o as (select number, base from owners where id = ?1->>'owner'),
 f as (select j.key place, j.value body, row_number() over (order by j.key) n
   from json_each(?1, '$.messages') j
   where not exists (select 1 from messages old where old.owner = (select number from o) and old.id = j.value->>'id'))
 select o.number, f.body->>'id', ?1->>'session',
   iif(f.body->>'under_head',
     (select head from sessions where owner = o.number and id = ?1->>'session'), f.body->>'parent'),
   f.body->>'role', f.body->>'cut', f.body->>'hash', f.body->>'size', f.body->>'origin', f.body->>'model',
   f.body->>'usage', f.body->>'created', o.base + f.n, f.body->>'pieces', f.body->>'indexed', f.body->>'context',
   ?2->>f.place
 from o, f";

/// Puts the pieces of what is new into the index.
pub(crate) const PIECES: &str = "insert into pieces(rowid, t, c)
 select (o.number << 32) | (m.seq << 6) | (p.value->>1), p.value->>2, p.value->>3
 from owners o, json_each(?3) p cross join messages m on m.owner = o.number and m.id = p.value->>0 and m.seq > o.base
 where o.id = ?1->>'owner'";

/// Counts what the new messages used towards the owner's day.
pub(crate) const SPEND: &str = "insert into usage(owner, day, input, output, cache_read, cache_write, cost)
 select o.number, ?1->>'day', sum(m.usage->>'input'), sum(m.usage->>'output'), sum(m.usage->>'cache_read'),
   sum(m.usage->>'cache_write'), sum(m.usage->>'cost')
 from owners o cross join messages m on m.owner = o.number and m.seq > o.base and m.usage is not null
 where o.id = ?1->>'owner' group by o.number
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
 select o.number, ?1->>'session', ?1->>'$.open.message', 'running', ?1->>'$.open.place', ?1->>'$.open.holder',
   ?1->>'actor', 1, ?1->>'lease', ?1->>'$.open.counter', ?1->>'now', ?1->>'now', ?1->>'$.open.pending', ?4
 from owners o where o.id = ?1->>'owner' and o.seq > o.base on conflict do nothing";

/// Moves the session's row on: counts, head, state, run.
pub(crate) const MOVE: &str = "update sessions set
   messages = sessions.messages + f.n,
   bytes = sessions.bytes + f.bytes,
   seq = f.seq,
   updated = ?1->>'now',
   head = iif(f.moves, f.last, sessions.head),
   head_at = iif(f.moves, max(?1->>'now', head_at + 1), head_at),
   head_by = iif(f.moves, ?1->>'device', head_by),
   state_at = iif(state = 'completed', max(?1->>'now', state_at + 1), state_at),
   state_by = iif(state = 'completed', ?1->>'device', state_by),
   state = iif(state = 'completed', 'active', state),
   deleted_at = iif(deleted, max(?1->>'now', deleted_at + 1), deleted_at),
   deleted_by = iif(deleted, ?1->>'device', deleted_by),
   deleted = 0,
   run = case
     when f.opens then ?1->>'$.open.message'
     when ?1->>'$.step.ended' and run = ?1->>'$.step.message' then null
     else run end,
   version = json_set(version, '$.\"' || (?1->>'device') || '\"',
     coalesce(version->>('$.\"' || (?1->>'device') || '\"'), 0) + 1)
 from (
   select c.*, c.n > 0 and (?1->>'always' or s.head is c.parent) moves,
     exists (select 1 from runs r where r.owner = c.number and r.session = s.id
       and r.message = ?1->>'$.open.message' and r.state in ('queued', 'running', 'waiting')) opens
   from (select o.number, o.seq, o.base, count(m.id) n, coalesce(sum(m.size), 0) bytes,
       max(iif(m.seq = o.base + 1, m.parent, null)) parent, max(iif(m.seq = o.seq, m.id, null)) last
     from owners o left join messages m on m.owner = o.number and m.seq > o.base
     where o.id = ?1->>'owner' group by o.number) c
   cross join sessions s on s.owner = c.number and s.id = ?1->>'session'
 ) f
 where sessions.owner = f.number and sessions.id = ?1->>'session' and f.seq > f.base";

/// Moves the run on.
pub(crate) const STEP: &str = "update runs set
   state = ?1->>'$.step.state',
   lease = iif(?1->>'$.step.ended', ?1->>'now', ?1->>'lease'),
   counter = ?1->>'$.step.counter',
   pending = ?1->>'$.step.pending',
   decisions = '[]',
   stop_asked = 0,
   expires = null,
   error = ?1->>'$.step.error',
   checkpoint = ?4
 from owners o
 where o.id = ?1->>'owner' and o.seq > o.base
   and runs.owner = o.number and runs.session = ?1->>'session' and runs.message = ?1->>'$.step.message'";

/// Clears what was flushed of the step.
pub(crate) const CLEAR_DRAFT: &str = "delete from run_drafts
 where owner = (select number from owners where id = ?1->>'owner' and seq > base)
   and session = ?1->>'session' and message = ?1->>'$.step.message'";

/// What the commit did: fresh, the session's seq and head, the run's state and epoch.
pub(crate) const OUTCOME: &str = "select o.seq > o.base, s.seq, s.head, r.state, r.epoch
 from owners o
 join sessions s on s.owner = o.number and s.id = ?1->>'session'
 left join runs r on r.owner = o.number and r.session = s.id
   and r.message = coalesce(?1->>'$.open.message', ?1->>'$.step.message')
 where o.id = ?1->>'owner'";
