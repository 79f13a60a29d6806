//! One `VirtualService`: the requests it applies to, and its entries in order.

use super::IstioChoices;
use super::fault::faults;
use super::host::{Host, in_namespace};
use super::matching::{Around, Gateway, block};
use super::table::FIELDS;
use crate::import::built::Built;
use crate::import::condition::Condition;
use crate::import::findings::Findings;
use crate::import::place::Node;
use crate::import::settle::runnable;
use brownout_core::decode::diagnostic::Code;

/// The parts of a manifest that concern the proxy that the document is for.
#[derive(Debug)]
pub struct RoutedService<'a> {
    pub name: &'a str,
    pub hosts: Vec<(Host, Node<'a>)>,
    namespace: &'a str,
    export_to: Vec<Condition>,
    entries: Vec<Node<'a>>,
}

/// A rule of the document to be built.
#[derive(Debug)]
pub struct HttpRoute<'a> {
    /// The `http` entry that the rule is built from.
    pub node: Node<'a>,
    /// The name for the rule, which may still be changed to make it unique.
    pub label: String,
    /// The requests to the service that it matches.
    pub condition: Condition,
    /// The requests that earlier entries take.
    pub passed: Vec<Condition>,
    pub faults: Vec<(String, Built)>,
}

impl<'a> RoutedService<'a> {
    /// Reads a manifest. `None` if it is wrong, or for other proxies.
    pub fn read(manifest: &Node<'a>, choices: &'a IstioChoices, findings: &mut Findings) -> Option<Self> {
        let metadata = |name: &str| manifest.at(&["metadata", name]).and_then(|node| node.text());
        let name = metadata("name").unwrap_or("virtual-service");
        let namespace = metadata("namespace");
        let Some(spec) = manifest.field("spec") else {
            findings.wrong(&manifest.place, Code::MissingField, "missing field `spec`", "");
            return None;
        };
        let fields = findings.open(&spec, &FIELDS, "")?;
        let gateway = Gateway(choices.gateway.clone());
        let mut list = |name: &str| -> Vec<Node<'a>> {
            let found = fields.iter().find(|(field, _)| *field == name);
            found.map(|(_, node)| findings.list(node)).unwrap_or_default()
        };
        let (hosts, gateways, export_to, entries) =
            (list("hosts"), list("gateways"), list("export_to"), list("http"));
        let gateways: Vec<&str> = gateways.iter().filter_map(|gateway| findings.text(gateway)).collect();
        let named = |name: &&str| gateway.is_named(name, namespace.unwrap_or(&choices.namespace));
        let applies = if gateways.is_empty() { gateway.is_mesh() } else { gateways.iter().any(named) };
        if !applies {
            let own = if gateways.is_empty() { "mesh".to_owned() } else { gateways.join("`, `") };
            findings.note(
                &spec.place,
                format!("left out: it is for `{own}` (`--gateway`), not for `{}`", gateway.0),
            );
            return None;
        }
        if hosts.is_empty() {
            findings.note(&spec.place, "left out: without `hosts`, it can only be a delegate of others");
            return None;
        }
        if namespace.is_none() && hosts.iter().any(|host| host.text().is_some_and(|host| !host.contains('.')))
        {
            let note = format!("no namespace: assumed to be in `{}` (`--namespace`)", choices.namespace);
            findings.note(&manifest.place, note);
        }
        let namespace = namespace.unwrap_or(&choices.namespace);
        let export_to = exported(&export_to, namespace, findings)?;
        let hosts = hosts.into_iter().filter_map(|node| host(node, namespace, &gateway, findings)).collect();
        Some(Self { name, hosts, namespace, export_to, entries })
    }

    /// Returns the requests that the service is for, and those among them that a proxy gives to other services.
    pub fn condition(&self, others: &[Self], in_mesh: bool) -> (Condition, Vec<Condition>) {
        let own = self.hosts.iter().flat_map(|(host, _)| host.conditions(in_mesh)).collect();
        let hosts = Condition::any(own).unwrap_or_default();
        let exported = Condition::any(self.export_to.clone()).unwrap_or_default();
        let outbound = Condition::new("direction", Built::text("outbound"));
        let has = |host: &Host| self.hosts.iter().any(|(own, _)| own == host);
        let more_specific =
            |other: &&Host| self.hosts.iter().any(|(host, _)| host.gives_way_to(other)) && !has(other);
        let away =
            others.iter().flat_map(|other| other.hosts.iter().map(|(host, _)| host)).filter(more_specific);
        let away = away.flat_map(|host| host.conditions(in_mesh)).collect();
        (outbound.and(hosts).and(exported), away)
    }

    /// Returns the entries with faults, in order. Entries without faults become a `not` in later ones.
    pub fn entries(&self, choices: &IstioChoices, findings: &mut Findings) -> Vec<HttpRoute<'a>> {
        let gateway = Gateway(choices.gateway.clone());
        let port = |entry: &Node<'a>| {
            let routes = entry.field("route").map_or_else(Vec::new, |route| route.elements());
            routes.iter().any(|route| route.at(&["destination", "port"]).is_some())
        };
        let destination_ports = self.entries.iter().any(port);
        let around = Around { gateway: &gateway, namespace: self.namespace, destination_ports };
        let mut entries = Vec::new();
        let mut passed: Vec<Condition> = Vec::new();
        let mut end: Option<&str> = None;
        for (index, node) in self.entries.iter().enumerate() {
            if let Some(reason) = end {
                if node.field("fault").is_some() {
                    findings.note(&node.place, format!("left out: {reason}"));
                }
                continue;
            }
            let losses = findings.losses();
            let Some(fields) = findings.open(node, &FIELDS, "http[]") else { continue };
            let Some(condition) = entry_condition(&fields, around, findings) else { continue };
            if findings.losses() != losses && findings.is_good() {
                end = Some("which requests reach it depends on an entry that cannot be imported");
                continue;
            }
            if condition.is_always() {
                end = Some("no request reaches it, since an earlier entry takes them all");
            }
            match runnable(&condition, faults_of(node, findings), findings) {
                None => passed.push(condition),
                Some(faults) => {
                    if !passed.is_empty() {
                        findings
                            .note(&node.place, "its `not` excludes the requests that earlier entries take");
                    }
                    let (node, label) = (node.clone(), self.label(index, node));
                    entries.push(HttpRoute { node, label, condition, passed: passed.clone(), faults });
                }
            }
        }
        entries
    }

    fn label(&self, index: usize, node: &Node<'_>) -> String {
        let name = node.field("name").and_then(|name| name.text()).filter(|name| !name.is_empty());
        match name {
            Some(name) => format!("{}-{name}", self.name),
            None if self.entries.len() == 1 => self.name.to_owned(),
            None => format!("{}-http-{index}", self.name),
        }
    }
}

fn faults_of(node: &Node<'_>, findings: &mut Findings) -> Vec<(String, Built)> {
    let Some(fault) = node.field("fault") else { return Vec::new() };
    for other in ["redirect", "direct_response"] {
        if let Some(other) = node.field(other) {
            let label = "Istio rejects it next to `fault`";
            findings.wrong(&other.place, Code::Conflict, "a fault on requests that are not forwarded", label);
        }
    }
    faults(&fault, findings)
}

fn host<'a>(
    node: Node<'a>,
    namespace: &str,
    gateway: &Gateway,
    findings: &mut Findings,
) -> Option<(Host, Node<'a>)> {
    let host = Host::new(findings.text(&node)?, namespace);
    if host == Host::Any && gateway.is_mesh() {
        let label = "`*` is for gateways: Istio rejects it for the mesh";
        findings.wrong(&node.place, Code::InvalidValue, "invalid host", label);
        return None;
    }
    Some((host, node))
}

/// Returns conditions for the namespaces it is exported to: an empty list means all. `None` if it is exported to none.
fn exported(list: &[Node<'_>], namespace: &str, findings: &mut Findings) -> Option<Vec<Condition>> {
    let mut conditions = Vec::new();
    for node in list {
        conditions.push(match findings.text(node)? {
            "*" => return Some(Vec::new()),
            "." => in_namespace(namespace),
            "~" => {
                findings.note(&node.place, "left out: it is exported to no proxy");
                return None;
            }
            other => in_namespace(other),
        });
    }
    Some(conditions)
}

/// Returns the requests of an entry: those that match any block. `None` if no block is for this gateway.
fn entry_condition(
    fields: &[(&'static str, Node<'_>)],
    around: Around<'_>,
    findings: &mut Findings,
) -> Option<Condition> {
    let blocks = fields.iter().find(|(name, _)| *name == "match").map(|(_, node)| findings.list(node));
    let blocks = blocks.unwrap_or_default();
    if blocks.is_empty() {
        return Some(Condition::default());
    }
    Condition::any(blocks.iter().filter_map(|node| block(node, around, findings)).collect())
}
