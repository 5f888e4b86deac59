//! `duyetbot config rules explain`: what would happen to a call, and by which rule.
use duyetbot::{SystemClock, Toolbox, tools::rules::Step};
use duyetbot_core::{
    Error, MemoryStore, Result,
    run::{Presence, Verdict},
};
use serde_json::{Value, json};
use std::sync::Arc;

use crate::{
    environment::Environment, home::Home, output::Output, settings::Settings, workshop::tool_settings,
};

/// A call as a person writes it.
pub(crate) struct Call {
    tool: String,
    input: String,
}

impl Call {
    /// Reads `tool`, `tool(about)`, or a tool and what it is about.
    pub(crate) fn read(call: &str, input: Option<String>) -> Result<Self> {
        let call = call.trim();
        let (tool, about) = match (call.split_once('('), input) {
            (None, None) => (call, String::new()),
            (None, Some(about)) => (call, about),
            (Some((tool, rest)), None) => {
                let about = rest.strip_suffix(')').ok_or_else(|| {
                    Error::invalid(format!(
                        "{call:?} has no closing bracket; write it as \"bash(git status)\""
                    ))
                })?;
                (tool, about.to_owned())
            }
            (Some(_), Some(_)) => {
                return Err(Error::invalid("give the call as \"TOOL(…)\", or as TOOL and INPUT, not both"));
            }
        };
        Ok(Call { tool: tool.to_owned(), input: input_of(tool, &about) })
    }
}

/// The JSON of what a call is about.
fn input_of(tool: &str, about: &str) -> String {
    if serde_json::from_str::<Value>(about).is_ok_and(|value| value.is_object()) {
        return about.to_owned();
    }
    match tool {
        "bash" => json!({ "command": about }),
        "web_fetch" if about.contains("://") => json!({ "url": about }),
        "web_fetch" => json!({ "url": format!("https://{about}/") }),
        _ if about.is_empty() => json!({}),
        _ => json!({ "path": about }),
    }
    .to_string()
}

/// Says what would happen to it here and now, with a person to ask.
pub(crate) fn explain(
    home: &Home,
    settings: &Settings,
    environment: &Environment,
    output: &Output,
    call: &Call,
) -> Result<()> {
    let store = Arc::new(MemoryStore::new(Arc::new(SystemClock)));
    let tools = tool_settings(environment, home, settings);
    let toolbox = Toolbox::open(tools, store, &[], Presence::Person)?;
    let explained = toolbox.explain(&call.tool, &call.input);
    let grants: Vec<String> =
        toolbox.narrowest(&call.tool, &call.input).iter().map(ToString::to_string).collect();
    if !output.is_json() {
        output.line(explained.to_string().trim_end())?;
        if !grants.is_empty() {
            output.line(&format!("the narrowest rules that would allow it: {}", grants.join(", ")))?;
        }
        return Ok(());
    }
    let (verdict, reason) = match &explained.verdict {
        Verdict::Allow => ("allow", None),
        Verdict::Ask(why) => ("ask", Some(why)),
        Verdict::Deny(why) => ("deny", Some(why)),
        Verdict::Invalid(why) => ("invalid", Some(why)),
    };
    output.json(&json!({
        "tool": call.tool,
        "input": serde_json::from_str::<Value>(&call.input).unwrap_or(Value::Null),
        "verdict": verdict,
        "reason": reason,
        "steps": explained.steps.iter().map(step).collect::<Vec<_>>(),
        "grants": grants,
    }))
}

fn step(step: &Step) -> Value {
    use duyetbot::tools::rules::Outcome;
    let outcome = match step.outcome {
        Outcome::Allow => "allow",
        Outcome::Ask => "ask",
        Outcome::Deny => "deny",
    };
    let rule = step.rule.as_ref().map(|placed| {
        json!({
            "rule": placed.rule.to_string(),
            "list": placed.list.to_string(),
            "source": placed.source.to_string(),
        })
    });
    json!({ "subject": step.subject, "outcome": outcome, "why": step.why, "rule": rule })
}
