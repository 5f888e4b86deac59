//! Watching a run from where a reader stopped.
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use duyetbot_core::{RunId, SessionId, run::View};
use http::{HeaderMap, HeaderName, StatusCode, Uri};

use crate::{
    auth::Caller,
    extract::{Id, Query},
    parts::Api,
    problem::{Answer, Refusal},
    sse::{self, Reset},
};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

pub(crate) async fn watch(
    State(api): State<Api>,
    Caller(scope): Caller,
    Id(named): Id<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Answer<Response> {
    let query = Query::of(&uri, &["after"])?;
    let (run, after) = if named.contains('.') {
        let run = named.parse::<RunId>().map_err(|_| Refusal::not_found())?;
        (run, query.text("after").map(Held::counted))
    } else {
        let session: SessionId = named.parse().map_err(|_| Refusal::not_found())?;
        api.store.session(&scope, session).await?;
        match api.store.current(&scope, session).await? {
            // Steps of which run the reader counted is not known.
            Some(run) => (run, query.text("after").map(|_| Held::Unknown)),
            None => return Ok(StatusCode::NO_CONTENT.into_response()),
        }
    };
    // Whose run it is, and how far it came: before the first byte.
    let steps = View::of_row(&api.store.run(&scope, run).await?).step;
    let held = match position(&headers, run) {
        Some(position) => position,
        None => after.unwrap_or(Held::Steps(0)),
    };
    let (after, reset) = match held {
        Held::Steps(held) if held <= steps => (held, Reset::GoOn),
        _ => (0, Reset::Whole),
    };
    let events = api.agent.watch(&scope, run, after).await?;
    Ok(sse::stream(&api, events, reset))
}

/// What a reader says that it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    /// So many steps.
    Steps(u32),
    /// Something that is not of this run.
    Unknown,
}

impl Held {
    fn counted(text: &str) -> Self {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|_| digits).map_or(Held::Unknown, Held::Steps)
    }
}

/// The reader's position by its header; none where it has none.
fn position(headers: &HeaderMap, run: RunId) -> Option<Held> {
    let mut given = headers.get_all(LAST_EVENT_ID).iter();
    let (first, second) = (given.next()?, given.next());
    let of_this_run = || {
        let (of, count) = first.to_str().ok()?.rsplit_once(':')?;
        (of.parse::<RunId>().ok()? == run).then(|| Held::counted(count))
    };
    match second {
        None => Some(of_this_run().unwrap_or(Held::Unknown)),
        Some(_) => Some(Held::Unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use duyetbot_core::MessageId;

    #[test]
    fn a_position_is_a_count_of_this_run_or_unknown() {
        let run = RunId { session: SessionId::new(), message: MessageId::new() };
        let other = RunId { message: MessageId::new(), ..run };
        let of = |values: &[String]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(LAST_EVENT_ID, value.parse().unwrap());
            }
            position(&headers, run)
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[format!("{run}:3")]), Some(Held::Steps(3)));
        for unknown in [
            "",
            "abc",
            "3",
            &format!("{run}:-1"),
            &format!("{run}:+1"),
            &format!("{run}:"),
            &format!("{other}:1"),
        ] {
            assert_eq!(of(&[unknown.to_owned()]), Some(Held::Unknown), "{unknown}");
        }
        assert_eq!(of(&[format!("{run}:{}", "9".repeat(30))]), Some(Held::Unknown));
        assert_eq!(of(&[format!("{run}:1"), format!("{run}:1")]), Some(Held::Unknown));
    }
}
