//! `duyetbot approvals`: the calls that wait for a person, and what the person says to them.
use duyetbot_core::{CallId, Code, Decision, Error, ErrorKind, Result, RunId, RunState, run::OpenCall};
use duyetbot_wire as wire;

use crate::{
    app::App,
    approval::lines,
    args::Approvals,
    exit::Exit,
    stop::Stop,
    turn::{Turn, first},
};

/// Runs the command.
pub(crate) async fn run(app: &App, command: Approvals) -> Result<Exit> {
    match command {
        Approvals::Ls => ls(app).await,
        Approvals::Allow { id } => decide(app, &id, Decision::Allow).await,
        Approvals::Deny { id } => decide(app, &id, Decision::Deny).await,
    }
}

async fn ls(app: &App) -> Result<Exit> {
    let open = app.bot.agent().open_calls(app.bot.scope()).await?;
    if app.output.is_json() {
        app.output.json(&open.iter().map(wire::OpenCall::from).collect::<Vec<_>>())?;
        return Ok(Exit::Done);
    }
    if open.is_empty() {
        app.output.notice("nothing waits for a decision");
    }
    for call in &open {
        let is_here = app.is_here(&call.place);
        let (id, reason) = (short_id(call, &open), first(&call.reason));
        app.output.line(&format!("{id}  {} in {}", call.tool, call.place))?;
        app.output.line(&format!("    why: {reason}"))?;
        // A change is shown as it would be made, which can be told in its own folder only.
        for line in lines(app.bot.toolbox().filter(|_| is_here), &call.tool, &call.input) {
            app.output.line(&format!("    {}", line.text))?;
        }
    }
    Ok(Exit::Done)
}

/// The id that no other call has.
fn full_id(run: RunId, call: &CallId) -> String {
    format!("{run}:{call}")
}

/// The id to type: the call's own, where no other that waits has it.
fn short_id(call: &OpenCall, open: &[OpenCall]) -> String {
    let same = open.iter().filter(|other| other.call.0.starts_with(&call.call.0)).count();
    if same == 1 { call.call.0.clone() } else { full_id(call.run, &call.call) }
}

async fn decide(app: &App, id: &str, decision: Decision) -> Result<Exit> {
    let mut stop = Stop::listen()?;
    let open = app.bot.agent().open_calls(app.bot.scope()).await?;
    let Some(call) = find(&open, id)? else { return decide_again(app, id, decision).await };
    let state = app.bot.agent().decide(app.bot.scope(), call.run, &call.call, decision).await?;
    let is_here = app.is_here(&call.place);
    if state != RunState::Waiting && is_here {
        return Turn::talking(app).follow(call.run, call.step, &mut stop).await;
    }
    let word = if decision == Decision::Allow { "allowed" } else { "denied" };
    let left = open.iter().filter(|other| other.run == call.run).count().saturating_sub(1);
    let what_next = match state {
        RunState::Waiting if left == 1 => "1 more call of this turn waits".to_owned(),
        RunState::Waiting => format!("{left} more calls of this turn wait"),
        _ => format!(
            "it goes on in {}, where duyetbot runs there or is started next: cd there and `duyetbot`",
            call.place
        ),
    };
    answer(app, call.run, &call.call, decision, state, &format!("{word}; {what_next}"))
}

/// The same decision once more changes nothing, and says so.
async fn decide_again(app: &App, id: &str, decision: Decision) -> Result<Exit> {
    let none = || {
        let words = format!("no call with the id {id:?} waits; `duyetbot approvals ls` lists those that do");
        Error::new(ErrorKind::NotFound, words)
    };
    // A run's id holds no colon, a call's may.
    let (run, call) = id.trim().split_once(':').ok_or_else(none)?;
    let (run, call) = (run.parse::<RunId>().map_err(|_| none())?, CallId(call.to_owned()));
    match app.bot.agent().decide(app.bot.scope(), run, &call, decision).await {
        Ok(state) => answer(app, run, &call, decision, state, "it was decided so before"),
        Err(error) if error.is(Code::NotPending) => Err(none()),
        Err(error) => Err(error),
    }
}

fn answer(
    app: &App,
    run: RunId,
    call: &CallId,
    decision: Decision,
    state: RunState,
    words: &str,
) -> Result<Exit> {
    if app.output.is_json() {
        let (run_id, session_id, call_id) = (run.to_string(), run.session.to_string(), call.0.clone());
        app.output.json(&wire::Decided { run_id, session_id, call_id, decision, state })?;
    } else {
        app.output.line(words)?;
    }
    Ok(Exit::Done)
}

/// The call of an id or of its beginning: a call's own, or a run's. None where nothing begins so.
fn find<'a>(open: &'a [OpenCall], id: &str) -> Result<Option<&'a OpenCall>> {
    let id = id.trim();
    if id.is_empty() {
        return Err(Error::invalid("the call's id is empty; `duyetbot approvals ls` lists them"));
    }
    let full = |call: &OpenCall| full_id(call.run, &call.call);
    let exact: Vec<&OpenCall> = open.iter().filter(|call| call.call.0 == id || full(call) == id).collect();
    let found = if exact.is_empty() {
        let begins = |call: &&OpenCall| call.call.0.starts_with(id) || full(call).starts_with(id);
        open.iter().filter(begins).collect()
    } else {
        exact
    };
    match found.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        [first, ..] => Err(Error::invalid(format!(
            "more than one call that waits begins with {id:?}; give more of the id, for example {}",
            full(first)
        ))),
    }
}
