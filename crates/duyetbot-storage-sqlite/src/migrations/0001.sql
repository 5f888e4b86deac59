-- Every key begins with the owner. What is large stands last in its row, so that the rest is read without it.

-- One row: what a program must know of the file before it touches anything else.
create table meta(
  one integer primary key check (one = 1),
  version integer not null,
  min_reader integer not null,
  device text not null,
  terms integer not null,
  erased integer not null default 0
) strict;

-- `base` is `seq` as it was before the last commit: the later statements of a commit see by it what is new.
create table owners(
  number integer primary key autoincrement,
  id text not null unique,
  generation integer not null default 0,
  seq integer not null default 0,
  base integer not null default 0,
  sessions integer not null default 0,
  bytes integer not null default 0,
  pieces integer not null default 0
) strict;

-- A field has the stamp of its last write beside it: when, and by which store.
create table sessions(
  owner integer not null,
  id text not null,
  state text not null default 'active',
  state_at integer not null,
  state_by text not null,
  title text not null,
  title_at integer not null,
  title_by text not null,
  title_folded text not null,
  head text,
  head_at integer not null,
  head_by text not null,
  metadata text not null,
  metadata_at integer not null,
  metadata_by text not null,
  deleted integer not null default 0,
  deleted_at integer not null,
  deleted_by text not null,
  parent text,
  place text,
  created integer not null,
  updated integer not null,
  seq integer not null default 0,
  messages integer not null default 0,
  bytes integer not null default 0,
  run text,
  version text not null default '{}',
  primary key (owner, id)
) strict, without rowid;
create unique index sessions_seq on sessions(owner, seq);
create index sessions_listed on sessions(owner, deleted, updated, id);
create index sessions_placed on sessions(owner, place, deleted, updated, id);
create index sessions_binned on sessions(deleted_at) where deleted = 1;

create table tombstones(
  owner integer not null,
  session text not null,
  at integer not null,
  seq integer not null,
  pending integer not null,
  primary key (owner, session)
) strict, without rowid;
create index tombstones_pending on tombstones(owner) where pending = 1;

-- `context` and `indexed` (a digest of the index entries) let an erase name the entries again.
create table messages(
  owner integer not null,
  id text not null,
  session text not null,
  parent text,
  role text not null,
  cut integer not null,
  hash text not null,
  size integer not null,
  origin text not null,
  model text,
  usage text,
  created integer not null,
  seq integer not null,
  pieces integer not null,
  indexed text,
  context text not null,
  parts text not null
) strict;
create unique index messages_id on messages(owner, id);
create unique index messages_seq on messages(owner, seq);
create unique index messages_session on messages(owner, session, seq);

create table runs(
  owner integer not null,
  session text not null,
  message text not null,
  state text not null,
  place text not null,
  holder text not null,
  actor text not null,
  epoch integer not null,
  lease integer not null,
  counter integer not null,
  stop_asked integer not null default 0,
  watched_until integer not null,
  expires integer,
  created integer not null,
  pending text not null,
  decisions text not null default '[]',
  error text,
  checkpoint text not null
) strict;
create unique index runs_id on runs(owner, session, message);
create index runs_open on runs(place, created) where state in ('queued', 'running');
create index runs_waiting on runs(owner, created, session, message) where state = 'waiting';
create index runs_active on runs(owner) where state in ('queued', 'running', 'waiting');

-- One row a flush, so that none rewrites what lies there.
create table run_drafts(
  owner integer not null,
  session text not null,
  message text not null,
  n integer not null,
  chunks text not null,
  primary key (owner, session, message, n)
) strict, without rowid;

create table blobs(
  owner integer not null,
  hash text not null,
  created integer not null,
  bytes blob not null
) strict;
create unique index blobs_id on blobs(owner, hash);
create index blobs_created on blobs(created, owner, hash);

-- Which messages name a blob.
create table blob_uses(
  owner integer not null,
  hash text not null,
  message text not null,
  session text not null,
  primary key (owner, hash, message)
) strict, without rowid;
create index blob_uses_session on blob_uses(owner, session);

-- A commit states its preconditions as an insert here: the name of the violated check says which one does not hold.
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
  constraint head_missing check (refusal <> 'head_missing')
) strict;

-- Postings only. A row's key is (owner number << 32) | (seq << 6) | piece; t holds a piece's terms, c its context's.
create virtual table pieces using fts5(
  t, c, content='', columnsize=0, detail=column, tokenize="ascii tokenchars '_'"
);
insert into pieces(pieces, rank) values ('secure-delete', 1);
create virtual table pieces_terms using fts5vocab(pieces, instance);
