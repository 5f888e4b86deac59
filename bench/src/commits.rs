//! Durable commits: how many a second, how many flushes to the disk each costs, and what a lone caller pays for grouping.
use duyetbot::SystemClock;
use duyetbot_core::{Role, SessionId, SessionStore};
use duyetbot_storage_sqlite::{SqliteConfig, SqliteStore};
use std::{path::Path, sync::Arc};

use crate::{
    Result, Size,
    cost::{Cost, Stopwatch, median, ratio},
    fill, flushes, plain,
    report::{Table, at_most, times, us},
    words::Words,
};

/// Flushes that a commit may cost where 64 callers commit at once.
const MOST_FLUSHES: f64 = 1.0 / 8.0;
/// What a lone caller may pay in times of a commit without grouping. What two equal runs differ by is within it.
const MOST_ALONE: f64 = 1.05;

pub(crate) fn measure(size: Size) -> Result<Vec<Table>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let (rounds, commits) = size.of((5, 3_000), (1, 64));
    Ok(vec![
        runtime.block_on(callers(rounds, commits))?,
        runtime.block_on(alone(rounds, commits / 6))?,
        flushes::measure(commits)?,
    ])
}

async fn callers(rounds: usize, commits: usize) -> Result<Table> {
    let mut table = Table::new(
        &format!("Durable commits, WAL and synchronous=FULL, median of {rounds} alternating rounds"),
        &["callers at once", "commits a second", "", "processor a commit", "", "commits a flush"],
    );
    let folder = tempfile::tempdir()?;
    let all = [1, 8, 64];
    let mut costs: [Vec<Cost>; 3] = Default::default();
    let mut grouped = [0.0; 3];
    for round in 0..rounds {
        for (n, callers) in all.into_iter().enumerate() {
            let commits = if callers == 1 { commits / 6 } else { commits };
            let file = folder.path().join(format!("{callers}-{round}.db"));
            let (cost, group) = through_store(&file, callers, commits).await?;
            costs[n].push(cost);
            grouped[n] += group / rounds as f64;
        }
    }
    let one = median(&costs[0]);
    for (n, callers) in all.into_iter().enumerate() {
        let cost = median(&costs[n]);
        table.row([
            callers.to_string(),
            format!("{:.0}", 1.0 / cost.wall.as_secs_f64()),
            times(ratio(one.wall, cost.wall)),
            us(cost.cpu),
            times(ratio(cost.cpu, one.cpu)),
            format!("{:.1}", grouped[n]),
        ]);
    }
    table.note("How much more a second grouping gives depends on the disk: the slower its flush, the more.");
    Ok(table)
}

/// The cost of a commit, and the commits of a group, with so many callers at once.
pub(crate) async fn through_store(file: &Path, callers: usize, commits: usize) -> Result<(Cost, f64)> {
    let store = Arc::new(SqliteStore::open(SqliteConfig::new(file, Arc::new(SystemClock))).await?);
    let before = store.stats();
    let each = commits / callers;
    let cost = all_at_once(&store, callers, each).await?;
    let after = store.stats();
    store.close().await?;
    let group = (after.commits - before.commits) as f64 / (after.groups - before.groups) as f64;
    Ok((cost, group))
}

/// A lone caller through the store, and the same statements in a transaction each.
async fn alone(rounds: usize, commits: usize) -> Result<Table> {
    let mut table = Table::new(
        &format!(
            "A lone caller with and without grouping, the same statements, median of {rounds} alternating rounds"
        ),
        &["", "wall a commit", "", "processor a commit", ""],
    );
    let folder = tempfile::tempdir()?;
    let (mut ours, mut plains) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let file = folder.path().join(format!("plain-{round}.db"));
        SqliteStore::open(SqliteConfig::new(&file, Arc::new(SystemClock))).await?.close().await?;
        plains.push(all_at_once(&Arc::new(plain::open(&file).await?), 1, commits).await?);
        ours.push(through_store(&folder.path().join(format!("ours-{round}.db")), 1, commits).await?.0);
    }
    let (ours, plain) = (median(&ours), median(&plains));
    table.row(["a transaction each", &us(plain.wall), "", &us(plain.cpu), ""].map(str::to_owned));
    let wall = at_most(ratio(ours.wall, plain.wall), MOST_ALONE);
    let cpu = times(ratio(ours.cpu, plain.cpu));
    table.row(["through the store".to_owned(), us(ours.wall), wall, us(ours.cpu), cpu]);
    Ok(table)
}

/// The cost of a commit where so many callers commit at once, each in a session of its own.
async fn all_at_once<S: SessionStore>(store: &Arc<S>, callers: usize, each: usize) -> Result<Cost> {
    let mut words = Words::new();
    let mut lists = Vec::with_capacity(callers);
    for _ in 0..callers {
        let (session, title) = (SessionId::new(), words.text(4));
        let mut commits = Vec::with_capacity(each);
        for n in 0..each {
            let message = fill::message(Role::User, &words.question(), None)?;
            commits.push(fill::commit(session, (n == 0).then_some(&title), vec![message]));
        }
        lists.push(commits);
    }
    let watch = Stopwatch::start();
    let callers: Vec<_> = lists
        .into_iter()
        .map(|commits| {
            let store = store.clone();
            tokio::spawn(async move {
                for commit in commits {
                    store.commit(&fill::person(), &commit).await?;
                }
                duyetbot_core::Result::Ok(())
            })
        })
        .collect();
    let count = u32::try_from(callers.len() * each)?;
    for caller in callers {
        caller.await??;
    }
    let cost = watch.stop();
    Ok(Cost { wall: cost.wall / count, cpu: cost.cpu / count })
}

/// What a commit may cost in flushes with so many callers, where a target stands.
pub(crate) fn most_flushes(callers: usize) -> Option<f64> {
    (callers == 64).then_some(MOST_FLUSHES)
}
