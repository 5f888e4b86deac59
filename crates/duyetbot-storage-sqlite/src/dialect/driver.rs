//! All that a backend adds to the dialect: a way to run statements.
use async_trait::async_trait;
use duyetbot_core::Result;

/// A value that goes into a statement or comes out of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Nothing.
    Null,
    /// A whole number.
    Integer(i64),
    /// A number with a fraction.
    Real(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Cell::Text(text)
    }
}

/// The columns of one row, in the order in which the statement names them.
#[derive(Clone, Debug, PartialEq)]
pub struct Row(pub Vec<Cell>);

/// Runs statements of this dialect.
///
/// # Behavior
/// A failure is a core error: [`crate::refusal`] names the violated precondition by the engine's words.
#[async_trait]
pub trait Driver: Send + Sync + 'static {
    /// Runs the statements in their order, all or nothing, and answers the rows of each.
    async fn write(&self, statements: &[&'static str], arguments: Vec<Cell>) -> Result<Vec<Vec<Row>>>;

    /// Runs one statement that writes nothing.
    async fn read(&self, statement: &'static str, arguments: Vec<Cell>) -> Result<Vec<Row>>;

    /// Brings what was erased out of logs and copies that the backend keeps by itself.
    async fn settle(&self) -> Result<()>;
}

/// How many arguments a statement takes: the highest `?N` in it.
pub fn parameters(statement: &str) -> usize {
    (1..=9).rev().find(|n| statement.contains(&format!("?{n}"))).unwrap_or(0)
}
