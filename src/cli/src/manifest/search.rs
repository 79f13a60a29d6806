//! Finds the documents in a manifest.

use super::spot::Spot;
use super::trap;
use super::{Carried, Manifest, Role, has_our_fields, nested, printed};
use crate::document::{Body, Mistake};
use brownout_core::decode::diagnostic::Code;
use brownout_core::decode::json::Json;
use brownout_core::decode::snake;
use std::rc::Rc;

/// Envoy's filter that runs a module.
const WASM: &str = "envoy.extensions.filters.http.wasm.v3.Wasm";

/// A plugin whose name or URL contains this is ours.
const OURS: &str = "brownout";

/// A walk over one value of a file.
pub struct Search<'m> {
    found: &'m mut Manifest,
    /// The manifest that the walk is in.
    title: String,
}

/// The setting that decides whether requests pass when a plugin fails.
enum WhenItFails<'a> {
    /// With a field that must have this value, given by its path.
    Field { names: &'a [&'a str], good: Json },
    /// As in Envoy's message: with `failure_policy`, or the older `fail_open`.
    Envoy,
}

impl<'m> Search<'m> {
    /// Creates a walk that adds to this manifest.
    pub fn new(found: &'m mut Manifest) -> Self {
        Self { found, title: String::new() }
    }

    /// Searches a value, and the values inside it, for documents.
    pub fn visit(&mut self, spot: &Spot<'_>) {
        if spot.field("api_version").is_some()
            && let Some(kind) = spot.text_at(&["kind"])
        {
            let name = spot.text_at(&["metadata", "name"]).unwrap_or("?");
            let namespace = spot.text_at(&["metadata", "namespace"]);
            let name = namespace.map_or(name.to_owned(), |namespace| format!("{namespace}/{name}"));
            self.title = format!("{kind} {name}");
            if self.kubernetes(kind, spot) {
                return;
            }
        }
        if let Some(message) = wasm(spot) {
            return self.filter(spot, &message);
        }
        trap::filters(spot, &mut self.found.traps);
        trap::patch(spot, &mut self.found.traps);
        for (name, inner) in spot.entries() {
            if snake(name) == "filter_metadata" {
                self.metadata(&inner);
            } else {
                self.visit(&inner);
            }
        }
        spot.elements().iter().for_each(|inner| self.visit(inner));
    }

    /// Handles the kinds with their own form for a document. Returns `false` for all others, which hold Envoy messages.
    fn kubernetes(&mut self, kind: &str, spot: &Spot<'_>) -> bool {
        let strategy =
            WhenItFails::Field { names: &["fail_strategy"], good: Json::String("FAIL_OPEN".into()) };
        match kind {
            // Istio prints the configuration as JSON into a StringValue.
            "WasmPlugin" => {
                let Some(spec) = spot.field("spec") else { return true };
                self.plugin(spot, &spec, spec.field("plugin_config"), &strategy);
                trap::both_directions(&spec, &mut self.found.traps);
                trap::file(&spec, &mut self.found.traps);
            }
            "TrafficExtension" => {
                let Some(wasm) = spot.at(&["spec", "wasm"]) else { return true };
                self.plugin(spot, &wasm, wasm.field("plugin_config"), &strategy);
                trap::file(&wasm, &mut self.found.traps);
                if let Some(spec) = spot.field("spec") {
                    trap::both_directions(&spec, &mut self.found.traps);
                }
            }
            // Envoy Gateway does the same, with any JSON value.
            "EnvoyExtensionPolicy" => {
                let open = WhenItFails::Field { names: &["fail_open"], good: Json::Bool(true) };
                for wasm in spot.at(&["spec", "wasm"]).iter().flat_map(Spot::elements) {
                    self.plugin(spot, &wasm, wasm.field("config"), &open);
                }
            }
            // Kuma takes Envoy's messages as YAML in a string.
            "MeshProxyPatch" => self.strings(&spot.field("spec"), &["value"]),
            "ConfigMap" => {
                for (_, file) in spot.field("data").iter().flat_map(Spot::entries) {
                    self.file(&file);
                }
            }
            _ => return false,
        }
        true
    }

    /// Visits every string in a field with one of these names, as YAML.
    fn strings(&mut self, spot: &Option<Spot<'_>>, names: &[&str]) {
        let Some(spot) = spot else { return };
        for (name, inner) in spot.entries() {
            match names.contains(&name) && inner.text().is_some() {
                true => self.inside(&inner),
                false => self.strings(&Some(inner), names),
            }
        }
        spot.elements().into_iter().for_each(|inner| self.strings(&Some(inner), names));
        if spot.field("metadata").is_some() {
            self.visit(spot);
        }
    }

    fn inside(&mut self, spot: &Spot<'_>) {
        let Some((excerpt, values)) = nested(spot) else { return };
        for (json, places) in &values {
            self.visit(&Spot { json, places, excerpt: &excerpt, path: spot.path.clone() });
        }
    }

    /// Visits a file in a ConfigMap, which is a document or another manifest.
    fn file(&mut self, spot: &Spot<'_>) {
        let Some((excerpt, values)) = nested(spot) else { return };
        match values.as_slice() {
            [(json, places)] if has_our_fields(json) && !super::is_manifest(json) => {
                let body = Body::of_value(Rc::clone(&excerpt), places.clone());
                self.add(spot, Role::Plugin, printed(json), body);
            }
            _ => self.inside(spot),
        }
    }

    fn add(&mut self, spot: &Spot<'_>, role: Role, json: String, body: Body) {
        let (manifest, path) = (self.title.clone(), spot.path.clone());
        self.found.documents.push(Carried { manifest, path, role, json, body });
    }

    /// Handles a plugin whose configuration is an object in the manifest.
    fn plugin(
        &mut self,
        manifest: &Spot<'_>,
        plugin: &Spot<'_>,
        configuration: Option<Spot<'_>>,
        fails: &WhenItFails<'_>,
    ) {
        let ours = configuration.as_ref().is_some_and(|spot| has_our_fields(spot.json));
        let names = [
            manifest.text_at(&["metadata", "name"]),
            plugin.text_at(&["plugin_name"]),
            plugin.text_at(&["name"]),
            plugin.text_at(&["url"]),
            plugin.text_at(&["code", "image", "url"]),
            plugin.text_at(&["code", "http", "url"]),
        ];
        if !ours && !named_ours(&names) {
            return self.other(&names);
        }
        self.open(plugin, fails);
        let body = |spot: &Spot<'_>| Body::of_value(Rc::clone(spot.excerpt), spot.places.clone());
        match &configuration {
            Some(spot) => self.add(spot, Role::Plugin, printed(spot.json), body(spot)),
            None => self.add(plugin, Role::Plugin, String::new(), body(plugin)),
        }
    }

    /// Handles Envoy's filter: `message` is its `Wasm`, and `around` the filter or extension that holds it.
    fn filter(&mut self, around: &Spot<'_>, message: &Spot<'_>) {
        let Some(config) = message.field("config") else { return };
        let configuration = config.field("configuration");
        let url = configuration.as_ref().and_then(|any| any.text_at(&["@type"])).unwrap_or_default();
        let value = configuration.as_ref().and_then(|any| any.field("value"));
        let names = [
            config.text_at(&["name"]),
            config.text_at(&["root_id"]),
            around.text_at(&["name"]),
            config.text_at(&["vm_config", "code", "local", "filename"]),
            config.text_at(&["vm_config", "code", "remote", "http_uri", "uri"]),
        ];
        let text = value.as_ref().and_then(Spot::text).unwrap_or_default();
        let looks_ours = Json::parse(text.as_bytes()).is_ok_and(|json| has_our_fields(&json))
            || value.as_ref().is_some_and(|value| has_our_fields(value.json))
            || configuration.as_ref().is_some_and(|any| has_our_fields(any.json));
        if !looks_ours && !named_ours(&names) {
            return self.other(&names);
        }
        self.open(&config, &WhenItFails::Envoy);
        match (&configuration, value.as_ref().and_then(|value| Some((value, value.string()?)))) {
            (Some(_), Some((value, excerpt))) if url.ends_with("google.protobuf.StringValue") => {
                self.add(value, Role::Plugin, text.to_owned(), Body::of_json(excerpt));
            }
            (None, _) => {
                let body = Body::of_value(Rc::clone(config.excerpt), config.places.clone());
                self.add(&config, Role::Plugin, String::new(), body);
            }
            (Some(any), _) => self.found.traps.push(trap::envelope(any, url)),
        }
    }

    /// Handles the rules of a route or virtual host.
    fn metadata(&mut self, filters: &Spot<'_>) {
        let Some(ours) = filters.field(OURS) else { return };
        let Some(json) = ours.field("json") else {
            let why = "the module reads its string field `json`";
            let trap = trap::error(&ours, Code::MissingField, "route metadata without `json`", why);
            return self.found.traps.push(trap);
        };
        match (json.string(), json.text()) {
            (Some(excerpt), Some(text)) => {
                self.add(&json, Role::Route, text.to_owned(), Body::of_json(excerpt));
            }
            _ => {
                let why = "expected a string with the document as JSON text";
                self.found.traps.push(trap::error(&json, Code::WrongType, "invalid route metadata", why));
            }
        }
    }

    fn open(&mut self, plugin: &Spot<'_>, fails: &WhenItFails<'_>) {
        let found: Option<(Spot<'_>, bool)> = match fails {
            WhenItFails::Field { names, good } => {
                plugin.at(names).map(|spot| (spot.clone(), spot.json == good))
            }
            WhenItFails::Envoy => plugin
                .field("failure_policy")
                .map(|spot| (spot.clone(), spot.text() == Some("FAIL_OPEN")))
                .or_else(|| {
                    plugin.field("fail_open").map(|spot| (spot.clone(), *spot.json == Json::Bool(true)))
                }),
        };
        let way_out = match fails {
            WhenItFails::Field { names: ["fail_open"], .. } => "write `failOpen: true`",
            WhenItFails::Field { .. } => "write `failStrategy: FAIL_OPEN`",
            WhenItFails::Envoy => "write `failure_policy: FAIL_OPEN`",
        };
        let spot = match found {
            Some((_, true)) => return,
            Some((spot, false)) => spot,
            None => plugin.clone(),
        };
        let why = "requests fail when the module cannot be loaded, or fails itself";
        let trap = trap::warning(&spot, Code::FailClosed, "the plugin fails closed", why);
        let Mistake { mut diagnostic, span } = trap;
        diagnostic.help = Some(way_out.into());
        self.found.traps.push(Mistake { diagnostic, span });
    }

    fn other(&mut self, names: &[Option<&str>]) {
        let name = names.iter().flatten().next().copied().unwrap_or("without a name");
        self.found.others.push(name.to_owned());
    }
}

fn named_ours(names: &[Option<&str>]) -> bool {
    names.iter().flatten().any(|name| name.to_ascii_lowercase().contains(OURS))
}

/// Returns the `Wasm` message of a filter, which may be wrapped in a `TypedStruct`.
fn wasm<'a>(spot: &Spot<'a>) -> Option<Spot<'a>> {
    let config = spot.field("typed_config")?;
    let url = config.text_at(&["@type"])?;
    if url.ends_with(WASM) {
        return Some(config);
    }
    let wrapped = url.ends_with(".TypedStruct") && config.text_at(&["type_url"])?.ends_with(WASM);
    wrapped.then(|| config.field("value")).flatten()
}
