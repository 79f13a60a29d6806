//! Conditions that select a rule's requests. All fields of a predicate must hold.

pub mod call;
pub mod direction;
pub mod header;
pub mod method;
pub mod node;
pub mod pair;
pub mod regex;
pub mod source;
pub mod string;

use crate::decode::diagnostic::Code;
use crate::decode::{Decoder, Refused, object};
use crate::view::{Property, RequestView};
use alloc::boxed::Box;
use alloc::vec::Vec;
use call::Call;
use direction::TrafficDirection;
use header::HeaderMatcher;
use method::Method;
use node::NodeMatcher;
use pair::PairMatcher;
use source::Source;
use string::StringMatcher;

object! {
    /// A condition on a request. Without any field, it holds for every request.
    // Rarely used fields are boxed and take only a pointer, because there may be thousands of predicates.
    #[derive(Debug, Clone, Default)]
    pub struct Predicate {
        /// Conditions on headers, with the semantics of Envoy's `HeaderMatcher`; all must hold.
        pub headers: Option<Vec<HeaderMatcher>>,
        /// Matches the path without the query.
        pub path: Option<StringMatcher>,
        /// The method is one of these.
        pub methods: Option<Vec<Method>>,
        /// Matches the host without the port.
        pub authority: Option<Box<StringMatcher>>,
        /// Conditions on query parameters, percent-decoded; all must hold.
        pub query_parameters: Option<Vec<PairMatcher>>,
        /// Conditions on cookies; all must hold.
        pub cookies: Option<Vec<PairMatcher>>,
        /// Matches the gRPC service and method. A request that is not gRPC does not match.
        pub grpc: Option<Box<Call>>,
        /// Matches the name of the selected route. A route without a name does not match.
        pub route: Option<Box<StringMatcher>>,
        /// Matches the name of the selected virtual host.
        pub virtual_host: Option<Box<StringMatcher>>,
        /// Matches the name of the route's cluster.
        pub cluster: Option<Box<StringMatcher>>,
        /// Matches the sender of the request.
        pub source: Option<Box<Source>>,
        /// Matches the proxy itself, by its node id, cluster, labels or namespace.
        pub node: Option<Box<NodeMatcher>>,
        /// Matches the listener's direction: `inbound` or `outbound`.
        pub direction: Option<TrafficDirection>,
        /// Holds if all of these hold.
        pub all: Option<Vec<Predicate>>,
        /// Holds if at least one of these holds.
        pub any: Option<Vec<Predicate>>,
        /// Holds if this does not.
        pub not: Option<Box<Predicate>>,
    }
    check Self::check
}

/// A part of a predicate: a field, and the index in it if it is a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    pub field: &'static str,
    /// The index in the list.
    pub index: Option<usize>,
}

impl Predicate {
    fn check(&self, decoder: &mut Decoder) -> Result<(), Refused> {
        if self.any.as_ref().is_some_and(Vec::is_empty) {
            return decoder.field("any", |d| {
                d.refuse_with_help(
                    Code::InvalidValue,
                    "an empty `any` matches nothing",
                    "",
                    "leave it out, or list at least one predicate",
                )
            });
        }
        if self.methods.as_ref().is_some_and(Vec::is_empty) {
            return decoder.field("methods", |d| {
                d.refuse_with_help(
                    Code::InvalidValue,
                    "an empty `methods` matches nothing",
                    "",
                    "leave it out for every method",
                )
            });
        }
        Ok(())
    }

    /// Returns whether the predicate has no field, and so holds for every request.
    pub fn is_empty(&self) -> bool {
        // Destructured, so that the compiler catches a new field.
        #[rustfmt::skip]
        let Self {
            headers, path, methods, authority, query_parameters, cookies, grpc, route, virtual_host, cluster, source, node,
            direction, all, any, not,
        } = self;
        let lists = [headers.is_some(), methods.is_some(), query_parameters.is_some(), cookies.is_some()];
        let texts =
            [path.is_some(), authority.is_some(), grpc.is_some(), route.is_some(), virtual_host.is_some()];
        let facts = [cluster.is_some(), source.is_some(), node.is_some(), direction.is_some()];
        let nested = [all.is_some(), any.is_some(), not.is_some()];
        !lists.into_iter().chain(texts).chain(facts).chain(nested).any(|given| given)
    }

    /// Returns whether the predicate holds for the request.
    pub fn matches(&self, request: &dyn RequestView) -> bool {
        self.failing(request).is_none()
    }

    /// Returns the first part that does not hold for the request. Parts that are cheap to fetch are checked first.
    pub fn failing(&self, request: &dyn RequestView) -> Option<Part> {
        self.failing_text(request)
            .or_else(|| failing_element("query_parameters", &self.query_parameters, |p| p.in_query(request)))
            .or_else(|| failing_element("headers", &self.headers, |header| header.matches(request)))
            .or_else(|| failing_element("cookies", &self.cookies, |p| p.in_cookies(request)))
            .or_else(|| self.failing_fact(request))
            .or_else(|| failing("not", &self.not, |inner| !inner.matches(request)))
            .or_else(|| failing_element("all", &self.all, |inner| inner.matches(request)))
            .or_else(|| failing("any", &self.any, |any| any.iter().any(|inner| inner.matches(request))))
    }

    /// Like [`Self::failing`], among the parts that need only a few headers, or are known already.
    fn failing_text(&self, request: &dyn RequestView) -> Option<Part> {
        failing("node", &self.node, |node| node.matches())
            .or_else(|| failing("methods", &self.methods, |methods| any_method(methods, request)))
            .or_else(|| failing("path", &self.path, |path| path_is(path, request)))
            .or_else(|| failing("authority", &self.authority, |host| authority_is(host, request)))
            .or_else(|| failing("grpc", &self.grpc, |call| call.matches(request)))
    }

    /// Like [`Self::failing`], among the parts that each need a host call.
    fn failing_fact(&self, request: &dyn RequestView) -> Option<Part> {
        let is = |name: &StringMatcher, property| {
            request.property(property).is_some_and(|value| name.matches_in(request, &value))
        };
        failing("direction", &self.direction, |direction| direction.matches(request))
            .or_else(|| failing("route", &self.route, |name| is(name, Property::RouteName)))
            .or_else(|| {
                failing("virtual_host", &self.virtual_host, |name| is(name, Property::VirtualHostName))
            })
            .or_else(|| failing("cluster", &self.cluster, |name| is(name, Property::ClusterName)))
            .or_else(|| failing("source", &self.source, |source| source.matches(request)))
    }

    /// Returns whether the predicate cannot hold for any request at this proxy. Call [`Self::settle`] first.
    pub fn is_hopeless(&self) -> bool {
        self.node.as_ref().is_some_and(|node| !node.matches())
            || self.all.iter().flatten().any(Self::is_hopeless)
    }

    /// Evaluates the conditions on the proxy, which does not change while a document is in force.
    pub fn settle(&self, proxy: &dyn Fn(Property<'_>) -> Option<Vec<u8>>) {
        if let Some(node) = &self.node {
            node.settle(proxy);
        }
        let nested = self.all.iter().chain(&self.any).flatten();
        nested.chain(self.not.as_deref()).for_each(|inner| inner.settle(proxy));
    }
}

/// Returns the field if it is set and does not hold. Most fields are not set, and that case must be cheap: each request
/// is checked against every field of every predicate that might hold.
#[inline]
fn failing<T>(field: &'static str, value: &Option<T>, holds: impl FnOnce(&T) -> bool) -> Option<Part> {
    value.as_ref().is_some_and(|value| !holds(value)).then_some(Part { field, index: None })
}

#[inline]
fn failing_element<T>(
    field: &'static str,
    list: &Option<Vec<T>>,
    holds: impl Fn(&T) -> bool,
) -> Option<Part> {
    let index = list.as_ref()?.iter().position(|element| !holds(element))?;
    Some(Part { field, index: Some(index) })
}

fn any_method(methods: &[Method], request: &dyn RequestView) -> bool {
    let mut listed = |value: &[u8]| methods.iter().any(|method| method.as_str().as_bytes() == value);
    request.any_value(":method", &mut listed) == Some(true)
}

/// Matches the path. A CONNECT request has none, and never matches.
fn path_is(path: &StringMatcher, request: &dyn RequestView) -> bool {
    request.any_value(":path", &mut |value| path.matches_in(request, without_query(value))) == Some(true)
}

fn authority_is(authority: &StringMatcher, request: &dyn RequestView) -> bool {
    request.any_value(":authority", &mut |value| authority.matches_in(request, without_port(value)))
        == Some(true)
}

/// Returns the path up to the query or fragment (RFC 3986, section 3.3).
pub(crate) fn without_query(path: &[u8]) -> &[u8] {
    path.split(|byte| matches!(byte, b'?' | b'#')).next().unwrap_or(path)
}

/// Returns the host of an authority (RFC 3986, section 3.2): `[::1]:8080` is `[::1]`.
pub(crate) fn without_port(authority: &[u8]) -> &[u8] {
    let Some(colon) = authority.iter().rposition(|byte| *byte == b':') else { return authority };
    let (host, port) = authority.split_at(colon);
    let is_port = port.iter().skip(1).all(u8::is_ascii_digit);
    let whole_host = !host.contains(&b':') || host.ends_with(b"]");
    if is_port && whole_host { host } else { authority }
}
