//! What each route takes and answers, in the document's words.
use duyetbot_wire::LARGEST_SEQ;

use crate::router::Route;

/// What a route takes and answers.
pub(super) struct Operation {
    pub(super) summary: &'static str,
    pub(super) query: &'static [Parameter],
    /// The type of its JSON body.
    pub(super) body: Option<&'static str>,
    pub(super) answers: &'static [(u16, Content)],
    /// What an answer leads to.
    pub(super) links: &'static [Link],
}

/// A parameter of the query: its name, what it may be, what it is for.
pub(super) struct Parameter(pub(super) &'static str, pub(super) Kind, pub(super) &'static str);

/// What a parameter may be.
pub(super) enum Kind {
    /// A form of the schemas.
    Form(&'static str),
    Number {
        least: u64,
        most: u64,
    },
    Switch,
    OneOf(&'static [&'static str]),
    Matching(&'static str),
}

/// From an answer to a route that takes what it holds: the route, and where its path's parameter stands in the answer.
pub(super) struct Link(pub(super) &'static str, pub(super) &'static str, pub(super) &'static str);

/// What an answer holds.
pub(super) enum Content {
    Json(&'static str),
    /// Server-sent events, each of this type.
    Events(&'static str),
    Bytes,
    Text,
    Page,
    Status,
    Document,
    Nothing,
}

const fn up_to(most: u64) -> Parameter {
    Parameter("limit", Kind::Number { least: 1, most }, "At most so many.")
}

const LIMIT: Parameter = up_to(1000);
const FEW: Parameter = up_to(100);
const CURSOR: Parameter = Parameter("cursor", Kind::Form("Text"), "The nextCursor of the page before.");
/// One state, or several.
const STATES: &str = "^(active|paused|completed)(,(active|paused|completed))*$";

const SESSION: &[Link] = &[
    Link("GET", "/sessions/{id}", "$response.body#/id"),
    Link("PATCH", "/sessions/{id}", "$response.body#/id"),
    Link("DELETE", "/sessions/{id}", "$response.body#/id"),
    Link("GET", "/sessions/{id}/messages", "$response.body#/id"),
];
const RUN: &[Link] = &[
    Link("GET", "/agent/stream/{id}", "$response.body#/runId"),
    Link("POST", "/agent/runs/{id}/stop", "$response.body#/runId"),
    Link("POST", "/agent/runs/{id}/approvals", "$response.body#/runId"),
    Link("GET", "/sessions/{id}", "$response.body#/sessionId"),
    Link("GET", "/sessions/{id}/messages", "$response.body#/sessionId"),
];
const BLOB: &[Link] = &[Link("GET", "/blobs/{hash}", "$request.path.hash")];
const TOKEN: &[Link] = &[Link("DELETE", "/users/me/tokens/{id}", "$response.body#/id")];

const fn takes(
    summary: &'static str,
    query: &'static [Parameter],
    body: Option<&'static str>,
    answers: &'static [(u16, Content)],
) -> Operation {
    Operation { summary, query, body, answers, links: &[] }
}

impl Operation {
    const fn leading(self, links: &'static [Link]) -> Self {
        Operation { links, ..self }
    }
}

/// What a route is, in the document's words.
pub(super) fn operation(route: Route) -> Option<Operation> {
    use Content::{Bytes, Document, Events, Json, Nothing, Page, Status, Text};
    Some(match (route.method, route.path) {
        ("POST", "/sessions") => takes(
            "Make a session. Its id is the client's: again is the same.",
            &[],
            Some("NewSession"),
            &[(201, Json("Session"))],
        )
        .leading(SESSION),
        ("GET", "/sessions") => takes(
            "List sessions, the latest updated first.",
            &[
                LIMIT,
                CURSOR,
                Parameter(
                    "state",
                    Kind::Matching(STATES),
                    "active, paused or completed, or several with commas; without it the first two.",
                ),
                Parameter("q", Kind::Form("Text"), "Only those whose title holds this."),
                Parameter("deleted", Kind::Switch, "Only those in the bin."),
                Parameter("workspace", Kind::Form("Text"), "Only those that were begun there."),
                Parameter(
                    "id",
                    Kind::Form("Text"),
                    "Those whose id begins so, at most two, whatever else is asked.",
                ),
            ],
            None,
            &[(200, Json("SessionPage"))],
        ),
        ("GET", "/sessions/{id}") => takes("Read a session.", &[], None, &[(200, Json("Session"))]),
        ("PATCH", "/sessions/{id}") => takes(
            "Change a session, or take it out of the bin.",
            &[],
            Some("SessionPatch"),
            &[(200, Json("Session"))],
        ),
        ("DELETE", "/sessions/{id}") => takes(
            "Put a session into the bin for 30 days, or erase it at once.",
            &[Parameter("erase", Kind::Switch, "Erase every word; this cannot be undone.")],
            None,
            &[(204, Nothing)],
        ),
        ("GET", "/sessions/{id}/messages") => takes(
            "Read the path of messages to the session's head, or to a branch's end.",
            &[
                LIMIT,
                CURSOR,
                Parameter(
                    "order",
                    Kind::OneOf(&["asc", "desc"]),
                    "desc, the newest first, where it is not named.",
                ),
                Parameter("branch", Kind::Form("Id"), "The message that the path ends with."),
                Parameter(
                    "after",
                    Kind::Number { least: 0, most: LARGEST_SEQ },
                    "Instead: the messages of all branches by their seq, after this one.",
                ),
            ],
            None,
            &[(200, Json("MessagePage"))],
        ),
        ("GET", "/search") => takes(
            "Find messages by their words, the best first. Nothing in them is syntax but quotes.",
            &[Parameter("q", Kind::Form("Text"), "The words."), FEW, CURSOR],
            None,
            &[(200, Json("SearchPage"))],
        ),
        ("POST", "/agent/chat") => takes(
            "Say something: it begins a run, or attaches to the one that this messageId began.",
            &[],
            Some("Chat"),
            &[(200, Events("ChatReply")), (202, Json("WaitingReply"))],
        )
        .leading(RUN),
        ("GET", "/agent/stream/{id}") => takes(
            "Watch a run, or a session's current run, from Last-Event-ID or from after.",
            &[Parameter("after", Kind::Form("Text"), "Steps of the run that are held already.")],
            None,
            &[(200, Events("")), (204, Nothing)],
        ),
        ("POST", "/agent/runs/{id}/stop") => {
            takes("Stop a run. What was said stays.", &[], None, &[(202, Json("RunReply"))])
        }
        ("POST", "/agent/runs/{id}/approvals") => {
            takes("Decide a call that waits.", &[], Some("Decide"), &[(200, Json("RunReply"))])
        }
        ("GET", "/agent/approvals") => {
            takes("List the calls that wait for a decision.", &[], None, &[(200, Json("OpenCalls"))])
        }
        ("POST", "/agent/execute") => takes(
            "Run one tool, where a rule or the tool itself lets it run unasked.",
            &[],
            Some("Execute"),
            &[(200, Json("ExecuteReply"))],
        ),
        ("PUT", "/blobs/{hash}") => {
            takes("Store a file by the SHA-256 of its bytes.", &[], Some(""), &[(204, Nothing)]).leading(BLOB)
        }
        ("GET", "/blobs/{hash}") => takes("Read a file.", &[], None, &[(200, Bytes)]),
        ("GET", "/users/me") => takes("Read who calls.", &[], None, &[(200, Json("User"))]),
        ("PATCH", "/users/me") => takes(
            "Change the name or the settings of who calls.",
            &[],
            Some("UserPatch"),
            &[(200, Json("User"))],
        ),
        ("DELETE", "/users/me") => takes(
            "Erase who calls, and all that they have; this cannot be undone. 202: gone for everybody, the rest follows.",
            &[],
            None,
            &[(202, Nothing), (204, Nothing)],
        ),
        ("GET", "/users/me/tokens") => takes(
            "List the API tokens of who calls, the newest first.",
            &[],
            None,
            &[(200, Json("ApiTokens"))],
        ),
        ("POST", "/users/me/tokens") => takes(
            "Make an API token, that can do no more than the one it is made with. It is shown this once.",
            &[],
            Some("NewApiToken"),
            &[(201, Json("MadeToken"))],
        )
        .leading(TOKEN),
        ("DELETE", "/users/me/tokens/{id}") => {
            takes("Remove an API token: it is refused at once.", &[], None, &[(204, Nothing)])
        }
        ("GET", "/users/me/usage") => {
            takes("Read what is used of each limit.", &[], None, &[(200, Json("UsageOverview"))])
        }
        ("GET", "/healthz") => takes("Does the process live?", &[], None, &[(200, Status)]),
        ("GET", "/readyz") => takes("Can it serve?", &[], None, &[(200, Status)]),
        ("GET", "/metrics") => takes("What it does, for Prometheus.", &[], None, &[(200, Text)]),
        ("GET", "/openapi.json") => takes("This document.", &[], None, &[(200, Document)]),
        ("GET", "/") => takes("The API on a page.", &[], None, &[(200, Page)]),
        _ => return None,
    })
}
