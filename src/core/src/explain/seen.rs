//! The values of a request that a condition looks at.

use super::matching::direction_name;
use crate::decode::json::Shortened;
use crate::predicate::direction::TrafficDirection;
use crate::predicate::{Part, Predicate, pair, source, without_port, without_query};
use crate::view::{Property, RequestView};
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Returns the values that a condition looks at, and the proxy's property if it is not in the request itself.
pub fn seen(
    predicate: &Predicate,
    part: Part,
    request: &dyn RequestView,
) -> (Vec<String>, Option<Property<'static>>) {
    let index = part.index.unwrap_or_default();
    let fact = |property: Property<'static>| {
        (request.property(property).iter().map(|value| shown(value)).collect(), Some(property))
    };
    let here = |values: Vec<String>| (values, None);
    match part.field {
        "methods" => here(values(request, ":method", <[u8]>::to_vec)),
        "path" => here(values(request, ":path", |value| without_query(value).to_vec())),
        "authority" => here(values(request, ":authority", |value| without_port(value).to_vec())),
        "grpc" => here(of_call(request)),
        "headers" => {
            let name = predicate
                .headers
                .as_ref()
                .and_then(|list| list.get(index))
                .map(|header| header.name.as_str());
            here(name.map(|name| values(request, name, <[u8]>::to_vec)).unwrap_or_default())
        }
        "query_parameters" => {
            let name =
                predicate.query_parameters.as_ref().and_then(|list| list.get(index)).map(|pair| &pair.name);
            let path = request.first_value(":path").unwrap_or_default();
            let named =
                pair::parameters(&path).filter(|(found, _)| name.is_some_and(|n| **found == *n.as_bytes()));
            here(named.map(|(_, value)| shown(&value)).collect())
        }
        "cookies" => {
            let name = predicate.cookies.as_ref().and_then(|list| list.get(index)).map(|pair| &pair.name);
            let mut found = Vec::new();
            request.any_value("cookie", &mut |header| {
                let named =
                    pair::cookies(header).filter(|(found, _)| name.is_some_and(|n| *found == n.as_bytes()));
                found.extend(named.map(|(_, value)| shown(value)));
                false
            });
            here(found)
        }
        "direction" => {
            let value = request.property(Property::ListenerDirection);
            let name = value.and_then(|value| match value.first() {
                Some(1) => Some(direction_name(TrafficDirection::Inbound)),
                Some(2) => Some(direction_name(TrafficDirection::Outbound)),
                _ => None,
            });
            (name.map(ToOwned::to_owned).into_iter().collect(), Some(Property::ListenerDirection))
        }
        "route" => fact(Property::RouteName),
        "virtual_host" => fact(Property::VirtualHostName),
        "cluster" => fact(Property::ClusterName),
        "source" => of_source(predicate, request),
        "node" => of_node(predicate, request),
        _ => here(Vec::new()),
    }
}

fn of_call(request: &dyn RequestView) -> Vec<String> {
    let mut seen = values(request, ":path", |value| without_query(value).to_vec());
    let types = values(request, "content-type", <[u8]>::to_vec);
    if types.is_empty() {
        seen.push("no content type".into());
    }
    seen.extend(types);
    seen
}

fn of_source(predicate: &Predicate, request: &dyn RequestView) -> (Vec<String>, Option<Property<'static>>) {
    let Some(asked) = &predicate.source else { return (Vec::new(), None) };
    let mut seen = Vec::new();
    let mut about = None;
    if asked.cidrs.is_some() {
        match source::address(request) {
            Some(address) => seen.push(address.to_string()),
            None => about = Some(Property::SourceAddress),
        }
    }
    if asked.principal.is_some() {
        match request.property(Property::PeerUriSan) {
            Some(principal) => seen.push(shown(&principal)),
            None => about = about.or(Some(Property::PeerUriSan)),
        }
    }
    (seen, about)
}

fn of_node(predicate: &Predicate, request: &dyn RequestView) -> (Vec<String>, Option<Property<'static>>) {
    let Some(node) = &predicate.node else { return (Vec::new(), None) };
    let fields = node.fields();
    let asked = [
        (fields.id.is_some(), "id", Property::NodeId),
        (fields.cluster.is_some(), "cluster", Property::NodeCluster),
        (fields.namespace.is_some(), "namespace", Property::NodeNamespace),
    ];
    let mut seen = Vec::new();
    let mut about = None;
    for (_, name, property) in asked.into_iter().filter(|(asked, ..)| *asked) {
        match request.property(property) {
            Some(value) => seen.push(format!("{name} {}", shown(&value))),
            None => about = about.or(Some(property)),
        }
    }
    for (name, _) in fields.labels.iter().flat_map(|labels| labels.iter()) {
        match request.property(Property::NodeLabel(name)) {
            Some(value) => seen.push(format!("label {name} {}", shown(&value))),
            None => about = about.or(Some(Property::NodeLabel(""))),
        }
    }
    (seen, about)
}

fn values(request: &dyn RequestView, name: &str, part: impl Fn(&[u8]) -> Vec<u8>) -> Vec<String> {
    let mut values = Vec::new();
    request.any_value(name, &mut |value| {
        values.push(shown(&part(value)));
        false
    });
    values
}

/// Returns a value of a request as text, shortened if it is long.
pub fn shown(value: &[u8]) -> String {
    Shortened(&String::from_utf8_lossy(value)).to_string()
}
