//! The release build of the command, which `make build` puts into dist/.

use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;
use support::repository;
use tempfile::NamedTempFile;

/// Returns its path, if it has been built.
fn path() -> Option<PathBuf> {
    Some(repository::root().join("dist/brownout")).filter(|path| path.is_file())
}

/// Returns how long `brownout simulate` takes for a million requests, in seconds: the best of three runs.
///
/// # Panics
/// When it fails.
pub fn simulate(document: &Value) -> Option<f64> {
    let (command, document) = (path()?, file(document));
    let times = (0..3).map(|_| {
        let begin = Instant::now();
        let mut simulating = Command::new(&command);
        simulating.arg("simulate").arg(document.path()).args(["--requests", "1000000"]).stdout(Stdio::null());
        assert!(simulating.status().expect("it can be run").success(), "`brownout simulate` has failed");
        begin.elapsed().as_secs_f64()
    });
    times.min_by(f64::total_cmp)
}

/// Returns the filter that `brownout render envoy --gate` renders for a document, with the local path of the module.
///
/// # Panics
/// When it fails.
pub fn gated(document: &Value) -> Option<Value> {
    let (command, document) = (path()?, file(document));
    let mut rendering = Command::new(command);
    rendering.args(["render", "envoy"]).arg(document.path()).args(["--gate", "--part", "filter"]);
    let rendered = rendering.stderr(Stdio::inherit()).output().expect("it can be run");
    assert!(rendered.status.success(), "`brownout render` has failed");
    let text = String::from_utf8(rendered.stdout).expect("manifests are text");
    let resource: Value = serde_saphyr::from_str(&text).expect("manifests are YAML");
    let mut filter = resource["resources"][0].clone();
    filter.as_object_mut().expect("a resource").remove("@type");
    put_module(&mut filter);
    Some(filter)
}

/// Sets the module's local path in every `code`: a manifest names the path that it will have when deployed.
fn put_module(value: &mut Value) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(put_module),
        Value::Object(fields) => {
            if let Some(code) = fields.get_mut("code") {
                *code = serde_json::json!({ "local": { "filename": repository::module() } });
            }
            fields.values_mut().for_each(put_module);
        }
        _ => {}
    }
}

fn file(document: &Value) -> NamedTempFile {
    let file = tempfile::Builder::new().suffix(".json").tempfile().expect("room on the disk");
    std::fs::write(file.path(), document.to_string()).expect("room on the disk");
    file
}
