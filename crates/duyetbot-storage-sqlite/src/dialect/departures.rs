//! Erasing a person: the id first, so that nobody sees or adds to what it had, then the rest piece by piece under a name that
//! nobody has.
use super::owner;

/// The number of the owner that is being erased, by the person's id.
macro_rules! leaving {
    () => {
        "(select number from erased_users where id = ?1->>'owner' and pending = 1)"
    };
}
/// Again, it only answers the number.
pub(crate) const BEGIN: &[&str] = &[
    concat!(
        "insert into guard(refusal) select 'no_user'
 where not exists (select 1 from users where id = ?1->>'owner') and ",
        leaving!(),
        " is null"
    ),
    "insert into erased_users(id, number, at, pending)
 select id, owner, ?1->>'now', 1 from users where id = ?1->>'owner'",
    concat!("delete from users where owner = ", leaving!()),
    concat!("delete from identities where owner = ", leaving!()),
    concat!("delete from api_tokens where owner = ", leaving!()),
    concat!("delete from usage where owner = ", leaving!()),
    // A run that is open would be taken over by whoever looks for one.
    concat!("delete from runs where owner = ", leaving!(), " and state in ('queued', 'running', 'waiting')"),
    "update owners set id = '/erased/' || number, generation = generation + 1 where id = ?1->>'owner'",
    "update meta set erased = 1",
    concat!("select id, number from owners where number = ", leaving!()),
];

/// The owners whose erasing was begun.
pub(crate) const DUE: &str =
    "select o.id, o.number from erased_users e cross join owners o on o.number = e.number
 where e.pending = 1 limit 1000";

/// A session of the owner that is still there, or whose erasing was begun.
pub(crate) const NEXT_SESSION: &str = concat!(
    "select session from tombstones where owner = ",
    owner!(),
    " and pending = 1
 union all select id from sessions where owner = ",
    owner!(),
    " limit 1"
);

/// What no session holds, a bounded part of it; and the owner itself, once there is nothing else. Answers whether it is there.
pub(crate) const REST: &[&str] = &[
    concat!(
        "delete from blobs where rowid in (select b.rowid from blobs b where b.owner = ",
        owner!(),
        " limit 4)"
    ),
    concat!(
        "delete from tombstones where owner = ",
        owner!(),
        " and session in (select t.session from tombstones t where t.owner = ",
        owner!(),
        " and t.pending = 0 limit 500)"
    ),
    concat!(
        "delete from owners where id = ?1->>'owner'
   and not exists (select 1 from blobs where owner = ",
        owner!(),
        ") and not exists (select 1 from tombstones where owner = ",
        owner!(),
        ") and not exists (select 1 from sessions where owner = ",
        owner!(),
        ")"
    ),
    "update erased_users set pending = 0
 where number = ?1->>'number' and pending = 1
   and not exists (select 1 from owners o where o.number = erased_users.number)",
    "select 1 from owners where id = ?1->>'owner'",
];
