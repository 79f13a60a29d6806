//! The document equivalent to a native configuration.

use serde_json::{Value, json};

/// Returns the document that the importer makes of an `HTTPFault`, or of a configuration that contains some: without
/// evidence in responses, so that whole responses can be compared, and with rules named after the case.
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

/// Returns the name of a case's rule.
pub fn rule_name(name: &str, number: usize) -> String {
    if number == 0 { name.to_owned() } else { format!("{name}-{number}") }
}
