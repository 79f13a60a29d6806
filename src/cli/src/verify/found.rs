//! The document that Envoy says it has.

use crate::envoy::{Admin, AdminError};
use brownout_core::Plan;
use serde_json::Value;

const WASM: &str = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";

/// The only document in an Envoy's configuration, or why there is none.
///
/// # Errors
/// When Envoy does not answer.
pub fn document(admin: &Admin) -> Result<Result<Plan, String>, AdminError> {
    let mut texts = texts(admin)?;
    texts.sort_unstable();
    texts.dedup();
    let (plans, refused): (Vec<_>, Vec<_>) =
        texts.into_iter().map(|text| Plan::from_json(text.as_bytes())).partition(Result::is_ok);
    let mut plans: Vec<Plan> = plans.into_iter().flatten().collect();
    // Other Wasm plugins have configurations too, and an empty one is a document of ours as well as of theirs.
    if plans.len() > 1 {
        plans.retain(|plan| !plan.rules().is_empty());
    }
    Ok(match (plans.pop(), plans.len(), refused.into_iter().flat_map(Result::err).flatten().next()) {
        (Some(plan), 0, _) => Ok(plan),
        (Some(_), others, _) => {
            Err(format!("Envoy has {} documents; say by FILE which one is meant", others + 1))
        }
        (None, _, Some(mistake)) => {
            Err(format!("Envoy has no document in force; one has mistakes: {mistake}"))
        }
        (None, _, None) => {
            Err("Envoy's configuration has no Wasm filter with a document; say by FILE which \
            one should be there, or look at `/config_dump`"
                .to_owned())
        }
    })
}

/// The configurations of all plugins, as far as they are strings.
///
/// # Errors
/// When Envoy does not answer.
pub fn texts(admin: &Admin) -> Result<Vec<String>, AdminError> {
    let mut texts = Vec::new();
    collect(&admin.json("/config_dump")?, &mut texts);
    Ok(texts)
}

fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            if fields.get("@type").and_then(Value::as_str) == Some(WASM) {
                let text = value.pointer("/config/configuration/value").and_then(Value::as_str);
                texts.extend(text.map(str::to_owned));
            }
            // What was refused is shown there too.
            fields
                .iter()
                .filter(|(name, _)| *name != "error_state")
                .for_each(|(_, value)| collect(value, texts));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        _ => {}
    }
}
