//! The server beside a bare pass-through of the same stack: chats, memory of streams, start and lists.
mod client;
mod limit;
mod load;
mod process;

pub(crate) use limit::serve as pass_through;

use std::{fs::File, io::Write, path::Path, time::Duration};
use tokio::runtime::Runtime;

use crate::{
    Result, Size,
    cost::{Stopwatch, middle},
    model,
    program::Program,
    report::{Table, at_least, at_most, mib, ms, times},
};
use client::{Connection, Place};
use load::{Load, Measured};
use process::Server;

/// Streams whose answers are being written, and streams that only watch.
const LIVE: usize = 5_000;
const WATCHING: usize = 10_000;
/// What they and the server at rest may take.
const LIVE_KIB: f64 = 45.0;
const WATCHING_KIB: f64 = 25.0;
const REST: u64 = 20 << 20;
/// What a start may take.
const LONGEST_START: Duration = Duration::from_millis(100);

pub(crate) fn measure(size: Size) -> Result<Vec<Table>> {
    process::raise_descriptors()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let program = Program::find(runtime.block_on(model::serve())?)?;
    Ok(vec![
        chats(&runtime, &program, size)?,
        streams(&runtime, &program, size)?,
        start_and_lists(&runtime, &program, size)?,
    ])
}

/// Streamed chats, each in a session of its own, by turns with the pass-through.
fn chats(runtime: &Runtime, program: &Program, size: Size) -> Result<Table> {
    let home = tempfile::tempdir()?;
    let limit = Server::pass_through(program)?;
    let ours = Server::duyetbot(program, home.path())?;
    let title = format!("A streamed chat of {} tokens, each in a new session", model::TOKENS);
    let mut table = Table::new(&title, &["at once", "what", "pass-through", "duyetbot", "beside"]);
    let (rounds, time) = (size.of(5, 1), Duration::from_millis(size.of(3_000, 300)));
    for at_once in size.of(vec![1, 64, 256], vec![1, 8]) {
        let (mut theirs, mut own) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            theirs.push(limit.under(runtime, Load { at_once, time, session: false, numbers: None })?);
            own.push(ours.under(runtime, Load { at_once, time, session: true, numbers: None })?);
        }
        let (theirs, own) = (Measured::median(&theirs), Measured::median(&own));
        let mut row = |what: &str, a: String, b: String, beside: String| {
            table.row([at_once.to_string(), what.to_owned(), a, b, beside]);
        };
        let rate = own.rate / theirs.rate;
        let beside = if at_once == 64 { at_least(rate, 0.45) } else { times(rate) };
        row("chats a second", format!("{:.0}", theirs.rate), format!("{:.0}", own.rate), beside);
        let cpu = own.cpu.as_secs_f64() / theirs.cpu.as_secs_f64();
        let beside = if at_once == 64 { at_most(cpu, 2.5) } else { times(cpu) };
        row("processor a chat", ms(theirs.cpu), ms(own.cpu), beside);
        row("first token, median", ms(theirs.first), ms(own.first), String::new());
        if at_once == 1 {
            let alone = runtime.block_on(load::model_alone(program.model(), size.of(200, 10)))?;
            let (a, b) = (theirs.first.saturating_sub(alone), own.first.saturating_sub(alone));
            let flush = flush(home.path(), size.of(200, 10))?;
            let most = a.mul_f64(2.5) + flush.mul_f64(1.5);
            let verdict = if b <= most { "met" } else { "MISSED" };
            row("added to the model's", ms(a), ms(b), format!("(≤ {}: {verdict})", ms(most)));
        }
        row("errors", theirs.errors.to_string(), own.errors.to_string(), String::new());
    }
    let load = Load { at_once: size.of(64, 4), time, session: true, numbers: Some(100) };
    let recalling = (0..rounds).map(|_| ours.under(runtime, load)).collect::<Result<Vec<_>>>()?;
    let Measured { rate, cpu, .. } = Measured::median(&recalling);
    table.note(format!(
        "No message above names what another does, so that recall finds nothing. Where each finds eight passages, at once {}: \
         {rate:.0} chats a second, {} of processor.",
        load.at_once,
        ms(cpu)
    ));
    let unstreamed = ours.unstreamed(runtime, size.of(64, 4), time)?;
    table.note(format!("Not streamed, at once {}: {unstreamed:.0} chats a second.", size.of(64, 4)));
    Ok(table)
}

/// The time of one flush of the disk that the server writes to.
fn flush(place: &Path, times: usize) -> Result<Duration> {
    let mut file = File::create(place.join("flush"))?;
    let mut took = Vec::with_capacity(times);
    for _ in 0..times {
        file.write_all(&[0; 4096])?;
        let watch = Stopwatch::start();
        file.sync_data()?;
        took.push(watch.stop().wall);
    }
    Ok(middle(took.into_iter()))
}

/// Memory of many streams.
fn streams(runtime: &Runtime, program: &Program, size: Size) -> Result<Table> {
    let slow = program.beside(runtime.block_on(model::serve_slowly(Duration::from_secs(2)))?);
    let mut table = Table::new("Memory", &["what", "streams", "resident", "a stream"]);
    let home = tempfile::tempdir()?;
    let ours = Server::duyetbot(&slow, home.path())?;
    let rest = ours.memory()?;
    let verdict = if rest <= REST { "met" } else { "MISSED" };
    table.row([
        "at rest".into(),
        String::new(),
        format!("{} (≤ {}: {verdict})", mib(rest), mib(REST)),
        String::new(),
    ]);
    let most = process::descriptors()?.saturating_sub(1_000);
    let mut row = |what: &str, open: usize, asked: usize, memory: u64, before: u64, bound: Option<f64>| {
        let each = memory.saturating_sub(before) as f64 / open.max(1) as f64 / 1024.0;
        let verdict =
            bound.map(|bound| format!(" (≤ {bound} KiB: {})", if each <= bound { "met" } else { "MISSED" }));
        let streams = format!("{open} of {asked}");
        table.row([
            what.to_owned(),
            streams,
            mib(memory),
            format!("{each:.1} KiB{}", verdict.unwrap_or_default()),
        ]);
    };
    let live = size.of(LIVE, 20).min(most / 2);
    let limit = Server::pass_through(&slow)?;
    let before = limit.memory()?;
    let open = runtime.block_on(load::live(&limit.place, live, false))?;
    row("live, pass-through", open.len(), live, limit.memory()?, before, None);
    drop((open, limit));
    let open = runtime.block_on(load::live(&ours.place, live, true))?;
    row("live", open.len(), live, ours.memory()?, rest, Some(LIVE_KIB));
    drop((open, ours));

    let home = tempfile::tempdir()?;
    let ours = Server::duyetbot(&slow, home.path())?;
    let (before, watching) = (ours.memory()?, size.of(WATCHING, 20).min(most));
    let open = runtime.block_on(load::watching(&ours.place, watching))?;
    row("only watching", open.len(), watching, ours.memory()?, before, Some(WATCHING_KIB));
    Ok(table)
}

/// From the start to the first answer, and lists in a file of many sessions.
fn start_and_lists(runtime: &Runtime, program: &Program, size: Size) -> Result<Table> {
    let home = tempfile::tempdir()?;
    let sessions = size.of(1_000, 10);
    let title = format!("Start, and reads with {sessions} sessions");
    let mut table = Table::new(&title, &["what", "median", "95 of 100"]);
    {
        let ours = Server::duyetbot(program, home.path())?;
        runtime.block_on(load::fill(&ours.place, sessions))?;
    }
    let mut starts = Vec::new();
    for _ in 0..size.of(11, 2) {
        let watch = Stopwatch::start();
        let ours = Server::duyetbot(program, home.path())?;
        runtime.block_on(async { Connection::open(&ours.place).await?.get("/healthz").await })?;
        starts.push(watch.stop().wall);
    }
    starts.sort_unstable();
    let start = middle(starts.iter().copied());
    let verdict = if start <= LONGEST_START { "met" } else { "MISSED" };
    let slowest = load::percentile(&starts, 95);
    table.row([
        "start to the first answer".into(),
        format!("{} (≤ {}: {verdict})", ms(start), ms(LONGEST_START)),
        ms(slowest),
    ]);
    let ours = Server::duyetbot(program, home.path())?;
    let session = runtime.block_on(load::long_session(&ours.place, size.of(30, 2)))?;
    for (what, path) in [
        ("`GET /sessions`", "/sessions".to_owned()),
        ("last 50 messages", format!("/sessions/{session}/messages?limit=50")),
    ] {
        let took = runtime.block_on(load::reads(&ours.place, &path, size.of(1_000, 10)))?;
        table.row([what.to_owned(), ms(load::percentile(&took, 50)), ms(load::percentile(&took, 95))]);
    }
    Ok(table)
}

impl Server {
    /// What comes of a load, with what it costs this server.
    fn under(&self, runtime: &Runtime, load: Load) -> Result<Measured> {
        let before = self.cpu()?;
        let mut measured = runtime.block_on(load.run(&self.place))?;
        let chats = u32::try_from(measured.chats.max(1))?;
        measured.cpu = (self.cpu()? - before) / chats;
        Ok(measured)
    }

    fn unstreamed(&self, runtime: &Runtime, at_once: usize, time: Duration) -> Result<f64> {
        runtime.block_on(load::unstreamed(&self.place, at_once, time))
    }
}

/// A place as a client of it sees it.
fn place(address: std::net::SocketAddr, token: &str) -> Place {
    Place { address, token: token.to_owned() }
}
