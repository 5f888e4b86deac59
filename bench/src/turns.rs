//! What a turn costs beside its model, in sessions of growing length: the model is a script that answers at once.
use duyetbot::{Duyetbot, SystemClock};
use duyetbot_core::{SessionId, run::Settings};
use duyetbot_storage_sqlite::{SqliteConfig, SqliteStore};
use duyetbot_testkit::{Scripted, ScriptedModel};
use std::{path::Path, sync::Arc};

use crate::{
    Result, Size,
    cost::{Cost, Stopwatch, median, ratio},
    fill,
    report::{Table, at_most, ms},
    words::Words,
};

/// How much more a turn of a longer session may cost than one of the shortest.
const MOST: f64 = 1.5;

pub(crate) fn measure(size: Size) -> Result<Vec<Table>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(measure_all(size))
}

async fn measure_all(size: Size) -> Result<Vec<Table>> {
    let (sessions, turns) = size.of((1_000, 15), (3, 1));
    let lengths: &[usize] = size.of(&[10, 1_000, 10_000], &[4, 40]);
    let mut tables = Vec::new();
    for (name, tokens) in [("32,000 tokens of context", Some(32_000)), ("100,000 tokens of context", None)] {
        let mut table = Table::new(
            &format!(
                "A turn without its model, {sessions} other sessions in the file, {name}, median of {turns}"
            ),
            &["messages in the session", "wall", "", "processor", "", "first turn of the process", ""],
        );
        let mut shortest: Option<Turns> = None;
        for length in lengths {
            let folder = tempfile::tempdir()?;
            let file = folder.path().join("bench.db");
            let session = fill_file(&file, sessions, *length).await?;
            let cost = ask(&file, session, turns, tokens).await?;
            let base = *shortest.get_or_insert(cost);
            table.row([
                length.to_string(),
                ms(cost.usual.wall),
                at_most(ratio(cost.usual.wall, base.usual.wall), MOST),
                ms(cost.usual.cpu),
                at_most(ratio(cost.usual.cpu, base.usual.cpu), MOST),
                ms(cost.first.wall),
                at_most(ratio(cost.first.wall, base.first.wall), MOST),
            ]);
        }
        tables.push(table);
    }
    Ok(tables)
}

#[derive(Clone, Copy)]
struct Turns {
    first: Cost,
    usual: Cost,
}

/// A file with so many sessions of four messages, and one of so many.
async fn fill_file(file: &Path, sessions: usize, length: usize) -> Result<SessionId> {
    let store = SqliteStore::open(SqliteConfig::new(file, Arc::new(SystemClock))).await?;
    let mut words = Words::new();
    fill::sessions(&store, &mut words, sessions, 4).await?;
    let session = fill::session(&store, &mut words, length).await?;
    store.close().await?;
    Ok(session)
}

async fn ask(file: &Path, session: SessionId, turns: usize, tokens: Option<u32>) -> Result<Turns> {
    let mut words = Words::new();
    let answers = (0..=turns).map(|_| vec![Scripted::text(&words.answer())]).collect::<Vec<_>>();
    let bot = Duyetbot::builder()
        .storage(&format!("sqlite:{}", file.display()))
        .model(Arc::new(ScriptedModel::new(answers)))
        .behaviour(Settings { context_tokens: tokens, ..Settings::default() })
        .scope(fill::person())
        .open()
        .await?;
    let mut costs = Vec::with_capacity(turns + 1);
    for _ in 0..=turns {
        let question = words.question();
        let watch = Stopwatch::start();
        bot.ask_in(session, &question).await?;
        costs.push(watch.stop());
    }
    bot.close().await?;
    Ok(Turns { first: costs[0], usual: median(&costs[1..]) })
}
