//! Finds the fault filter's configurations in any part of an Envoy configuration.

use super::fault::HttpFault;
use super::scope::{Level, Scope, ScopeNames};
use crate::import::findings::Findings;
use crate::import::place::Node;
use brownout_core::decode::snake;

const FILTER: &str = "envoy.filters.http.fault";
const MESSAGE: &str = "envoy.extensions.filters.http.fault.v3.HTTPFault";
/// Fields under which a filter is not directly in the chain.
const BEHIND_A_MATCHER: [&str; 3] = ["on_match", "on_no_match", "extension_config"];

/// The result of searching an input.
pub enum Found {
    /// The input itself is an `HTTPFault`.
    Message,
    /// A configuration that contains these scopes.
    Scopes(Vec<Scope>),
}

/// Searches the whole input for configurations of the fault filter.
pub fn find(node: &Node<'_>, findings: &mut Findings) -> Found {
    let mut search = FilterSearch { findings, scopes: Vec::new(), filters: 0 };
    if search.is_bare(node) {
        return Found::Message;
    }
    search.visit(node, &ScopeNames::default());
    Found::Scopes(search.scopes)
}

struct FilterSearch<'f> {
    findings: &'f mut Findings,
    scopes: Vec<Scope>,
    filters: usize,
}

impl FilterSearch<'_> {
    /// Returns whether this is a bare `HTTPFault`, whose fields occur in none of the messages that contain it.
    fn is_bare(&self, node: &Node<'_>) -> bool {
        if let Some(url) = node.field("@type") {
            return url.text().is_some_and(|url| url.ends_with(MESSAGE));
        }
        let known = |name: &str| super::table::FIELDS.fields_of("").any(|(field, _)| field == name);
        let names: Vec<String> = node.entries().iter().map(|(name, _)| snake(name)).collect();
        names.is_empty() || names.iter().any(|name| known(name))
    }

    fn visit(&mut self, node: &Node<'_>, names: &ScopeNames) {
        let named = |node: &Node<'_>| node.field("name").and_then(|name| name.text().map(str::to_owned));
        if node.field("virtual_hosts").is_some() {
            let names = ScopeNames { configuration: named(node), ..ScopeNames::default() };
            self.attached(node, Level::RouteConfiguration, &names);
            for (field, inner) in node.entries() {
                match snake(field).as_str() {
                    "virtual_hosts" => {
                        inner.elements().iter().for_each(|host| self.virtual_host(host, &names))
                    }
                    _ => self.visit(&inner, &names),
                }
            }
            return;
        }
        if node.field("routes").is_some() && node.field("domains").is_some() {
            return self.virtual_host(node, names);
        }
        if let Some(config) = node.field("typed_config")
            && let Some(fault) = message(&config)
        {
            return self.filter(node, &fault);
        }
        node.elements().iter().for_each(|element| self.visit(element, names));
        node.entries().iter().for_each(|(_, inner)| self.visit(inner, names));
    }

    fn filter(&mut self, node: &Node<'_>, fault: &Node<'_>) {
        let path = fault.place.path.to_string();
        let under = |field: &&str| path.split(['.', '[']).any(|part| snake(part) == **field);
        if BEHIND_A_MATCHER.iter().any(under) {
            let why = "a document has no matching tree: write the condition as `match`, and import the `HTTPFault` alone";
            return self.findings.refuse(&node.place, "a fault filter behind a matcher", why);
        }
        let disabled = node.field("disabled").is_some_and(|node| self.findings.flag(&node) == Some(true));
        let fault =
            if disabled { HttpFault::nothing(&node.place) } else { HttpFault::read(fault, self.findings) };
        self.filters += 1;
        self.scopes.push(Scope { level: Level::Filter, names: ScopeNames::default(), fault });
    }

    fn virtual_host(&mut self, node: &Node<'_>, names: &ScopeNames) {
        let name = node.field("name").and_then(|name| name.text());
        let names = ScopeNames { virtual_host: name.map(str::to_owned), ..names.clone() };
        self.attached(node, Level::VirtualHost, &names);
        for route in node.field("routes").iter().flat_map(Node::elements) {
            let name = route.field("name").and_then(|name| name.text()).filter(|name| !name.is_empty());
            let names = ScopeNames { route: name.map(str::to_owned), ..names.clone() };
            self.attached(&route, Level::Route, &names);
            for cluster in
                route.at(&["route", "weighted_clusters", "clusters"]).iter().flat_map(Node::elements)
            {
                let name = cluster.field("name").and_then(|name| name.text());
                let names = ScopeNames { cluster: name.map(str::to_owned), ..names.clone() };
                self.attached(&cluster, Level::WeightedCluster, &names);
            }
        }
    }

    /// Adds the fault filter's entries in `typed_per_filter_config`.
    fn attached(&mut self, node: &Node<'_>, level: Level, names: &ScopeNames) {
        for (key, config) in node.field("typed_per_filter_config").iter().flat_map(Node::entries) {
            let Some(fault) = self.per_route(key, &config) else { continue };
            let missing = match level {
                Level::WeightedCluster if names.cluster.is_none() => Some("weighted cluster"),
                Level::WeightedCluster | Level::Route if names.route.is_none() => Some("route"),
                Level::VirtualHost if names.virtual_host.is_none() => Some("virtual host"),
                _ => None,
            };
            if let Some(what) = missing {
                let what = format!("a fault on a {what} without a name");
                self.findings.refuse(
                    &config.place,
                    &what,
                    "a document refers to it by name: give it a `name`",
                );
                continue;
            }
            self.scopes.push(Scope { level, names: names.clone(), fault });
        }
    }

    fn per_route(&mut self, key: &str, config: &Node<'_>) -> Option<HttpFault> {
        if let Some(fault) = message(config) {
            return Some(HttpFault::read(&fault, self.findings));
        }
        let url = config.field("@type")?;
        if !url.text()?.ends_with("envoy.config.route.v3.FilterConfig") {
            return None;
        }
        let inner = config.field("config").and_then(|inner| message(&inner));
        if inner.is_none() && key != FILTER {
            return None;
        }
        if config.field("disabled").is_some_and(|node| self.findings.flag(&node) == Some(true)) {
            return Some(HttpFault::nothing(&config.place));
        }
        inner.map(|fault| HttpFault::read(&fault, self.findings))
    }
}

/// Returns the `HTTPFault` in a `typed_config`, which may be wrapped in a `TypedStruct`.
fn message<'a>(config: &Node<'a>) -> Option<Node<'a>> {
    let url = config.field("@type")?.text()?;
    if url.ends_with(MESSAGE) {
        return Some(config.clone());
    }
    let wrapped = url.ends_with(".TypedStruct") && config.field("type_url")?.text()?.ends_with(MESSAGE);
    wrapped.then(|| config.field("value")).flatten()
}
