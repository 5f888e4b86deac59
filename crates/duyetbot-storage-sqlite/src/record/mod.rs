//! The one place that knows what a stored row looks like, both ways.
mod commit;
use duyetbot_core::{
    ApiToken, CallId, Committed, Counters, Decision, DraftChunk, Error, Message, MessageId, Origin,
    Permission, PieceKey, Postings, Result, Role, RunId, RunRow, RunState, Scope, Session, SessionId,
    SessionState, StoredCheckpoint, Term, Timestamp, Usage, User, decode_parts,
};
use serde::{
    Deserialize, Serialize,
    de::{DeserializeOwned, IntoDeserializer, value::StrDeserializer},
};
use serde_json::{Map, Value};
use std::{str::FromStr, vec::IntoIter};

pub(crate) use commit::{commit, digest, hashes_in};

use crate::{
    dialect::{Cell, Row},
    error::unreadable,
};

/// `?1`: these fields and the owner.
pub(crate) fn of(scope: &Scope, fields: Value) -> Cell {
    let mut object = Map::new();
    object.insert("owner".to_owned(), scope.owner().into());
    if let Value::Object(fields) = fields {
        object.extend(fields);
    }
    Cell::Text(Value::Object(object).to_string())
}

/// A value as JSON text.
pub(crate) fn text(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(Error::internal)
}

pub(crate) fn committed(rows: Vec<Row>) -> Result<Committed> {
    let mut row = first(rows, "a commit's outcome")?;
    Ok(Committed {
        fresh: row.flag()?,
        seq: row.count()?,
        head: row.maybe_parsed()?,
        run: match (row.maybe_text()?, row.maybe_number()?) {
            (Some(state), Some(epoch)) => Some((run_state(&state)?, epoch.unsigned_abs())),
            _ => None,
        },
    })
}

/// The small columns of a session, in the order of their array.
#[derive(Deserialize)]
struct SmallOfSession {
    id: SessionId,
    state: SessionState,
    title: String,
    head: Option<MessageId>,
    parent: Option<SessionId>,
    place: Option<String>,
    deleted: u8,
    created: Timestamp,
    updated: Timestamp,
    seq: u64,
    messages: u64,
    bytes: u64,
    run: Option<MessageId>,
}

pub(crate) fn session(row: Row) -> Result<Session> {
    let mut row = row.read();
    let small: SmallOfSession = from_json(&row.text()?)?;
    Ok(Session {
        id: small.id,
        state: small.state,
        title: small.title,
        head: small.head,
        parent: small.parent,
        place: small.place,
        metadata: row.text()?,
        deleted: small.deleted != 0,
        created: small.created,
        updated: small.updated,
        seq: small.seq,
        messages: small.messages,
        bytes: small.bytes,
        run: small.run.map(|message| RunId { session: small.id, message }),
    })
}

/// The small columns of a message, in the order of their array.
#[derive(Deserialize)]
struct SmallOfMessage {
    id: MessageId,
    session: SessionId,
    parent: Option<MessageId>,
    role: Role,
    origin: Origin,
    model: Option<String>,
    usage: Option<String>,
    cut: u8,
    created: Timestamp,
    seq: u64,
    hash: String,
}

pub(crate) fn message(row: Row) -> Result<Message> {
    let mut row = row.read();
    let small: SmallOfMessage = from_json(&row.text()?)?;
    Ok(Message {
        id: small.id,
        session: small.session,
        parent: small.parent,
        role: small.role,
        origin: small.origin,
        model: small.model,
        usage: small.usage.as_deref().map(from_json).transpose()?,
        cut: small.cut != 0,
        created: small.created,
        seq: small.seq,
        hash: small.hash,
        parts: decode_parts(&row.text()?).map_err(|_| unreadable("a message"))?,
    })
}

/// What a day used: nothing where it has no row.
pub(crate) fn spent(rows: Vec<Row>) -> Result<Usage> {
    let Some(row) = rows.into_iter().next() else { return Ok(Usage::default()) };
    let mut row = row.read();
    let maybe = |number: Option<i64>| number.map(i64::unsigned_abs);
    Ok(Usage {
        input: row.count()?,
        output: row.count()?,
        cache_read: maybe(row.maybe_number()?),
        cache_write: maybe(row.maybe_number()?),
        cost: row.maybe_real()?,
        estimated: false,
    })
}

pub(crate) fn user(row: Row) -> Result<User> {
    let mut row = row.read();
    Ok(User {
        id: row.parsed()?,
        email: row.maybe_text()?,
        name: row.maybe_text()?,
        picture: row.maybe_text()?,
        provider: row.text()?,
        settings: row.text()?,
        created: row.moment()?,
        updated: row.moment()?,
    })
}

/// A token; none where the row has none.
pub(crate) fn token(row: &mut Columns) -> Result<Option<ApiToken>> {
    let Some(id) = row.maybe_parsed()? else { return Ok(None) };
    let (name, words): (_, Vec<String>) = (row.text()?, from_json(&row.text()?)?);
    Ok(Some(ApiToken {
        id,
        name,
        // What a newer program lets a token do is more than this one can check.
        permissions: words.iter().filter_map(|word| Permission::parse(word)).collect(),
        created: row.moment()?,
        expires: row.maybe_number()?.map(Timestamp),
        used: row.maybe_number()?.map(Timestamp),
    }))
}

pub(crate) fn run(row: Row) -> Result<RunRow> {
    run_from(&mut row.read())
}

/// The owner's id, then the run's row.
pub(crate) fn owned_run(rows: Vec<Row>) -> Result<Option<(String, RunRow)>> {
    let Some(row) = rows.into_iter().next() else { return Ok(None) };
    let mut row = row.read();
    Ok(Some((row.text()?, run_from(&mut row)?)))
}

fn run_from(row: &mut Columns) -> Result<RunRow> {
    let id = RunId { session: row.parsed()?, message: row.parsed()? };
    let state = run_state(&row.text()?)?;
    let (place, actor, epoch, holder) = (row.text()?, row.text()?, row.count()?, row.text()?);
    let (lease, expired, counter) = (row.moment()?, row.flag()?, row.count()?);
    let pending = from_json(&row.text()?)?;
    let decisions: Vec<(CallId, Decision)> = from_json(&row.text()?)?;
    let (stop_asked, expires) = (row.flag()?, row.maybe_number()?.map(Timestamp));
    let (error, created, json) = (row.maybe_text()?, row.moment()?, row.text()?);
    let draft: Vec<Vec<DraftChunk>> = from_json(&row.text()?)?;
    Ok(RunRow {
        id,
        state,
        place,
        actor,
        epoch,
        holder,
        lease,
        expired,
        checkpoint: StoredCheckpoint { json, counter, pending },
        draft: draft.into_iter().flatten().collect(),
        decisions,
        stop_asked,
        expires,
        error,
        created,
    })
}

pub(crate) fn counters(row: Row) -> Result<Counters> {
    let mut row = row.read();
    Ok(Counters {
        seq: row.count()?,
        sessions: row.count()?,
        bytes: row.count()?,
        blobs: row.count()?,
        pieces: row.count()?,
    })
}

/// The two queries of a term, one for each column. The term is quoted, so that nothing in it is syntax; what is no single
/// term of the index (it has blanks or punctuation) is the empty phrase, which nothing holds.
pub(crate) fn queries(term: &Term) -> (String, String) {
    let (term, star) = match term {
        Term::Is(term) => (term, ""),
        Term::Prefix(term) => (term, " *"),
    };
    if term.is_empty() || !term.chars().all(|c| !c.is_ascii() || c.is_ascii_alphanumeric() || c == '_') {
        return ("\"\"".to_owned(), "\"\"".to_owned());
    }
    (format!("t : \"{term}\"{star}"), format!("c : \"{term}\"{star}"))
}

pub(crate) fn postings(row: Row) -> Result<Postings> {
    let mut row = row.read();
    Ok(Postings { terms: keys(&row.text()?)?, context: keys(&row.text()?)? })
}

fn keys(list: &str) -> Result<Vec<PieceKey>> {
    Ok(from_json::<Vec<u64>>(list)?.into_iter().map(PieceKey).collect())
}

pub(crate) fn run_state(word: &str) -> Result<RunState> {
    RunState::parse(word).ok_or_else(|| unreadable("a run's state"))
}

pub(crate) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|e| unreadable("JSON").with_source(e))
}

/// The columns of the first row.
pub(crate) fn first(rows: Vec<Row>, what: &str) -> Result<Columns> {
    rows.into_iter().next().map(Row::read).ok_or_else(|| unreadable(what))
}

impl Row {
    pub(crate) fn read(self) -> Columns {
        Columns(self.0.into_iter())
    }
}

/// A row's columns, taken one after the other in the order in which the statement names them.
pub(crate) struct Columns(IntoIter<Cell>);

impl Columns {
    pub(crate) fn text(&mut self) -> Result<String> {
        self.maybe_text()?.ok_or_else(|| unreadable("no text where there must be"))
    }
    pub(crate) fn maybe_text(&mut self) -> Result<Option<String>> {
        match self.0.next() {
            Some(Cell::Text(text)) => Ok(Some(text)),
            Some(Cell::Null) => Ok(None),
            _ => Err(unreadable("no text")),
        }
    }
    pub(crate) fn number(&mut self) -> Result<i64> {
        self.maybe_number()?.ok_or_else(|| unreadable("no number where there must be"))
    }
    pub(crate) fn maybe_number(&mut self) -> Result<Option<i64>> {
        match self.0.next() {
            Some(Cell::Integer(number)) => Ok(Some(number)),
            Some(Cell::Null) => Ok(None),
            _ => Err(unreadable("no number")),
        }
    }
    pub(crate) fn maybe_real(&mut self) -> Result<Option<f64>> {
        match self.0.next() {
            Some(Cell::Real(number)) => Ok(Some(number)),
            Some(Cell::Null) => Ok(None),
            _ => Err(unreadable("no number")),
        }
    }
    pub(crate) fn count(&mut self) -> Result<u64> {
        self.number()?.try_into().map_err(|_| unreadable("a count below zero"))
    }
    pub(crate) fn moment(&mut self) -> Result<Timestamp> {
        self.number().map(Timestamp)
    }
    pub(crate) fn flag(&mut self) -> Result<bool> {
        self.number().map(|n| n != 0)
    }
    pub(crate) fn bytes(&mut self) -> Result<Vec<u8>> {
        match self.0.next() {
            Some(Cell::Bytes(bytes)) => Ok(bytes),
            _ => Err(unreadable("no bytes")),
        }
    }
    pub(crate) fn parsed<T: FromStr>(&mut self) -> Result<T> {
        self.text()?.parse().map_err(|_| unreadable("an id"))
    }
    pub(crate) fn maybe_parsed<T: FromStr>(&mut self) -> Result<Option<T>> {
        self.maybe_text()?.map(|text| text.parse().map_err(|_| unreadable("an id"))).transpose()
    }
    pub(crate) fn word<T: DeserializeOwned>(&mut self) -> Result<T> {
        let word = self.text()?;
        let word: StrDeserializer<'_, serde::de::value::Error> = word.as_str().into_deserializer();
        T::deserialize(word).map_err(|e| unreadable("a word").with_source(e))
    }
}
