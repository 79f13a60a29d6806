//! `brownout import`: turns the faults of other tools into a document.

use super::arguments::{Arguments, Policies, Tool};
use super::{
    Imported, Note, Rejected, chaos_mesh, cilium, datadog, envoy, envoy_gateway, istio, kuma, litmus,
    toxiproxy,
};
use crate::arguments::Format;
use crate::document::DocumentFile;
use crate::document::text::Text;
use crate::report;
use crate::terminal::{self, Done, Ended, mistaken, print, say};
use brownout_core::decode::json::Json;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Runs it: 0 when there is a document, 1 when the input is wrong or refused, 2 when it cannot be read.
pub fn run(arguments: &Arguments) -> Done {
    let (result, format) = match &arguments.kind {
        Tool::Envoy { file, common } => {
            let result = open(std::slice::from_ref(file))
                .map(|mut files| envoy::import(files.remove(0), common.partial));
            (result, common.format)
        }
        Tool::ChaosMesh(input) => {
            let imported = open(&input.files).map(|files| chaos_mesh::import(files, &input.choices()));
            (imported, input.common.format)
        }
        Tool::Litmus(input) => {
            let imported = open(&input.files).map(|files| litmus::import(files, &input.choices()));
            (imported, input.common.format)
        }
        Tool::Datadog(input) => {
            let imported = open(&input.files).map(|files| datadog::import(files, &input.choices()));
            (imported, input.common.format)
        }
        Tool::EnvoyGateway(Policies { files, common }) => {
            (open(files).map(|files| envoy_gateway::import(files, common.partial)), common.format)
        }
        Tool::Kuma(Policies { files, common }) => {
            (open(files).map(|files| kuma::import(files, common.partial)), common.format)
        }
        Tool::Toxiproxy { file, proxy, common } => {
            let choices = toxiproxy::ToxiproxyChoices { partial: common.partial, proxy: proxy.clone() };
            let files = open(std::slice::from_ref(file));
            (files.map(|mut files| toxiproxy::import(files.remove(0), &choices)), common.format)
        }
        Tool::Cilium { files, intended, cilium_headers, select_pods, common, .. } => {
            let choices = cilium::CiliumChoices {
                partial: common.partial,
                draws: if *intended { cilium::Draws::Once } else { cilium::Draws::Twice },
                headers: *cilium_headers,
                select_pods: *select_pods,
            };
            (open(files).map(|files| cilium::import(files, &choices)), common.format)
        }
        Tool::Istio { files, gateway, namespace, common } => {
            let choices = istio::IstioChoices {
                gateway: gateway.clone(),
                namespace: namespace.clone(),
                partial: common.partial,
            };
            (open(files).map(|files| istio::import(files, &choices)), common.format)
        }
    };
    let result = result.ok_or(Ended::Unusable)?;
    match format {
        Format::Text => tell(&result),
        Format::Json => print(as_json(&result)),
    }
    result.map(drop).map_err(|_| Ended::Failed)
}

/// Opens the files; `None` if any cannot be read.
fn open(paths: &[PathBuf]) -> Option<Vec<DocumentFile>> {
    let mut files = Vec::new();
    for path in paths {
        // All of them, so that every one that cannot be read is named.
        files.extend(terminal::open(path).ok());
    }
    (files.len() == paths.len()).then_some(files)
}

fn tell(result: &Result<Imported, Rejected>) {
    let (Ok(Imported { notes, .. }) | Err(Rejected { notes, .. })) = result;
    notes.iter().for_each(|note| say(format_args!("{note}\n")));
    match result {
        Ok(Imported { text, .. }) => print(text),
        Err(Rejected { files, .. }) => {
            for (file, mistakes) in files {
                mistaken(file, mistakes);
            }
        }
    }
}

fn as_json(result: &Result<Imported, Rejected>) -> String {
    let (document, notes, diagnostics) = match result {
        Ok(Imported { text, notes, .. }) => {
            (Json::parse(text.as_bytes()).unwrap_or(Json::Null), notes, Vec::new())
        }
        Err(Rejected { files, notes }) => {
            let all =
                files.iter().flat_map(|(file, mistakes)| mistakes.iter().map(move |mistake| (file, mistake)));
            (
                Json::Null,
                notes,
                all.map(|(file, mistake)| named(file, report::diagnostic(file, mistake))).collect(),
            )
        }
    };
    let field = |name: &str, value: Value| (name.to_owned(), parsed(&value));
    let whole = Json::Object(vec![
        ("document".to_owned(), document),
        field("notes", notes.iter().map(note).collect()),
        field("diagnostics", Value::Array(diagnostics)),
    ]);
    serde_json::to_string_pretty(&Text(&whole)).unwrap_or_default() + "\n"
}

fn named(file: &DocumentFile, mut diagnostic: Value) -> Value {
    diagnostic["file"] = file.name().into();
    diagnostic
}

fn note(note: &Note) -> Value {
    let Note { file, path, line, column, text } = note;
    json!({ "file": file, "path": path, "line": line, "column": column, "message": text })
}

fn parsed(value: &Value) -> Json {
    Json::parse(value.to_string().as_bytes()).unwrap_or(Json::Null)
}
