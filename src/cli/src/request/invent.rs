//! A request that fulfils a predicate.

use super::pattern::example;
use crate::request::{Request, Url};
use brownout_core::predicate::Predicate;
use brownout_core::predicate::call::Call;
use brownout_core::predicate::direction::TrafficDirection;
use brownout_core::predicate::header::HeaderMatcher;
use brownout_core::predicate::method::Method;
use brownout_core::predicate::pair::PairMatcher;
use brownout_core::predicate::string::{Pattern, StringMatcher};
use brownout_core::value::query::RESERVED;
use brownout_core::view::{Property, RequestView};
use percent_encoding::utf8_percent_encode;

/// The number of ways to fulfil an `any` that are tried.
const TRIES: usize = 16;

/// Returns a request that matches a predicate and is not excluded: `None` if none was found.
pub fn request(predicate: Option<&Predicate>, excluded: &dyn Fn(&Request) -> bool) -> Option<Request> {
    (0..TRIES).find_map(|attempt| {
        let mut request = Request::new("GET", &Url::parse("http://example.com/").ok()?);
        if let Some(predicate) = predicate {
            fulfil(predicate, attempt, &mut request);
        }
        let good = predicate.is_none_or(|predicate| {
            let settled = predicate.clone();
            settled.settle(&|property| request.property(property));
            settled.matches(&request)
        });
        (good && !excluded(&request)).then_some(request)
    })
}

fn fulfil(predicate: &Predicate, attempt: usize, request: &mut Request) {
    let text = |matcher: Option<&StringMatcher>| matcher.map(example);
    if let Some(method) = predicate.methods.as_ref().and_then(|methods| methods.first()) {
        request.set(":method", Method::as_str(method).as_bytes());
    }
    if let Some(path) = &predicate.path {
        request.set(":path", path_of(path).as_bytes());
    }
    if let Some(host) = text(predicate.authority.as_deref()) {
        let host = if host.starts_with('.') { format!("www{host}") } else { host };
        request.set(":authority", host.as_bytes());
    }
    if let Some(call) = &predicate.grpc {
        as_call(call, request);
    }
    predicate.query_parameters.iter().flatten().for_each(|pair| add_parameter(pair, request));
    predicate.headers.iter().flatten().for_each(|header| add_header(header, request));
    predicate.cookies.iter().flatten().for_each(|pair| add_cookie(pair, request));
    let facts = [
        (Property::RouteName, text(predicate.route.as_deref())),
        (Property::VirtualHostName, text(predicate.virtual_host.as_deref())),
        (Property::ClusterName, text(predicate.cluster.as_deref())),
    ];
    for (property, value) in facts {
        if let Some(value) = value {
            request.know(property, value);
        }
    }
    add_proxy(predicate, request);
    predicate.all.iter().flatten().for_each(|inner| fulfil(inner, attempt, request));
    if let Some(any) = predicate.any.as_ref().filter(|any| !any.is_empty()) {
        fulfil(&any[attempt % any.len()], attempt / any.len(), request);
    }
}

/// Adds what the request itself does not contain: its sender and its proxy.
fn add_proxy(predicate: &Predicate, request: &mut Request) {
    if let Some(source) = &predicate.source {
        if let Some(cidr) = source.cidrs.as_ref().and_then(|cidrs| cidrs.first()) {
            let text = cidr.to_string();
            request.know(Property::SourceAddress, text.split('/').next().unwrap_or_default());
        }
        if let Some(principal) = &source.principal {
            request.know(Property::PeerUriSan, example(principal));
        }
    }
    if let Some(direction) = predicate.direction {
        let number: u64 = match direction {
            TrafficDirection::Inbound => 1,
            TrafficDirection::Outbound => 2,
        };
        request.know(Property::ListenerDirection, number.to_le_bytes().to_vec());
    }
    if let Some(node) = &predicate.node {
        let fields = node.fields();
        let named = [
            (Property::NodeId, &fields.id),
            (Property::NodeCluster, &fields.cluster),
            (Property::NodeNamespace, &fields.namespace),
        ];
        for (property, matcher) in named {
            if let Some(matcher) = matcher {
                request.know(property, example(matcher));
            }
        }
        let labels = fields.labels.iter().flat_map(|labels| labels.iter());
        request.labels.extend(labels.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}

/// Paths begin with a slash.
fn path_of(matcher: &StringMatcher) -> String {
    let text = example(matcher);
    match matcher.pattern() {
        Pattern::Suffix(_) | Pattern::Contains(_) if !text.starts_with('/') => format!("/{text}"),
        _ => text,
    }
}

fn as_call(call: &Call, request: &mut Request) {
    let part =
        |matcher: &Option<StringMatcher>, or: &str| matcher.as_ref().map_or_else(|| or.to_owned(), example);
    let path = format!("/{}/{}", part(&call.service, "example.Service"), part(&call.method, "Method"));
    request.set(":method", b"POST");
    request.set(":path", path.as_bytes());
    request.set("content-type", b"application/grpc");
}

fn add_parameter(pair: &PairMatcher, request: &mut Request) {
    if pair.present_match == Some(false) {
        return;
    }
    let value = pair.string_match.as_ref().map_or_else(|| "1".to_owned(), example);
    let escaped = |text| utf8_percent_encode(text, RESERVED);
    let mut path = request.first_value(":path").unwrap_or_default();
    path.push(if path.contains(&b'?') { b'&' } else { b'?' });
    path.extend(format!("{}={}", escaped(&pair.name), escaped(&value)).into_bytes());
    request.set(":path", &path);
}

fn add_header(header: &HeaderMatcher, request: &mut Request) {
    let inverted = header.invert_match == Some(true);
    let value = match (&header.string_match, header.range_match) {
        (Some(_), _) | (None, Some(_)) if inverted => "something-else".to_owned(),
        (Some(string), _) => example(string),
        (None, Some(range)) => range.start().to_string(),
        (None, None) if header.present_match.unwrap_or(true) == inverted => return,
        (None, None) => "1".to_owned(),
    };
    request.set(header.name.as_str(), value.as_bytes());
}

fn add_cookie(pair: &PairMatcher, request: &mut Request) {
    if pair.present_match == Some(false) {
        return;
    }
    let value = pair.string_match.as_ref().map_or_else(|| "1".to_owned(), example);
    let mut cookies = request.first_value("cookie").unwrap_or_default();
    if !cookies.is_empty() {
        cookies.extend(b"; ");
    }
    cookies.extend(format!("{}={value}", pair.name).into_bytes());
    request.set("cookie", &cookies);
}
