//! Two agents on one file, as two terminals are: what one is told, the other knows.
#![allow(clippy::print_stdout)]
use duyetbot::{
    Duyetbot,
    core::{Error, Result},
};

#[tokio::main]
async fn main() -> Result<()> {
    let folder = tempfile::tempdir().map_err(Error::internal)?;
    let url = format!("sqlite:{}", folder.path().join("talk.db").display());
    let (one, other) = (Duyetbot::open(&url).await?, Duyetbot::open(&url).await?);
    one.ask("The parser's entry point is parse_document.").await?;
    let reply = other.ask("What is the parser's entry point?").await?;
    println!("{}", reply.text);
    assert!(reply.text.contains("parse_document"));
    one.close().await?;
    other.close().await
}
