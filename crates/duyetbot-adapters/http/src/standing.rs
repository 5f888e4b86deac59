//! What is open ends soon after its credentials are taken away: by a token that is removed, by a person who is erased.
use axum::{
    Extension,
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use duyetbot_core::ErrorKind;
use futures::{
    FutureExt, StreamExt,
    future::{BoxFuture, Either, Shared, WeakShared, select},
};
use http::header;
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    pin::pin,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::{
    auth::{Credentials, unauthorized},
    parts::Api,
    problem::Answer,
};

type Ended = Shared<BoxFuture<'static, ()>>;

/// Who looks, for each of the credentials that something is open with: many streams of one person are one question.
#[derive(Default)]
pub(crate) struct Standing(Mutex<HashMap<[u8; 32], WeakShared<BoxFuture<'static, ()>>>>);

impl Standing {
    /// What ends once these do not count any more.
    fn ended(&self, api: &Api, credentials: &Credentials, every: Duration) -> Ended {
        let Credentials::Bearer(token) = credentials;
        let key = Sha256::digest(token).into();
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // One that has ended is not asked again: whoever is here was signed in after that.
        let there = open.get(&key).and_then(WeakShared::upgrade).filter(|ended| ended.peek().is_none());
        there.unwrap_or_else(|| {
            open.retain(|_, ended| ended.upgrade().is_some());
            let ended = end(api.clone(), credentials.clone(), every).boxed().shared();
            open.extend(ended.downgrade().map(|weak| (key, weak)));
            ended
        })
    }
}

/// Looks again and again. What may pass, such as a storage that is busy, ends nothing.
async fn end(api: Api, credentials: Credentials, every: Duration) {
    loop {
        api.clock.sleep(every).await;
        match api.auth.sign_in(&credentials).await {
            Err(error) if error.kind() == ErrorKind::Unauthorized => return,
            _ => {}
        }
    }
}

/// Lets a request last as long as its credentials do: its handler, and the stream that it answers.
pub(crate) async fn while_signed_in(
    State(api): State<Api>,
    Extension(credentials): Extension<Credentials>,
    request: Request,
    next: Next,
) -> Answer<Response> {
    let Some(every) = api.auth.look_again() else { return Ok(next.run(request).await) };
    let ended = api.standing().ended(&api, &credentials, every);
    match select(pin!(next.run(request)), ended.clone()).await {
        Either::Left((response, _)) => Ok(until(response, ended)),
        Either::Right(_) => Err(unauthorized().into()),
    }
}

fn until(response: Response, ended: Ended) -> Response {
    let is_stream =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream");
    if !is_stream {
        return response;
    }
    response.map(|body| Body::from_stream(body.into_data_stream().take_until(ended)))
}
