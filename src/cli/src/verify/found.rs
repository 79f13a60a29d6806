//! The document in Envoy's configuration.

use crate::envoy::{Admin, AdminError};
use brownout_core::Plan;
use serde_json::Value;
use std::collections::BTreeSet;

const WASM: &str = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";

/// Returns the only document in Envoy's configuration, or why there is no single one.
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
    // Other Wasm plugins have configurations too, and an empty one is also a valid document of ours.
    if plans.len() > 1 {
        plans.retain(|plan| !plan.rules().is_empty());
    }
    Ok(match (plans.pop(), plans.len(), refused.into_iter().flat_map(Result::err).flatten().next()) {
        (Some(plan), 0, _) => Ok(plan),
        (Some(_), others, _) => {
            Err(format!("Envoy has {} documents; pass FILE to choose one", others + 1))
        }
        (None, _, Some(mistake)) => {
            Err(format!("Envoy has no document in force; one has mistakes: {mistake}"))
        }
        (None, _, None) => {
            Err("no listener or cluster of this Envoy has a Wasm filter with a document; pass the document that should \
                 be there as FILE, or look at `/config_dump`"
                .to_owned())
        }
    })
}

/// Returns the configurations of all running plugins that are strings.
///
/// # Errors
/// When Envoy does not answer.
pub fn texts(admin: &Admin) -> Result<Vec<String>, AdminError> {
    Ok(texts_in(&admin.json("/config_dump")?))
}

/// The dump also shows what is draining and what Envoy has refused.
const NOT_IN_FORCE: [&str; 2] = ["error_state", "draining_state"];
/// The section with extension configurations. Envoy keeps those that nothing refers to any more.
const DISCOVERED: &str = "type.googleapis.com/envoy.admin.v3.EcdsConfigDump";

fn texts_in(dump: &Value) -> Vec<String> {
    let sections = dump["configs"].as_array().map(Vec::as_slice).unwrap_or_default();
    let (discovered, others): (Vec<&Value>, Vec<&Value>) =
        sections.iter().partition(|section| section["@type"] == DISCOVERED);
    let (mut texts, mut names) = (Vec::new(), BTreeSet::new());
    others.iter().for_each(|section| collect(section, &mut texts, &mut names));
    for filter in discovered.iter().flat_map(|section| section["ecds_filters"].as_array()).flatten() {
        let filter = &filter["ecds_filter"];
        if filter["name"].as_str().is_some_and(|name| names.contains(name)) {
            collect(filter, &mut texts, &mut BTreeSet::new());
        }
    }
    texts
}

/// Collects inline configurations, and the names of those that are discovered.
fn collect<'a>(value: &'a Value, texts: &mut Vec<String>, names: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(fields) => {
            if fields.get("@type").and_then(Value::as_str) == Some(WASM) {
                let text = value.pointer("/config/configuration/value").and_then(Value::as_str);
                texts.extend(text.map(str::to_owned));
            }
            if fields.contains_key("config_discovery") {
                names.extend(fields.get("name").and_then(Value::as_str));
            }
            let fields = fields.iter().filter(|(name, _)| !NOT_IN_FORCE.contains(&name.as_str()));
            fields.for_each(|(_, value)| collect(value, texts, names));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, texts, names)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::{DISCOVERED, WASM, texts_in};
    use serde_json::{Value, json};

    fn wasm(text: &str) -> Value {
        json!({"@type": WASM, "config": {"configuration": {"value": text}}})
    }

    fn chain(filter: &Value) -> Value {
        json!({"listener": {"filter_chains": [{"filters": [{"typed_config": {"http_filters": [filter]}}]}]}})
    }

    #[test]
    fn only_what_a_listener_names_is_in_force() {
        let extension =
            |name: &str, text: &str| json!({"ecds_filter": {"name": name, "typed_config": wasm(text)}});
        let by_name = |name: &str| chain(&json!({"name": name, "config_discovery": {}}));
        let dump = json!({"configs": [
            {"@type": "type.googleapis.com/envoy.admin.v3.ListenersConfigDump", "dynamic_listeners": [
                {"active_state": by_name("live"), "draining_state": by_name("leaving")},
                {"error_state": by_name("refused"), "active_state": chain(&wasm("inline"))},
            ]},
            {"@type": DISCOVERED, "ecds_filters": [
                extension("live", "one"), extension("leaving", "two"), extension("refused", "three"),
                extension("deleted", "four"),
            ]},
        ]});
        assert_eq!(texts_in(&dump), ["inline", "one"]);
    }
}
