//! Stopping a run; finding and deciding its calls.
use axum::extract::State;
use duyetbot_core::{CallId, RunId};
use duyetbot_wire::{Decide, OpenCall, OpenCalls, RunReply};
use http::StatusCode;

use crate::{
    auth::Caller,
    extract::{Id, Json},
    parts::Api,
    problem::Answer,
};

pub(crate) async fn stop(
    State(api): State<Api>,
    Caller(scope): Caller,
    Id(run): Id<RunId>,
) -> Answer<(StatusCode, axum::Json<RunReply>)> {
    let state = api.agent.stop(&scope, run).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(RunReply { run_id: run.to_string(), state })))
}

pub(crate) async fn open_calls(
    State(api): State<Api>,
    Caller(scope): Caller,
) -> Answer<axum::Json<OpenCalls>> {
    let open = api.agent.open_calls(&scope).await?;
    Ok(axum::Json(OpenCalls { approvals: open.iter().map(OpenCall::from).collect() }))
}

pub(crate) async fn decide(
    State(api): State<Api>,
    Caller(scope): Caller,
    Id(run): Id<RunId>,
    Json(given): Json<Decide>,
) -> Answer<axum::Json<RunReply>> {
    let state = api.agent.decide(&scope, run, &CallId(given.call_id), given.decision).await?;
    Ok(axum::Json(RunReply { run_id: run.to_string(), state }))
}
