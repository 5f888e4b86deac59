//! The types as schemas of OpenAPI 3.1: what is sent, what is answered, and the forms that their values have.
mod forms;
mod words;

pub(crate) use forms::{
    Given, Hash, Id, JsonObject, Permissions, PersonName, Rules, RunId, Steps, Text, Time, Title, TokenName,
    UsedAmount, UsedCount, Workspace,
};
pub(crate) use words::{Decision, Origin, Permission, Role, RunState, SessionState, ToolStatus};

use serde_json::{Value, json};
use std::collections::BTreeMap;
use utoipa::{PartialSchema, ToSchema};

/// The schemas of everything that is sent or answered, by name.
pub fn schemas() -> BTreeMap<String, Value> {
    let mut all = Vec::new();
    let mut sent = Vec::new();
    macro_rules! add {
        ($list:ident: $($name:ident)+) => {$(
            $list.push((crate::$name::name().into_owned(), crate::$name::schema()));
            crate::$name::schemas(&mut all);
        )+};
    }
    add!(sent: Chat NewSession SessionPatch Decide Execute UserPatch NewApiToken);
    add!(all: Session SessionPage Message MessagePage SearchPage Event Problem User UsageOverview);
    add!(all: ChatReply WaitingReply OpenCalls RunReply ExecuteReply ApiTokens MadeToken);
    all.push((forms::Streamed::name().into_owned(), forms::Streamed::schema()));
    let mut schemas: BTreeMap<String, Value> =
        all.into_iter().map(|(name, schema)| (name, json!(schema))).collect();
    schemas.extend(sent.into_iter().map(|(name, schema)| (name, closed(json!(schema)))));
    schemas
}

/// Fields of a request that it does not know are refused. Serde is not told so: it would name the first alone.
fn closed(mut schema: Value) -> Value {
    schema["additionalProperties"] = Value::Bool(false);
    schema
}
