//! People, their logins and tokens. The owner that `?1` names is the person, but for what is asked before that is known.
use super::{commit::OWNER, owner};

/// The columns that make a person, as `record` reads them.
macro_rules! user_columns {
    () => {
        "u.id, u.email, u.name, u.picture, u.provider, u.settings, u.created, u.updated"
    };
}
/// The columns that make a token.
macro_rules! token_columns {
    () => {
        "t.id, t.name, t.permissions, t.created, t.expires, t.used"
    };
}
/// Refuses by the first case that holds.
macro_rules! guard {
    ($cases:expr) => {
        concat!(
            "insert into guard(refusal) select g.refusal from (select case ",
            $cases,
            " end refusal) g where g.refusal is not null"
        )
    };
}
/// Another person has the login.
macro_rules! identity_taken {
    () => {
        concat!(
            "when exists (select 1 from identities i
     where i.provider = ?1->>'$.identity.provider' and i.subject = ?1->>'$.identity.subject' and i.owner is not ",
            owner!(),
            ") then 'identity_taken'"
        )
    };
}
const ADD_IDENTITY: &str = concat!(
    "insert into identities(provider, subject, owner, created)
 select ?1->>'$.identity.provider', ?1->>'$.identity.subject', ",
    owner!(),
    ", ?1->>'now' where ?1->>'identity' is not null on conflict do nothing"
);

pub(crate) const USER: &str = concat!("select ", user_columns!(), " from users u where u.id = ?1->>'owner'");

pub(crate) const CREATE: &[&str] = &[
    guard!(concat!(
        "when exists (select 1 from erased_users where id = ?1->>'owner') then 'user_erased'
   when exists (select 1 from users where id = ?1->>'owner' and (email_folded is not ?1->>'folded'
     or (?1->>'identity' is not null and not exists (select 1 from identities i
       where i.provider = ?1->>'$.identity.provider' and i.subject = ?1->>'$.identity.subject' and i.owner = users.owner))))
     then 'user_differs'
   when exists (select 1 from users where id = ?1->>'owner') then null
   when exists (select 1 from users where email_folded = ?1->>'folded') then 'email_taken' ",
        identity_taken!()
    )),
    OWNER,
    concat!(
        "insert into users(owner, id, provider, email, email_folded, name, picture, created, updated)
 select ",
        owner!(),
        ", ?1->>'owner', ?1->>'provider', ?1->>'email', ?1->>'folded', ?1->>'name', ?1->>'picture', ?1->>'now', ?1->>'now'
 where not exists (select 1 from users where id = ?1->>'owner')"
    ),
    ADD_IDENTITY,
    USER,
];

/// `named` tells whether the name is to be set.
pub(crate) const CHANGE: &[&str] = &[
    "update users set
   name = iif(?1->>'named', ?1->>'name', name),
   settings = coalesce(?1->>'settings', settings),
   updated = ?1->>'now'
 where id = ?1->>'owner'
   and ((?1->>'named' and name is not ?1->>'name') or settings <> coalesce(?1->>'settings', settings))",
    USER,
];

/// The first login vouches for the person.
pub(crate) const LINK: &[&str] = &[
    guard!(concat!(
        "when not exists (select 1 from users where id = ?1->>'owner') then 'no_user' ",
        identity_taken!()
    )),
    "update users set updated = ?1->>'now',
   provider = iif(exists (select 1 from identities where owner = users.owner), provider, ?1->>'$.identity.provider')
 where id = ?1->>'owner' and not exists (select 1 from identities i
   where i.provider = ?1->>'$.identity.provider' and i.subject = ?1->>'$.identity.subject')",
    ADD_IDENTITY,
    USER,
];

/// `most` is how many tokens a person may have.
pub(crate) const ADD_TOKEN: &[&str] = &[
    guard!(concat!(
        "when not exists (select 1 from users where id = ?1->>'owner') then 'no_user'
   when exists (select 1 from api_tokens where hash = ?1->>'hash' and (id <> ?1->>'id' or owner <> ",
        owner!(),
        ")) then 'token_differs'
   when exists (select 1 from api_tokens where hash = ?1->>'hash') then null
   when exists (select 1 from api_tokens where owner = ",
        owner!(),
        " and id = ?1->>'id') then 'token_differs'
   when ?1->>'expires' <= ?1->>'now' then 'token_expired'
   when (select count(*) from api_tokens where owner = ",
        owner!(),
        ") >= ?1->>'most' then 'token_limit'"
    )),
    concat!(
        "insert into api_tokens(hash, owner, id, name, permissions, created, expires)
 select ?1->>'hash', ",
        owner!(),
        ", ?1->>'id', ?1->>'name', ?1->>'permissions', ?1->>'now', ?1->>'expires' where true on conflict do nothing"
    ),
    concat!("select ", token_columns!(), " from api_tokens t where t.hash = ?1->>'hash'"),
];

/// First whether there is an account, then its tokens: one row without a token where it has none.
pub(crate) const TOKENS: &str = concat!(
    "select ",
    token_columns!(),
    " from users u left join api_tokens t on t.owner = u.owner
 where u.id = ?1->>'owner' order by t.created desc, t.id desc"
);

pub(crate) const REVOKE: &[&str] =
    &[concat!("delete from api_tokens where owner = ", owner!(), " and id = ?1->>'id' returning 1")];

pub(crate) const USAGE: &str = concat!(
    "select coalesce(sum(input), 0), coalesce(sum(output), 0), sum(cache_read), sum(cache_write), sum(cost) from usage
 where owner = ",
    owner!(),
    " and day between ?1->>'from' and ?1->>'until'"
);

/// The page of people that begins below `(created, id)`.
pub(crate) const LIST: &str = concat!(
    "select ",
    user_columns!(),
    " from users u where (u.created, u.id) < (?1->>'created', ?1->>'id')
 order by u.created desc, u.id desc limit ?1->>'limit'"
);

/// Character 127 sorts behind every one of an id.
pub(crate) const BY_PREFIX: &str = concat!(
    "select ",
    user_columns!(),
    " from users u where u.id >= ?1->>'prefix' and u.id < (?1->>'prefix') || char(127) order by u.id limit 2"
);

pub(crate) const BY_IDENTITY: &str = concat!(
    "select ",
    user_columns!(),
    " from identities i cross join users u on u.owner = i.owner
 where i.provider = ?1->>'$.identity.provider' and i.subject = ?1->>'$.identity.subject'"
);

pub(crate) const BY_EMAIL: &str =
    concat!("select ", user_columns!(), " from users u where u.email_folded = ?1->>'folded'");

pub(crate) const AUTHENTICATE: &str = concat!(
    "select u.id, ",
    token_columns!(),
    " from api_tokens t cross join users u on u.owner = t.owner
 where t.hash = ?1->>'hash' and (t.expires is null or t.expires > ?1->>'now')"
);

pub(crate) const NOTE_USE: &[&str] = &["update api_tokens set used = ?1->>'now'
 where hash = ?1->>'hash' and (used is null or used <= ?1->>'before')"];
