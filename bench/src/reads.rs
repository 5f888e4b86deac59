//! What people wait for without a model: the list of sessions, the last messages of one, search.
use duyetbot::SystemClock;
use duyetbot_core::{SessionFilter, SessionId, SessionStore, index};
use duyetbot_storage_sqlite::{SqliteConfig, SqliteStore};
use std::{path::Path, sync::Arc, time::Duration};

use crate::{
    Result, Size,
    cost::{Stopwatch, middle, ratio},
    fill,
    report::{Table, at_most, us},
    words::{Words, word},
};

/// How much more a read of a larger file may cost than one of the smallest.
const MOST: f64 = 1.5;

pub(crate) fn measure(size: Size) -> Result<Vec<Table>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(measure_all(size))
}

async fn measure_all(size: Size) -> Result<Vec<Table>> {
    let rounds = size.of(101, 3);
    Ok(vec![
        grow(
            &format!("Reads by the number of sessions, 4 messages each, median of {rounds}"),
            "sessions",
            size.of(&[100, 1_000, 10_000], &[3, 9]),
            rounds,
            async |store, words, count| {
                let made = fill::sessions(store, words, count, 4).await?;
                made.last().copied().ok_or_else(|| "no session was made".into())
            },
        )
        .await?,
        grow(
            &format!(
                "Reads by the length of one session, {} other sessions in the file, median of {rounds}",
                size.of(1_000, 3)
            ),
            "messages in the session",
            size.of(&[100, 1_000, 10_000], &[4, 40]),
            rounds,
            async |store, words, count| {
                fill::sessions(store, words, size.of(1_000, 3), 4).await?;
                fill::session(store, words, count).await
            },
        )
        .await?,
    ])
}

async fn grow(
    title: &str,
    what: &str,
    counts: &[usize],
    rounds: usize,
    fill: impl AsyncFn(&SqliteStore, &mut Words, usize) -> Result<SessionId>,
) -> Result<Table> {
    let mut table = Table::new(
        title,
        &[what, "list 50", "", "last 50 messages", "", "search, rare", "", "search, common", ""],
    );
    let mut smallest: Option<[Duration; 4]> = None;
    for count in counts {
        let folder = tempfile::tempdir()?;
        let store = open(&folder.path().join("bench.db")).await?;
        let session = fill(&store, &mut Words::new(), *count).await?;
        let reads = read(&store, session, rounds).await?;
        store.close().await?;
        let base = *smallest.get_or_insert(reads);
        let mut row = vec![count.to_string()];
        for (read, base) in reads.iter().zip(base) {
            row.extend([us(*read), at_most(ratio(*read, base), MOST)]);
        }
        table.row(row);
    }
    Ok(table)
}

async fn open(file: &Path) -> Result<SqliteStore> {
    Ok(SqliteStore::open(SqliteConfig::new(file, Arc::new(SystemClock))).await?)
}

/// The four reads, the median of each.
async fn read(store: &SqliteStore, session: SessionId, rounds: usize) -> Result<[Duration; 4]> {
    let scope = fill::person();
    let rare = index::typed_query(&format!("{} {}", word(9_000), word(11_000)));
    let common = index::typed_query(&format!("{} {}", word(1), word(3)));
    let mut costs: [Vec<Duration>; 4] = Default::default();
    for _ in 0..rounds {
        let watch = Stopwatch::start();
        store.sessions(&scope, &SessionFilter::default()).await?;
        costs[0].push(watch.stop().wall);
        let watch = Stopwatch::start();
        store.path(&scope, session, None, 50).await?;
        costs[1].push(watch.stop().wall);
        for (query, costs) in [&rare, &common].into_iter().zip(&mut costs[2..]) {
            let watch = Stopwatch::start();
            index::search(store, &scope, query, 20).await?;
            costs.push(watch.stop().wall);
        }
    }
    Ok(costs.map(|costs| middle(costs.into_iter())))
}
