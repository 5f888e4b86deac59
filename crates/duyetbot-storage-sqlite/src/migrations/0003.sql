-- People. A person's id is that of the owner of what they have; an address is one person's at most, whatever its case.
create table users(
  owner integer primary key,
  id text not null,
  provider text not null,
  email text,
  email_folded text,
  name text,
  picture text,
  created integer not null,
  updated integer not null,
  settings text not null default '{}'
) strict;
create unique index users_id on users(id);
create unique index users_email on users(email_folded) where email_folded is not null;
create index users_listed on users(created, id);

-- The logins by which a person is known. They are looked up before it is known whose they are, as tokens are.
create table identities(
  provider text not null,
  subject text not null,
  owner integer not null,
  created integer not null,
  primary key (provider, subject)
) strict, without rowid;
create index identities_owner on identities(owner);

-- A token itself is stored nowhere.
create table api_tokens(
  hash text primary key,
  owner integer not null,
  id text not null,
  name text not null,
  permissions text not null,
  created integer not null,
  expires integer,
  used integer
) strict, without rowid;
create unique index api_tokens_id on api_tokens(owner, id);

-- Ids that are never given again. `number` is the owner that is erased, for as long as that is pending.
create table erased_users(
  id text primary key,
  number integer not null,
  at integer not null,
  pending integer not null
) strict, without rowid;
create unique index erased_users_pending on erased_users(number) where pending = 1;

-- Bytes of an owner's blobs. Counted where they come and go, whatever statement does it and whoever's program it is of.
alter table owners add column blobs integer not null default 0;
update owners set blobs = (select coalesce(sum(length(b.bytes)), 0) from blobs b where b.owner = owners.number);
create trigger blobs_put after insert on blobs begin update owners set blobs = blobs + length(new.bytes) where number = new.owner; end;
create trigger blobs_dropped after delete on blobs begin update owners set blobs = blobs - length(old.bytes) where number = old.owner; end;

-- A message counted what was off-loaded from it; now that counts as the blob that it is.
update owners set bytes = bytes - d.more from (
  select m.owner, sum(m.size - octet_length(m.parts)) more
  from messages m join sessions s on s.owner = m.owner and s.id = m.session and s.deleted = 0
  where m.rowid in (select n.rowid from blob_uses u cross join messages n on n.owner = u.owner and n.id = u.message)
  group by m.owner) d
where owners.number = d.owner;
update sessions set bytes = bytes - d.more from (
  select m.owner, m.session, sum(m.size - octet_length(m.parts)) more
  from messages m
  where m.rowid in (select n.rowid from blob_uses u cross join messages n on n.owner = u.owner and n.id = u.message)
  group by m.owner, m.session) d
where sessions.owner = d.owner and sessions.id = d.session;
update messages set size = octet_length(parts)
where rowid in (select n.rowid from blob_uses u cross join messages n on n.owner = u.owner and n.id = u.message);

drop table guard;
create table guard(
  refusal text not null,
  constraint stale_epoch check (refusal <> 'stale_epoch'),
  constraint content_differs check (refusal <> 'content_differs'),
  constraint erased check (refusal <> 'erased'),
  constraint no_session check (refusal <> 'no_session'),
  constraint session_limit check (refusal <> 'session_limit'),
  constraint message_limit check (refusal <> 'message_limit'),
  constraint storage_limit check (refusal <> 'storage_limit'),
  constraint run_active check (refusal <> 'run_active'),
  constraint parent_missing check (refusal <> 'parent_missing'),
  constraint head_missing check (refusal <> 'head_missing'),
  constraint user_erased check (refusal <> 'user_erased'),
  constraint user_differs check (refusal <> 'user_differs'),
  constraint email_taken check (refusal <> 'email_taken'),
  constraint identity_taken check (refusal <> 'identity_taken'),
  constraint no_user check (refusal <> 'no_user'),
  constraint token_differs check (refusal <> 'token_differs'),
  constraint token_expired check (refusal <> 'token_expired'),
  constraint token_limit check (refusal <> 'token_limit')
) strict;
