//! `duyetbot ask` beside `curl` that streams the same answer from the same model, each from its start to its exit.
use duyetbot_storage_sqlite::{SqliteConfig, SqliteStore};
use std::{path::Path, sync::Arc, time::Duration};

use crate::{
    Result, Size,
    cost::{middle, ratio},
    fill, model,
    program::{Program, run},
    report::{Table, at_most, ms},
    words::Words,
};

/// What one question may cost, in times of `curl`.
const MOST: f64 = 2.5;

pub(crate) fn measure(size: Size) -> Result<Vec<Table>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let program = Program::find(runtime.block_on(model::serve())?)?;
    let (pairs, sessions) = size.of((15, 1_000), (1, 3));
    let folder = tempfile::tempdir()?;
    let (used, full) = (folder.path().join("used"), folder.path().join("full"));
    for home in [&used, &full] {
        std::fs::create_dir(home)?;
        ask(&program, home)?;
    }
    runtime.block_on(fill(&full.join("duyetbot.db"), sessions))?;

    let mut table = Table::new(
        &format!(
            "`duyetbot ask` and `curl`, {} words streamed, start to exit, {pairs} alternating pairs",
            model::TOKENS
        ),
        &["home", "ask", "curl", "ask / curl"],
    );
    let homes = [
        ("new: it is made, with its database".to_owned(), None),
        ("one session".to_owned(), Some(&used)),
        (format!("{sessions} sessions, 20 messages each"), Some(&full)),
    ];
    for (name, home) in homes {
        let (mut asks, mut curls) = (Vec::new(), Vec::new());
        for n in 0..pairs {
            let new = folder.path().join(format!("new-{n}"));
            if home.is_none() {
                std::fs::create_dir(&new)?;
            }
            curls.push(curl(&program)?);
            asks.push(ask(&program, home.unwrap_or(&new))?);
        }
        let (ask, curl) = (middle(asks.into_iter()), middle(curls.into_iter()));
        table.row([name, ms(ask), ms(curl), at_most(ratio(ask, curl), MOST)]);
    }
    Ok(vec![table])
}

fn ask(program: &Program, home: &Path) -> Result<Duration> {
    let (cost, said) = run(program.ask(home))?;
    if said.trim_end() != model::answer().trim_end() {
        return Err(format!("`duyetbot ask` did not print the model's answer but {said:?}").into());
    }
    Ok(cost.wall)
}

fn curl(program: &Program) -> Result<Duration> {
    let (cost, said) = run(program.curl())?;
    if said.matches("content_block_delta").count() != 2 * model::TOKENS {
        return Err(format!("curl did not print the model's answer but {said:?}").into());
    }
    Ok(cost.wall)
}

async fn fill(file: &Path, sessions: usize) -> Result<()> {
    let store = SqliteStore::open(SqliteConfig::new(file, Arc::new(duyetbot::SystemClock))).await?;
    fill::sessions(&store, &mut Words::new(), sessions, 20).await?;
    store.close().await?;
    Ok(())
}
