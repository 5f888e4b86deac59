//! The built-in tools over HTTP: what runs, what waits for somebody's word, what a message narrows.
use duyetbot::{
    ToolSettings,
    tools::{
        Confinement, Environment, Sandbox, Settings,
        rules::{Lists, Source},
    },
};
use serde_json::{Value, json};
use std::path::Path;

use crate::place::{Place, Wishes};

/// Tools in this folder, with these rules of the operator's.
fn tools_in(folder: &Path, allow: &[&str]) -> ToolSettings {
    let mut settings = ToolSettings::new(folder);
    let allow = allow.iter().map(|rule| (*rule).to_owned()).collect();
    settings.rules.add(&Source::Environment, &Lists { allow, ..Lists::default() }).unwrap();
    settings.with = Settings {
        environment: Environment::from_vars([("PATH".into(), "/usr/bin:/bin".into())], &[]),
        sandbox: Sandbox::On(Confinement::default()),
        ..Settings::default()
    };
    settings
}

async fn place_with(tools: ToolSettings) -> Place {
    Place::with(Wishes { built_in: Some(tools), ..Wishes::default() }).await
}

/// The events of one type, without their ids.
fn of_type<'a>(events: &'a [(Option<String>, Value)], kind: &str) -> Vec<&'a Value> {
    events.iter().map(|(_, event)| event).filter(|event| event["type"] == kind).collect()
}

#[tokio::test]
async fn a_command_runs_once_a_second_client_allows_it_and_the_first_watcher_sees_it() {
    let folder = tempfile::tempdir().unwrap();
    let place = place_with(tools_in(folder.path(), &[])).await;
    let asks = place.model.answer();
    asks.call("c1", "bash", r#"{"command":"echo words > made; cat made"}"#);
    asks.end();
    let mut first = place.ada().chat(json!({"message": "make it"})).await;
    let shown = first.until_event("approval").await;
    let waits = &shown.last().unwrap().1;
    assert_eq!((&waits["callId"], &waits["tool"]), (&json!("c1"), &json!("bash")));
    assert_eq!(waits["input"], json!({"command": "echo words > made; cat made"}));
    let run = of_type(&shown, "run")[0]["runId"].as_str().unwrap().to_owned();

    let second = place.ada();
    let listed = second.get("/agent/approvals").await.json();
    let found = &listed["approvals"][0];
    assert_eq!(
        [&found["id"], &found["runId"], &found["callId"], &found["input"]],
        [&json!(format!("{run}:c1")), &json!(run), &json!("c1"), &waits["input"]]
    );
    assert_eq!(place.bob().get("/agent/approvals").await.json(), json!({"approvals": []}));
    assert!(!folder.path().join("made").exists(), "nothing runs before it is allowed");

    let path = format!("/agent/runs/{run}/approvals");
    let decision = json!({"callId": "c1", "decision": "allow"});
    assert_eq!(place.bob().post(&path, decision.clone()).await.status, 404);
    assert_eq!(second.post(&path, decision.clone()).await.status, 200);
    let rest = first.rest().await;
    let results = of_type(&rest, "tool_result");
    assert_eq!(results.len(), 1);
    assert_eq!((&results[0]["callId"], &results[0]["status"]), (&json!("c1"), &json!("success")));
    assert!(results[0]["output"].as_str().unwrap().contains("words"), "{}", results[0]);
    assert_eq!(rest.last().unwrap().1["state"], "done");
    assert_eq!(std::fs::read_to_string(folder.path().join("made")).unwrap(), "words\n");
    assert_eq!(second.get("/agent/approvals").await.json(), json!({"approvals": []}));
    let late = second.post(&path, json!({"callId": "c1", "decision": "deny"})).await;
    assert_eq!(late.problem(), (409, "not_pending".into()));
}

#[tokio::test]
async fn a_command_that_is_denied_does_not_run_and_the_model_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let place = place_with(tools_in(folder.path(), &[])).await;
    let asks = place.model.answer();
    asks.call("c1", "bash", r#"{"command":"touch made"}"#);
    asks.end();
    let waiting = place.ada().post("/agent/chat", json!({"message": "make it", "stream": false})).await;
    assert_eq!(waiting.status, 202);
    let run = waiting.json()["runId"].as_str().unwrap().to_owned();
    let mut watcher = place.ada().watch(&run, None).await;
    watcher.until_event("approval").await;
    let decision = json!({"callId": "c1", "decision": "deny"});
    place.ada().post(&format!("/agent/runs/{run}/approvals"), decision).await;
    let rest = watcher.rest().await;
    assert_eq!(of_type(&rest, "tool_result")[0]["status"], "denied");
    assert!(!folder.path().join("made").exists());
    assert_eq!(place.model.requests().len(), 2, "the model goes on with the refusal");
}

#[tokio::test]
async fn a_tool_by_itself_runs_by_the_rules_and_asks_nobody() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("note"), "the blue door\n").unwrap();
    let place = place_with(tools_in(folder.path(), &["bash(echo:*)"])).await;
    let execute = async |tool: &str, input: Value| {
        place.ada().post("/agent/execute", json!({"tool": tool, "input": input})).await
    };
    let read = execute("read", json!({"path": "note"})).await.json();
    assert_eq!(read["status"], "success");
    assert!(read["output"].as_str().unwrap().contains("the blue door"), "{read}");
    let echoed = execute("bash", json!({"command": "echo hello"})).await.json();
    assert!(echoed["output"].as_str().unwrap().contains("hello"), "{echoed}");
    let missing = execute("read", json!({"path": "gone"})).await;
    assert_eq!((missing.status, &missing.json()["status"]), (200, &json!("error")));
    for command in ["touch made", "echo hello; touch made", "echo hello > made"] {
        let refused = execute("bash", json!({"command": command})).await;
        assert_eq!(refused.problem(), (403, "forbidden".into()), "{command}");
    }
    assert!(!folder.path().join("made").exists());
    assert_eq!(execute("bash", json!({"line": "echo"})).await.problem().0, 422);
}

#[tokio::test]
async fn without_a_workspace_there_are_pages_and_the_persons_own_sessions() {
    let place = place_with(ToolSettings::without_workspace()).await;
    place.ada().post("/agent/chat", json!({"message": "the blue door", "stream": false})).await;
    place.model.requests()[0].tools.iter().for_each(|tool| assert_ne!(tool.name, "bash"));
    let names: Vec<String> = place.model.requests()[0].tools.iter().map(|tool| tool.name.clone()).collect();
    assert_eq!(names, ["web_fetch", "sessions", "recall"]);
    let recall = json!({"tool": "recall", "input": {"query": "door"}});
    let own = place.ada().post("/agent/execute", recall.clone()).await.json();
    assert!(own["output"].as_str().unwrap().contains("blue"), "{own}");
    let theirs = place.bob().post("/agent/execute", recall).await.json();
    assert_eq!(theirs["output"], "[nothing was found; try other words]");
    for tool in ["read", "write", "edit", "ls", "glob", "grep", "bash"] {
        let call = json!({"tool": tool, "input": {"path": "/etc/passwd", "command": "id"}});
        assert_eq!(place.ada().post("/agent/execute", call).await.problem().0, 404, "{tool}");
    }
}

#[tokio::test]
async fn a_page_on_this_machine_is_not_fetched_though_a_rule_allows_its_host() {
    let inner = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = inner.local_addr().unwrap();
    let settings = ToolSettings::without_workspace();
    let allow = vec!["web_fetch".to_owned()];
    settings.rules.add(&Source::Environment, &Lists { allow, ..Lists::default() }).unwrap();
    let place = place_with(settings).await;
    for host in [address.to_string(), format!("localhost:{}", address.port()), "169.254.169.254".to_owned()] {
        let call = json!({"tool": "web_fetch", "input": {"url": format!("http://{host}/")}});
        let reply = place.ada().post("/agent/execute", call).await;
        assert_eq!((reply.status, &reply.json()["status"]), (200, &json!("error")), "{host}");
    }
    let own = tokio::net::TcpStream::connect(address).await.unwrap();
    let (_, first) = inner.accept().await.unwrap();
    assert_eq!(first, own.local_addr().unwrap(), "nobody came before");
}

#[tokio::test]
async fn allow_and_deny_of_a_message_only_narrow() {
    let folder = tempfile::tempdir().unwrap();
    let place = place_with(tools_in(folder.path(), &["bash(echo:*)", "bash(touch:*)"])).await;
    let turn = async |rules: Value, command: &str| {
        let asks = place.model.answer();
        asks.call("c1", "bash", &json!({ "command": command }).to_string());
        asks.end();
        let mut body = json!({"message": "do it"});
        body.as_object_mut().unwrap().extend(rules.as_object().unwrap().clone());
        let mut stream = place.ada().chat(body).await;
        let seen = stream.until_event_of(&["tool_result", "approval"]).await;
        let last = &seen.last().unwrap().1;
        last["status"].as_str().unwrap_or("asks").to_owned()
    };
    assert_eq!(turn(json!({}), "echo a").await, "success");
    assert_eq!(turn(json!({"deny": ["bash(echo:*)"]}), "echo a").await, "denied");
    assert_eq!(turn(json!({"deny": ["bash(echo:*)"]}), "touch b").await, "success");
    assert_eq!(turn(json!({"allow": ["bash(echo:*)"]}), "echo a").await, "success");
    assert_eq!(turn(json!({"allow": ["bash(echo:*)"]}), "touch b").await, "denied");
    assert_eq!(turn(json!({"allow": ["read"]}), "echo a").await, "denied");
    assert_eq!(turn(json!({"allow": []}), "echo a").await, "denied");
    assert_eq!(turn(json!({"allow": ["bash(ls:*)"]}), "ls").await, "asks", "it grants nothing by itself");
    let many = vec!["bash(ls)"; 101];
    let long = format!("bash({})", "a".repeat(1_000));
    let wrong =
        [json!({"allow": ["bash("]}), json!({"deny": [""]}), json!({"deny": many}), json!({"deny": [long]})];
    for wrong in wrong {
        let mut body = json!({"message": "do it", "stream": false});
        body.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
        assert_eq!(place.ada().post("/agent/chat", body).await.problem(), (422, "invalid".into()));
    }
}

#[tokio::test]
async fn what_narrows_a_run_holds_after_it_waited() {
    let folder = tempfile::tempdir().unwrap();
    let place = place_with(tools_in(folder.path(), &["bash(touch made)"])).await;
    let asks = place.model.answer();
    asks.call("c1", "bash", r#"{"command":"ls"}"#);
    asks.end();
    let then = place.model.answer();
    then.call("c2", "bash", r#"{"command":"touch made"}"#);
    then.end();
    let narrowed = json!({"message": "do it", "stream": false, "deny": ["bash(touch:*)"]});
    let waiting = place.ada().post("/agent/chat", narrowed).await.json();
    let run = waiting["runId"].as_str().unwrap().to_owned();
    let decision = json!({"callId": "c1", "decision": "allow"});
    place.ada().post(&format!("/agent/runs/{run}/approvals"), decision).await;
    let rest = place.ada().watch(&run, None).await.rest().await;
    let statuses: Vec<_> = of_type(&rest, "tool_result").iter().map(|r| r["status"].clone()).collect();
    assert_eq!(statuses, [json!("success"), json!("denied")]);
    assert!(!folder.path().join("made").exists());
}

#[tokio::test]
async fn an_answer_names_the_calls_that_were_refused() {
    let folder = tempfile::tempdir().unwrap();
    let place = place_with(tools_in(folder.path(), &["bash(echo:*)"])).await;
    let asks = place.model.answer();
    asks.call("c1", "bash", r#"{"command":"echo a"}"#);
    asks.call("c2", "bash", r#"{"command":"touch b"}"#);
    asks.end();
    let body = json!({"message": "do it", "stream": false, "deny": ["bash(touch:*)"]});
    let reply = place.ada().post("/agent/chat", body).await;
    assert_eq!((reply.status, &reply.json()["denied"]), (200, &json!(["c2"])));
}
