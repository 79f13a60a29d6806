//! The document that stands for a native configuration.

use serde_json::{Value, json};

/// The document that the importer makes of an `HTTPFault`, or of a configuration that holds some; without evidence in
/// responses, so that these can be compared whole, and with rules that are called after the case.
///
/// # Errors
/// What the importer says.
pub fn document(name: &str, configuration: &Value) -> Result<Value, String> {
    let imported = brownout_cli::import::envoy(&configuration.to_string());
    let mut document = imported.map_err(|rejected| rejected.to_string())?.document;
    document["report"] = json!({ "response_header": false });
    if let Some(rules) = document["rules"].as_array_mut() {
        for (number, rule) in rules.iter_mut().enumerate() {
            rule["name"] = rule_name(name, number).into();
        }
    }
    Ok(document)
}

/// What the rules of a case are called.
pub fn rule_name(name: &str, number: usize) -> String {
    if number == 0 { name.to_owned() } else { format!("{name}-{number}") }
}
