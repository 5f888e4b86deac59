//! A person's message: it begins a run, and the answer is a view of it. Nothing here holds the run: whoever goes away stops
//! nothing.
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use duyetbot_core::{
    Chat, Error, ErrorKind, Event, MessageId, Missing, Origin, Part, Result, RunId, RunState, Scope,
    SessionId, ToolStatus, Watched,
    run::{CallState, Narrowing, View, hydrate},
};
use duyetbot_wire::{self as wire, ChatReply, WaitingReply};
use futures::{
    FutureExt, StreamExt,
    channel::oneshot,
    future::{self, BoxFuture, Either, select},
    stream::{self, BoxStream},
};
use http::StatusCode;
use std::time::Duration;

use super::workspace;
use crate::{
    auth::Caller,
    extract::{Json, id},
    parts::Api,
    problem::{Answer, Refusal},
    sse::{self, Reset},
};

/// How long a stream waits for its run before it answers all the same: a head is due within a second.
const PATIENCE: Duration = Duration::from_millis(800);

pub(crate) async fn chat(
    State(api): State<Api>,
    Caller(scope): Caller,
    Json(given): Json<wire::Chat>,
) -> Answer<Response> {
    let streams = given.stream.unwrap_or(true);
    let chat = read(&api, &scope, given).await?;
    let begun = begin(&api, &scope, chat);
    if !streams {
        return at_the_end(&api, &scope, begun.await?).await;
    }
    let events = match select(begun, api.clock.sleep(PATIENCE)).await {
        Either::Left((run, _)) => api.agent.watch(&scope, run?, 0).await?,
        Either::Right((_, begun)) => later(api.clone(), scope, begun),
    };
    Ok(sse::stream(&api, events, Reset::GoOn))
}

/// The message of a request. Whatever it names must be the caller's own.
async fn read(api: &Api, scope: &Scope, given: wire::Chat) -> Answer<Chat> {
    let session: Option<SessionId> = given.session_id.map(|text| id(&text, "sessionId")).transpose()?;
    let message = given.message_id.map(|text| id(&text, "messageId")).transpose()?;
    let parent: Option<MessageId> = given.parent_id.map(|text| id(&text, "parentId")).transpose()?;
    let seen: Option<MessageId> = given.seen_id.map(|text| id(&text, "seenId")).transpose()?;
    if given.max_steps == Some(0) {
        return Err(Error::invalid("maxSteps is at least 1").into());
    }
    let mut parts = given.message.into_parts()?;
    for part in &mut parts {
        if let Part::Image { blob, .. } | Part::File { blob, .. } = part {
            blob.size = api.blobs.blob(scope, &blob.hash).await?.len() as u64;
        }
    }
    let named = parent.or(seen);
    let chat = Chat {
        session,
        message: message.unwrap_or_else(MessageId::new),
        parts,
        parent,
        seen,
        origin: given.origin.unwrap_or(Origin::Api),
        model: given.model,
        max_steps: given.max_steps,
        narrowing: Narrowing { allow: given.allow, deny: given.deny.unwrap_or_default() },
        place: given.workspace.map(|mark| workspace(api, &mark)).transpose()?,
        missing: if session.is_some() || named.is_some() { Missing::Refused } else { Missing::Begun },
    };
    if let Some(named) = named {
        api.store.message(scope, chat.session_id(scope), named).await?;
    }
    Ok(chat)
}

type Begun = BoxFuture<'static, Result<RunId>>;

/// Starts the run in work of its own, which a caller that goes away does not drop.
fn begin(api: &Api, scope: &Scope, chat: Chat) -> Begun {
    let (tell, told) = oneshot::channel();
    let (agent, scope) = (api.agent.clone(), scope.clone());
    let work = async move {
        // Nobody hears where the caller has gone.
        let _ = tell.send(agent.start(&scope, chat).await);
    };
    api.spawner.spawn(work.boxed());
    let cut = || Error::new(ErrorKind::Unavailable, "the message could not be begun; send it again");
    told.map(move |told| told.unwrap_or_else(|_| Err(cut()))).boxed()
}

/// The events of a run that is not begun yet.
fn later(api: Api, scope: Scope, begun: Begun) -> BoxStream<'static, Watched> {
    let events = async move {
        let watched = match begun.await {
            Ok(run) => api.agent.watch(&scope, run, 0).await,
            Err(error) => Err(error),
        };
        watched.unwrap_or_else(|error| {
            let failed = Event::Error { state: RunState::Failed, error };
            stream::once(future::ready((None, failed))).boxed()
        })
    };
    stream::once(events).flatten().boxed()
}

/// Waits for the run's end, or until it waits itself.
async fn at_the_end(api: &Api, scope: &Scope, run: RunId) -> Answer<Response> {
    let mut events = api.agent.watch(scope, run, 0).await?;
    let mut denied: Vec<String> = Vec::new();
    loop {
        let event = match select(events.next(), api.drain.begun().boxed()).await {
            Either::Left((event, _)) => event,
            Either::Right(_) => return Err(of_run(stopping(), run)),
        };
        match event {
            // A run that went on after a wait tells its open step again.
            Some((_, Event::ToolResult { call, status: ToolStatus::Denied, .. })) => {
                if !denied.contains(&call.0) {
                    denied.push(call.0);
                }
            }
            Some((_, Event::Done { state, usage, message })) => {
                let message = match message {
                    Some(id) => {
                        let message = api.store.message(scope, run.session, id).await?;
                        Some(hydrate(&*api.blobs, scope, message).await?.into())
                    }
                    None => None,
                };
                let (run_id, session_id) = (run.to_string(), run.session.to_string());
                let reply = ChatReply { run_id, session_id, state, message, usage: usage.into(), denied };
                return Ok(axum::Json(reply).into_response());
            }
            Some((_, Event::Error { error, .. })) => return Err(of_run(error.into(), run)),
            Some((_, Event::Approval { .. })) => return waiting(api, scope, run).await,
            Some(_) => {}
            None => return Err(of_run(Refusal::unavailable("the run went on elsewhere; watch it"), run)),
        }
    }
}

fn stopping() -> Refusal {
    Refusal::unavailable("the server is stopping; send the same message again, or watch the run")
}

fn of_run(mut refusal: Refusal, run: RunId) -> Refusal {
    refusal.problem.run_id = Some(run.to_string());
    refusal
}

/// The calls that a run waits with.
async fn waiting(api: &Api, scope: &Scope, run: RunId) -> Answer<Response> {
    let row = api.store.run(scope, run).await?;
    let asked = View::of_row(&row).calls.into_iter().filter_map(|call| match call.state {
        CallState::Asked { reason } => Some(wire::Approval {
            call_id: call.call.0,
            tool: call.tool,
            input: serde_json::from_str(&call.input).unwrap_or_else(|_| call.input.into()),
            reason,
        }),
        _ => None,
    });
    let (run_id, session_id) = (run.to_string(), run.session.to_string());
    let reply = WaitingReply { run_id, session_id, state: row.state, approvals: asked.collect() };
    Ok((StatusCode::ACCEPTED, axum::Json(reply)).into_response())
}
