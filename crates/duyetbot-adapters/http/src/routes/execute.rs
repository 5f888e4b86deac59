//! One call of a tool, without a model.
use axum::extract::State;
use duyetbot_core::{
    CallId, Error, ErrorKind, MessageId, RunId, SessionId, ToolContext, ToolResult, ToolStatus,
    run::{Slots, Verdict},
    text,
};
use duyetbot_wire::{Execute, ExecuteReply};
use futures::FutureExt;
use std::{panic::AssertUnwindSafe, time::Duration};

use crate::{
    auth::Caller,
    extract::{Json, id},
    parts::Api,
    problem::{Answer, Refusal},
    within::within,
};

/// How long a call may take.
const LONGEST: Duration = Duration::from_secs(120);

pub(crate) async fn execute(
    State(api): State<Api>,
    Caller(scope): Caller,
    Json(given): Json<Execute>,
) -> Answer<axum::Json<ExecuteReply>> {
    let session: Option<SessionId> = given.session_id.map(|text| id(&text, "sessionId")).transpose()?;
    if let Some(session) = session {
        api.store.session(&scope, session).await?;
    }
    let tool = api.tools.iter().find(|tool| tool.spec().name == given.tool).ok_or_else(Refusal::not_found)?;
    let input = given.input.get();
    if api.redactor.alters(input) {
        let detail = "the input holds a value that is kept secret here; a call with it is not run";
        return Err(Error::new(ErrorKind::Forbidden, detail).into());
    }
    let policy = api.policy.renewed().unwrap_or_else(|| api.policy.clone());
    match policy.judge(&given.tool, input) {
        Verdict::Allow => {}
        Verdict::Ask(why) => {
            let detail = format!("{why}; a call by itself has nobody to ask: it needs a rule that allows it");
            return Err(Error::new(ErrorKind::Forbidden, detail).into());
        }
        Verdict::Deny(why) => return Err(Error::new(ErrorKind::Forbidden, why).into()),
        Verdict::Invalid(why) => return Err(Error::invalid(format!("input: {why}")).into()),
    }
    let Some(_slot) = api.executing().take(&scope, api.settings.runs_at_once) else {
        return Err(Slots::full().into());
    };
    let began = api.clock.now();
    let run = RunId { session: session.unwrap_or_else(SessionId::new), message: MessageId::new() };
    let context = ToolContext { scope, run, call: CallId(run.message.to_string()) };
    let call = AssertUnwindSafe(tool.call(&context, input)).catch_unwind();
    let result = match within(&*api.clock, LONGEST, call).await {
        Some(Ok(result)) => result,
        Some(Err(_)) => ToolResult::error("the tool failed (it panicked)"),
        None => ToolResult::error(format!("the tool took more than {} s and was ended", LONGEST.as_secs())),
    };
    let status = if result.status == ToolStatus::Success { ToolStatus::Success } else { ToolStatus::Error };
    let took = api.clock.now().0.saturating_sub(began.0).max(0).unsigned_abs();
    let output = api.redactor.redact(&text::mend(&result.output)).into_owned();
    Ok(axum::Json(ExecuteReply { tool: given.tool, status, output, duration_ms: took }))
}
