//! Checks for manifests that are legal but wrong around a document.

use super::spot::Spot;
use super::{Manifest, Read, Role};
use crate::document::Mistake;
use brownout_core::decode::diagnostic::{Code, Diagnostic, Severity};

const ROUTER: &str = "envoy.extensions.filters.http.router.v3.Router";

/// Creates an error: Envoy or the module will refuse this.
pub fn error(spot: &Spot<'_>, code: Code, message: &str, label: &str) -> Mistake {
    let mut trap = warning(spot, code, message, label);
    trap.diagnostic.severity = Severity::Error;
    trap
}

/// Creates a warning: legal, but probably not what the author wants.
pub fn warning(spot: &Spot<'_>, code: Code, message: &str, label: &str) -> Mistake {
    let diagnostic = Diagnostic {
        severity: Severity::Warning,
        code,
        path: spot.path.clone(),
        position: None,
        message: message.into(),
        label: label.into(),
        help: None,
    };
    Mistake { diagnostic, span: spot.span() }
}

/// Reports a configuration that Envoy does not pass to the module as text.
pub fn envelope(any: &Spot<'_>, url: &str) -> Mistake {
    let label = match url {
        "" => "without `@type`, Envoy refuses it".to_owned(),
        url => format!("the module gets the bytes of a `{}`", url.rsplit('.').next().unwrap_or(url)),
    };
    let mut mistake = error(any, Code::SentAsStruct, "the configuration is not a StringValue", &label);
    let name = any.name_span("@type").filter(|_| !url.is_empty());
    mistake.span = name.unwrap_or(mistake.span);
    mistake.diagnostic.help = Some(
        "write `configuration: {\"@type\": type.googleapis.com/google.protobuf.StringValue, value: '{…}'}`"
            .into(),
    );
    mistake
}

/// Reports filters after the router, which never see a request.
pub fn filters(spot: &Spot<'_>, traps: &mut Vec<Mistake>) {
    let Some(list) = spot.field("http_filters") else { return };
    let is_router = |filter: &Spot<'_>| {
        filter.text_at(&["typed_config", "@type"]).is_some_and(|url| url.ends_with(ROUTER))
    };
    let filters = list.elements();
    let Some(router) = filters.iter().position(is_router) else { return };
    for filter in filters.iter().skip(router + 1) {
        let why = "the router must be the last filter: Envoy refuses a filter after it";
        traps.push(error(filter, Code::FilterAfterRouter, "a filter after the router", why));
    }
}

/// Reports `ADD` in an EnvoyFilter, which puts a filter after the router.
pub fn patch(spot: &Spot<'_>, traps: &mut Vec<Mistake>) {
    if spot.text_at(&["apply_to"]) != Some("HTTP_FILTER")
        || spot.text_at(&["patch", "operation"]) != Some("ADD")
    {
        return;
    }
    let Some(operation) = spot.at(&["patch", "operation"]) else { return };
    let why = "`ADD` puts the filter after the router, and Envoy refuses the listener";
    let mut trap = error(&operation, Code::FilterAfterRouter, "a filter after the router", why);
    trap.diagnostic.help =
        Some("write `operation: INSERT_BEFORE`, and match the router as `subFilter`".into());
    traps.push(trap);
}

/// Reports a missing mode, with which a sidecar runs the filter for both inbound and outbound requests.
pub fn both_directions(spec: &Spot<'_>, traps: &mut Vec<Mistake>) {
    let is_for_sidecars = spec.field("target_ref").is_none() && spec.field("target_refs").is_none();
    let has_mode = spec.field("match").is_some_and(|list| {
        let elements = list.elements();
        !elements.is_empty() && elements.iter().all(|traffic| traffic.field("mode").is_some())
    });
    if !is_for_sidecars || has_mode {
        return;
    }
    let why = "a sidecar runs the filter in both directions, so it faults the workload's own calls too";
    let mut trap = warning(spec, Code::BothDirections, "the plugin acts in both directions", why);
    trap.diagnostic.help =
        Some("write `match: [{mode: SERVER}]`, or `CLIENT` for what the workload sends".into());
    traps.push(trap);
}

/// Reports a `file:` URL: Istio passes the path to Envoy, which treats a missing file as invalid configuration.
pub fn file(plugin: &Spot<'_>, traps: &mut Vec<Mistake>) {
    let Some(url) =
        plugin.field("url").filter(|url| url.text().is_some_and(|text| text.starts_with("file:")))
    else {
        return;
    };
    let why = "if the file is missing, every request gets 500, whatever `failStrategy` says";
    let mut trap = warning(&url, Code::ModuleFile, "a module file without a default configuration", why);
    trap.diagnostic.help =
        Some("use `oci://…`, or an EnvoyFilter (`brownout render istio-envoyfilter`)".into());
    traps.push(trap);
}

/// Reports route rules that no plugin in the same file reads, which only all its documents together show.
pub fn between_documents(mut manifest: Manifest) -> Manifest {
    let plans: Vec<Read> = manifest.documents.iter().filter_map(|document| document.read().ok()).collect();
    let reads = |read: &Read| matches!(read, Read::Plugin(plan) if plan.document().per_route == Some(true));
    let is_plugin = |read: &Read| matches!(read, Read::Plugin(_));
    if !plans.iter().any(is_plugin) || plans.iter().any(reads) {
        return manifest;
    }
    let ignored: Vec<Mistake> = manifest
        .documents
        .iter()
        .filter(|document| document.role == Role::Route)
        .flat_map(|document| {
            let diagnostic = Diagnostic {
                severity: Severity::Warning,
                code: Code::PerRouteOff,
                path: brownout_core::decode::path::Path::default(),
                position: None,
                message: "rules that no plugin reads".into(),
                label: "the plugin in this file does not read route rules".into(),
                help: Some("add `\"per_route\": true` to its document".into()),
            };
            document.body.place(vec![diagnostic])
        })
        .collect();
    manifest.traps.extend(ignored);
    manifest
}
