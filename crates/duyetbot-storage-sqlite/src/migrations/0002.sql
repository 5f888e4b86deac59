-- What an owner's runs used, one row a day (days since 1970, UTC): what a guard by the day asks.
create table usage(
  owner integer not null,
  day integer not null,
  input integer not null,
  output integer not null,
  cache_read integer,
  cache_write integer,
  cost real,
  primary key (owner, day)
) strict, without rowid;
