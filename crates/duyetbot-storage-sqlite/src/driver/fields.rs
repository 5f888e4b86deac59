//! The fields of a list's first argument as parameters of their own.
//!
//! The dialect takes them out of a JSON object, which fits every backend. SQLite would look for each of them in the object,
//! for each statement anew; to bind one costs a tenth of that.
use duyetbot_core::{Error, Result};
use serde_json::value::RawValue;
use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    sync::{LazyLock, Mutex, PoisonError},
};

use crate::dialect::Cell;

/// How a statement takes a field.
const TAKE: &str = "->>'";
/// The parameter of the first field. Those of the dialect have one digit.
const FIRST: usize = 10;

/// A statement of the dialect that takes its fields as parameters.
pub(crate) struct Taken {
    /// What SQLite is given.
    pub(crate) sql: String,
    /// The parameters of the dialect that it still has.
    cells: Vec<usize>,
    /// The names of the fields, in the order of their parameters.
    names: Vec<&'static str>,
}

impl Taken {
    /// The statement in this form. It is made once: as many are kept as the dialect has statements.
    pub(crate) fn of(statement: &'static str) -> &'static Self {
        static MADE: LazyLock<Mutex<HashMap<(usize, usize), &'static Taken>>> = LazyLock::new(Mutex::default);
        let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
        made.entry((statement.as_ptr() as usize, statement.len()))
            .or_insert_with(|| Box::leak(Box::new(Taken::new(statement))))
    }

    fn new(statement: &'static str) -> Self {
        let mut taken =
            Taken { sql: String::with_capacity(statement.len()), cells: Vec::new(), names: Vec::new() };
        let mut rest = statement;
        while let Some((before, after)) = rest.split_once('?') {
            taken.sql.push_str(before);
            let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (number, after) = after.split_at(digits);
            let name = Some(after).filter(|_| number == "1").and_then(field);
            let (number, after) = match name {
                Some((name, after)) => (taken.parameter(name), after),
                None => (number.parse().unwrap_or_default(), after),
            };
            if name.is_none() && !taken.cells.contains(&number) {
                taken.cells.push(number);
            }
            taken.sql.push_str(&format!("?{number}"));
            rest = after;
        }
        taken.sql.push_str(rest);
        taken
    }

    fn parameter(&mut self, name: &'static str) -> usize {
        let at = self.names.iter().position(|known| *known == name).unwrap_or_else(|| {
            self.names.push(name);
            self.names.len() - 1
        });
        FIRST + at
    }

    /// Each parameter with what it gets of these arguments.
    pub(crate) fn bound<'a>(&'a self, arguments: &'a Arguments) -> impl Iterator<Item = (usize, &'a Cell)> {
        let cells = self.cells.iter().map(|number| (*number, arguments.cells.get(number - 1)));
        let fields = self.names.iter().enumerate();
        let fields = fields.map(|(at, name)| (FIRST + at, arguments.fields.get(*name)));
        cells.chain(fields).map(|(number, cell)| (number, cell.unwrap_or(&Cell::Null)))
    }
}

/// The name of the field that is taken here, and what follows.
fn field(text: &'static str) -> Option<(&'static str, &'static str)> {
    let (name, after) = text.strip_prefix(TAKE)?.split_once('\'')?;
    // Others are paths.
    name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_').then_some((name, after))
}

/// What a list of statements is given.
pub(crate) struct Arguments {
    cells: Vec<Cell>,
    fields: BTreeMap<String, Cell>,
}

impl Arguments {
    /// The first of these is the JSON object, by the dialect's rule.
    pub(crate) fn new(cells: Vec<Cell>) -> Result<Self> {
        let fields = match cells.first() {
            Some(Cell::Text(json)) => fields(json).map_err(Error::internal)?,
            _ => BTreeMap::new(),
        };
        Ok(Arguments { cells, fields })
    }
}

fn fields(json: &str) -> serde_json::Result<BTreeMap<String, Cell>> {
    let read: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_str(json)?;
    Ok(read.into_iter().map(|(name, value)| (name.into_owned(), cell(value.get()))).collect())
}

/// A value as `->>` would give it.
fn cell(json: &str) -> Cell {
    match json.as_bytes().first() {
        Some(b'n') => Cell::Null,
        Some(b't') => Cell::Integer(1),
        Some(b'f') => Cell::Integer(0),
        Some(b'"') => serde_json::from_str(json).map_or(Cell::Null, Cell::Text),
        Some(b'{' | b'[') => Cell::Text(json.to_owned()),
        _ => match json.parse() {
            Ok(number) => Cell::Integer(number),
            Err(_) => json.parse().map_or(Cell::Null, Cell::Real),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::{Connection, types::Value};

    #[test]
    fn a_field_becomes_a_parameter_and_all_else_stays() {
        let taken = Taken::new(
            "select ?1->>'a', ?2, (?1->>'b_2') || ?1->>'a', ?1->>'$.c.d', j.value->>'a' from json_each(?1, '$.e') j",
        );
        let sql = "select ?10, ?2, (?11) || ?10, ?1->>'$.c.d', j.value->>'a' from json_each(?1, '$.e') j";
        assert_eq!((&*taken.sql, &*taken.names, &*taken.cells), (sql, &["a", "b_2"][..], &[2, 1][..]));
        let same = "select ?1->>'a'";
        assert!(std::ptr::eq(Taken::of(same), Taken::of(same)));
    }

    #[test]
    fn a_bound_field_is_what_sqlite_would_take() {
        let json = r#"{"null":null,"yes":true,"no":false,"whole":-12,"most":9223372036854775807,"over":9223372036854775808,
"real":1.5,"exponent":1e3,"text":"a \"quote\" \u00e4 \ud83d\ude00\n","empty":"","list":[1,"a",{"b":null}],"object":{"a":[]}}"#;
        let connection = Connection::open_in_memory().unwrap();
        let arguments = Arguments::new(vec![Cell::Text(json.to_owned())]).unwrap();
        assert!(Arguments::new(vec![Cell::Text("no JSON".to_owned())]).is_err());
        let names: Vec<&str> = arguments.fields.keys().map(String::as_str).chain(["missing"]).collect();
        assert_eq!(names.len(), 13);
        for name in names {
            let taken: Value =
                connection.query_row("select ?1->>?2", [json, name], |row| row.get(0)).unwrap();
            let bound = arguments.fields.get(name).unwrap_or(&Cell::Null);
            let bound: Value = connection.query_row("select ?1", [bound], |row| row.get(0)).unwrap();
            assert_eq!(bound, taken, "{name}");
        }
    }
}
