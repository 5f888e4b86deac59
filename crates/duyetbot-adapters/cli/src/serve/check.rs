//! `duyetbot serve --check`: what a server would be made of, without serving or changing anything.
use duyetbot_core::Result;
use duyetbot_server::{http::MetricsAccess, listen};

use super::{
    address::{Listening, Reach},
    faults::Faults,
    place,
    plan::Plan,
};
use crate::{
    doctor::{Finding, Mend, database, look_at_database, look_at_home, look_at_model, print},
    environment::Environment,
    exit::Exit,
    home::Home,
    output::Output,
    settings::Settings,
};

/// Says what holds and what does not: everything that would keep a server from starting, and not the first of it alone.
pub(super) async fn run(
    (environment, home): (&Environment, &Home),
    settings: &Settings,
    output: &Output,
    plan: &std::result::Result<Plan, Faults>,
    address: &Listening,
) -> Result<Exit> {
    let mut findings: Vec<Finding> = Vec::new();
    match plan {
        Ok(plan) => findings.push(fine("people", plan.people.said(environment))),
        Err(faults) => findings.extend(faults.sentences().map(|fault| wrong("settings", fault))),
    }
    findings.extend(look_at_address(address).await);
    findings.push(look_at_home(home));
    if let Ok(Some(file)) = database(home, settings) {
        findings.extend(place::faults(&file).iter().map(|fault| wrong("place", fault)));
    }
    findings.push(look_at_database(home, settings, Mend::Nothing).await);
    findings.push(look_at_model(environment, home, settings).await);
    if let Ok(plan) = plan {
        findings.extend([
            fine("tools", tools(plan)),
            fine("limits", limits(plan)),
            fine("metrics", metrics(plan).to_owned()),
            fine("origins", origins(plan)),
            fine(
                "log",
                format!("{}, {}", said(settings, "log.format", "text"), said(settings, "log.level", "info")),
            ),
            fine("drain", format!("{} s", plan.server.drain.as_secs())),
        ]);
    }
    let exit = print(output, &findings)?;
    Ok(plan.as_ref().err().map_or(exit, Faults::exit))
}

fn wrong(what: &'static str, detail: &str) -> Finding {
    Finding { what, ok: false, detail: detail.to_owned() }
}

/// Whether it can be listened on, for a moment. That it is no address is a fault of the settings.
async fn look_at_address(address: &Listening) -> Option<Finding> {
    let reach = match address.reach? {
        Reach::Here => "this machine alone",
        Reach::Elsewhere => "other machines too",
    };
    Some(match listen(&address.text).await {
        Ok(_) => fine("address", format!("{}, {reach}", address.text)),
        Err(error) => wrong("address", error.message()),
    })
}

fn fine(what: &'static str, detail: String) -> Finding {
    Finding { what, ok: true, detail }
}

fn said(settings: &Settings, name: &str, usual: &str) -> String {
    settings.text(name).unwrap_or_else(|| usual.to_owned())
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
