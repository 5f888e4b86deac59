//! Runs: what lies inside a step, decisions, takeovers.
use super::owner;

/// The row of the run that `?1` names.
macro_rules! this_run {
    () => {
        concat!("owner = ", owner!(), " and session = ?1->>'session' and message = ?1->>'message'")
    };
}
/// The columns that make a run, as `record` reads them.
macro_rules! run_columns {
    () => {
        "r.session, r.message, r.state, r.place, r.actor, r.epoch, r.holder, r.lease, r.lease <= ?1->>'now', r.counter,
   r.pending, r.decisions, r.stop_asked, r.expires, r.error, r.created, r.checkpoint,
   (select json_group_array(json(chunks)) from (select d.chunks from run_drafts d
     where d.owner = r.owner and d.session = r.session and d.message = r.message order by d.n))"
    };
}

pub(crate) const RUN: &str = concat!("select ", run_columns!(), " from runs r where ", this_run!());

pub(crate) const CURRENT: &str = concat!(
    "select run from sessions where owner = ",
    owner!(),
    " and id = ?1->>'session' and run is not null"
);

pub(crate) const SPENT: &str = concat!(
    "select input, output, cache_read, cache_write, cost from usage where owner = ",
    owner!(),
    " and day = ?1->>'day'"
);

pub(crate) const WAITING: &str = concat!(
    "select ",
    run_columns!(),
    " from runs r where r.owner = ",
    owner!(),
    " and r.state = 'waiting' order by r.created desc, r.session desc, r.message desc limit ?1->>'limit'"
);

/// A save changes the row of the run that this epoch holds, and answers what was asked; no row: it does not hold it.
macro_rules! save {
    ($changes:literal) => {
        concat!(
            "update runs set ",
            $changes,
            " where ",
            this_run!(),
            " and epoch = ?1->>'epoch' and state = 'running'
 returning stop_asked, watched_until > ?1->>'now'"
        )
    };
}
const RENEW: &str = save!("lease = ?1->>'lease'");
/// `?2` is an array of chunks.
const APPEND: &str = concat!(
    "insert into run_drafts(owner, session, message, n, chunks)
 select r.owner, r.session, r.message, coalesce((select max(d.n) from run_drafts d
     where d.owner = r.owner and d.session = r.session and d.message = r.message), 0) + 1, ?2
 from runs r where ",
    this_run!(),
    " and epoch = ?1->>'epoch' and state = 'running'"
);
pub(crate) const SAVE_LEASE: &[&str] = &[RENEW];
pub(crate) const SAVE_DRAFT: &[&str] = &[RENEW, APPEND];
/// `?2` is the checkpoint.
pub(crate) const SAVE_CHECKPOINT: &[&str] =
    &[save!("lease = ?1->>'lease', counter = ?1->>'counter', pending = ?1->>'pending', checkpoint = ?2")];
/// `?2` is the checkpoint.
pub(crate) const SAVE_WAIT: &[&str] = &[save!(
    "lease = ?1->>'now', counter = ?1->>'counter', pending = ?1->>'pending', checkpoint = ?2, state = 'waiting',
   decisions = '[]', expires = ?1->>'expires'"
)];

/// Notes the decision where the call waits for one, then answers the state and the decision that stands.
pub(crate) const DECIDE: &[&str] = &[
    concat!(
        "update runs set
   decisions = json_insert(decisions, '$[#]', json_array(?1->>'call', ?1->>'decision')),
   state = iif(d.open = 1, 'queued', state),
   expires = iif(d.open = 1, null, expires),
   lease = iif(d.open = 1, ?1->>'lease', lease)
 from (select r.rowid row, count(distinct p.value) open, max(p.value = ?1->>'call') asked
   from runs r, json_each(r.pending) p
   where r.",
        this_run!(),
        " and r.state = 'waiting'
     and not exists (select 1 from json_each(r.decisions) done where done.value->>0 = p.value)) d
 where runs.rowid = d.row and d.asked"
    ),
    concat!(
        "select state, (select d.value->>1 from json_each(r.decisions) d where d.value->>0 = ?1->>'call')
 from runs r where ",
        this_run!()
    ),
];

pub(crate) const ASK_STOP: &[&str] = &[
    concat!(
        "update runs set stop_asked = 1 where ",
        this_run!(),
        " and state in ('queued', 'running', 'waiting')"
    ),
    concat!("select state from runs where ", this_run!()),
];

pub(crate) const ATTEND: &[&str] = &[concat!(
    "update runs set watched_until = max(watched_until, ?1->>'until') where ",
    this_run!(),
    " returning 1"
)];

pub(crate) const HOLDERS: &str = "select distinct holder from runs
 where place in (select value from json_each(?1, '$.places')) and state in ('queued', 'running') and state = 'running'
 order by holder";

/// Takes the lock and writes to the log like every commit, and leaves nothing: no check of `guard` knows this word.
pub(crate) const PROBE: &[&str] =
    &["insert into guard(refusal) values ('none')", "delete from guard where refusal = 'none'"];

/// Reads what the holder before left, clears its draft, and takes the run.
macro_rules! claim {
    ($($candidate:tt)+) => {
        &[
            concat!(
                "select (select id from owners where number = r.owner), ",
                run_columns!(),
                " from runs r where r.rowid = ",
                $($candidate)+
            ),
            concat!(
                "delete from run_drafts where (owner, session, message) =
   (select owner, session, message from runs where rowid = ",
                $($candidate)+,
                ")"
            ),
            concat!(
                "update runs set epoch = epoch + 1, holder = ?1->>'holder', lease = ?1->>'lease', state = 'running',
   expires = null
 where rowid = ",
                $($candidate)+,
                " returning epoch"
            ),
        ]
    };
}
/// Held by nobody who lives.
macro_rules! orphaned {
    () => {
        "c.state = 'running' and (c.lease <= ?1->>'now' or c.holder in (select value from json_each(?1, '$.gone')))"
    };
}
macro_rules! of_places {
    () => {
        concat!(
            "(select c.rowid from runs c
   where c.place in (select value from json_each(?1, '$.places')) and c.state in ('queued', 'running')
     and (c.state = 'queued' or ",
            orphaned!(),
            ")
   order by c.created, c.session, c.message limit 1)"
        )
    };
}
macro_rules! this_one {
    () => {
        concat!(
            "(select c.rowid from runs c where ",
            this_run!(),
            " and (c.state in ('queued', 'waiting') or ",
            orphaned!(),
            "))"
        )
    };
}
pub(crate) const CLAIM_OF_PLACES: &[&str] = claim!(of_places!());
pub(crate) const CLAIM_ONE: &[&str] = claim!(this_one!());
