//! `duyetbot serve --check`: what a server would be made of, without serving or changing anything.
use duyetbot_core::Result;
use duyetbot_server::{http::MetricsAccess, is_loopback};

use super::plan::Plan;
use crate::{
    doctor::{Finding, Mend, look_at_database, look_at_home, look_at_model, print},
    environment::Environment,
    exit::Exit,
    home::Home,
    output::Output,
    settings::Settings,
};

/// Says what holds. An impossible setting was refused before, by its name.
pub(super) async fn run(
    (environment, home): (&Environment, &Home),
    settings: &Settings,
    output: &Output,
    plan: &Plan,
    address: &str,
) -> Result<Exit> {
    let findings = [
        fine("address", format!("{address}, {}", reach(address)?)),
        fine("people", plan.people.said(environment)),
        look_at_home(home),
        look_at_database(home, settings, Mend::Nothing).await,
        look_at_model(environment, home, settings).await,
        fine("tools", tools(plan)),
        fine("limits", limits(plan)),
        fine("metrics", metrics(plan).to_owned()),
        fine("origins", origins(plan)),
        fine(
            "log",
            format!("{}, {}", said(settings, "log.format", "text"), said(settings, "log.level", "info")),
        ),
        fine("drain", format!("{} s", plan.server.drain.as_secs())),
    ];
    print(output, &findings)
}

fn fine(what: &'static str, detail: String) -> Finding {
    Finding { what, ok: true, detail }
}

fn said(settings: &Settings, name: &str, usual: &str) -> String {
    settings.text(name).unwrap_or_else(|| usual.to_owned())
}

fn reach(address: &str) -> Result<&'static str> {
    Ok(if is_loopback(address)? { "this machine alone" } else { "other machines too" })
}

fn metrics(plan: &Plan) -> &'static str {
    match plan.server.api.metrics {
        MetricsAccess::Open => "whoever reaches the address",
        MetricsAccess::Token(_) => "whoever has METRICS_TOKEN",
        MetricsAccess::Closed => "nobody; METRICS_TOKEN is not set",
    }
}

fn tools(plan: &Plan) -> String {
    match (&plan.tools, &plan.sandbox) {
        (None, _) => "none; tools.enabled is off".to_owned(),
        (Some(_), None) => {
            "pages of the public web and the person's own sessions; no files, no commands".to_owned()
        }
        (Some(tools), Some(sandbox)) => {
            let folder = tools.workspace.as_deref().unwrap_or_else(|| "".as_ref());
            format!("all, in {}; {sandbox}", folder.display())
        }
    }
}

fn limits(plan: &Plan) -> String {
    let or_none = |limit: Option<u64>| limit.map_or_else(|| "no limit".to_owned(), |limit| limit.to_string());
    let (limits, behaviour) = (plan.behaviour.limits, &plan.behaviour);
    [
        ("sessions", limits.sessions),
        ("messages a session", limits.messages),
        ("bytes", limits.bytes),
        ("requests a minute", plan.server.api.rate.map(|rate| rate.limit.into())),
        ("runs at once", behaviour.runs_at_once.map(Into::into)),
    ]
    .map(|(what, limit)| format!("{what}: {}", or_none(limit)))
    .join(", ")
}

fn origins(plan: &Plan) -> String {
    let origins = &plan.server.api.origins;
    if origins.is_empty() { "no web page elsewhere".to_owned() } else { origins.join(", ") }
}
