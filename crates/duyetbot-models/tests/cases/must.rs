//! What the requests of a case must hold, or must not.
use serde_json::{Value, json};
use std::collections::BTreeSet;

use super::client::Outcome;

fn messages(request: &Value) -> &Vec<Value> {
    request["messages"].as_array().unwrap()
}

fn blocks<'a>(request: &'a Value, kind: &'a str) -> impl Iterator<Item = &'a Value> {
    let all = messages(request).iter().filter_map(|m| m["content"].as_array()).flatten();
    all.filter(move |block| block["type"] == kind)
}

pub fn check(id: &str, requests: &[Value], _outcome: &Outcome) {
    let last = requests.last().unwrap();
    match id {
        "oa-req-one-system-message" => {
            let roles: Vec<&str> = messages(last).iter().map(|m| m["role"].as_str().unwrap()).collect();
            assert_eq!(roles.iter().filter(|r| ["system", "developer"].contains(r)).count(), 1);
            assert_eq!(roles[0], "system");
            let all = last.to_string();
            assert!(all.contains("Be brief.") && all.contains("Answer in French."));
        }
        "oa-req-tools-shape" => {
            let first = &requests[0];
            assert!(first.get("tools").is_none() && first.get("tool_choice").is_none());
            assert!(messages(first).iter().all(|m| m.get("tool_calls").is_none()));
            let parameters = &requests[1]["tools"][0]["function"]["parameters"];
            assert_eq!((&parameters["type"], &parameters["properties"]), (&json!("object"), &json!({})));
        }
        "oa-req-reasoning-content-returned" => {
            let agent = messages(last).iter().find(|m| m["role"] == "assistant").unwrap();
            assert_eq!(agent["reasoning_content"], "Need the weather.");
            assert!(agent["tool_calls"].is_array());
        }
        "oa-req-reasoning-content-refused" => {
            for message in messages(last) {
                assert!(
                    message.get("reasoning_content").is_none() && message.get("reasoning_details").is_none()
                );
            }
        }
        "oa-req-tool-call-content-key" => {
            let agent =
                messages(last).iter().find(|m| m["role"] == "assistant").unwrap().as_object().unwrap();
            assert_eq!(agent.get("content"), Some(&Value::Null));
            assert!(agent["tool_calls"].is_array());
        }
        "oa-req-thought-signature" => {
            let agent = messages(last).iter().find(|m| m["role"] == "assistant").unwrap();
            assert_eq!(agent["tool_calls"][0]["id"], "call_a");
            let signature = &agent["tool_calls"][0]["extra_content"]["google"]["thought_signature"];
            assert_eq!(signature, "c2lnLTE=");
        }
        "oa-tool-empty-id-name" | "oa-tool-id-changes" => {
            let wanted = if id == "oa-tool-id-changes" { "tool-1" } else { "call_a" };
            let agent = messages(last).iter().find(|m| m["role"] == "assistant").unwrap();
            assert_eq!(agent["tool_calls"][0]["id"], wanted);
            assert!(messages(last).iter().any(|m| m["tool_call_id"] == wanted));
        }
        "oa-tool-args-object" => {
            let agent = messages(last).iter().find(|m| m["role"] == "assistant").unwrap();
            assert!(agent["tool_calls"][0]["function"]["arguments"].is_string());
        }
        "oa-tool-no-id" => {
            let calls: BTreeSet<&str> = messages(last)
                .iter()
                .filter_map(|m| m["tool_calls"].as_array())
                .flatten()
                .map(|c| c["id"].as_str().unwrap())
                .collect();
            let results: BTreeSet<&str> =
                messages(last).iter().filter_map(|m| m["tool_call_id"].as_str()).collect();
            assert_eq!((calls.len(), &calls), (2, &results));
        }
        "an-stop-pause-turn" => {
            let said = messages(last).last().unwrap();
            assert_eq!(said["role"], "assistant");
            assert_eq!(said["content"][0]["text"], "Searching.");
            assert_eq!(said["content"][1]["input"], json!({"query": "oslo"}));
            assert_eq!(said["content"][1]["type"], "server_tool_use");
        }
        "an-req-empty-text-block" => {
            assert!(blocks(last, "text").all(|b| !b["text"].as_str().unwrap().trim().is_empty()));
            let call = blocks(last, "tool_use").next().unwrap();
            assert_eq!(call["input"], json!({"city": "Oslo"}));
            assert_eq!(blocks(last, "tool_result").next().unwrap()["tool_use_id"], call["id"]);
        }
        "an-req-tool-ids" => tool_ids(last),
        "an-req-orphan-tool-use" => {
            let after = &messages(last)[2]["content"];
            assert_eq!(
                (&after[0]["type"], &after[1]["type"]),
                (&json!("tool_result"), &json!("tool_result"))
            );
            assert_eq!(
                (&after[0]["tool_use_id"], &after[1]["tool_use_id"]),
                (&json!("toolu_a"), &json!("toolu_b"))
            );
            assert_eq!(after[1]["is_error"], true);
            assert_eq!(after[2]["text"], "Are you there?");
        }
        "an-req-foreign-signature" => {
            assert_eq!(blocks(last, "thinking").count() + blocks(last, "redacted_thinking").count(), 0);
            assert!(last.to_string().contains("Hello."));
        }
        "an-req-thinking-roundtrip" => {
            let said = messages(last).iter().find(|m| m["role"] == "assistant").unwrap();
            let thinking = |text: &str, signature: &str| json!({"type": "thinking", "thinking": text, "signature": signature});
            assert_eq!(said["content"][0], thinking("Need data.", "c2lnQUJD"));
            assert_eq!(said["content"][1], thinking("", "c2lnMg=="));
            assert_eq!(said["content"][2]["type"], "tool_use");
        }
        "an-req-is-error-empty" => {
            let result = blocks(last, "tool_result").next().unwrap();
            assert_eq!(result["is_error"], true);
            assert!(!result["content"].as_str().unwrap().trim().is_empty());
        }
        "an-req-tool-name-dot" => {
            let names: BTreeSet<&str> =
                last["tools"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap()).collect();
            assert_eq!(names.len(), 2);
            assert!(names.iter().all(|n| plain(n)));
        }
        _ => {}
    }
}

fn plain(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

fn tool_ids(request: &Value) {
    let ids: Vec<&str> = blocks(request, "tool_use").map(|b| b["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 3);
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 3);
    assert!(ids.iter().all(|id| plain(id)));
    let results: Vec<&str> =
        blocks(request, "tool_result").map(|b| b["tool_use_id"].as_str().unwrap()).collect();
    assert_eq!(ids, results);
}
