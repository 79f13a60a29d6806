//! The only questions that the core may ask about an exchange. Each may cost a host call, so they are asked lazily,
//! and only when a rule of the plan in force names what they are about.

pub mod effort;

use crate::view::effort::Effort;
use alloc::vec::Vec;

/// A fact about an exchange, or about the proxy, that does not stand in the request's headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Property<'a> {
    /// The name of the route in use.
    RouteName,
    /// The name of its virtual host.
    VirtualHostName,
    /// The name of the cluster that the route leads to.
    ClusterName,
    /// The downstream remote address, `ip:port`.
    SourceAddress,
    /// The first URI SAN of the peer's certificate: with SPIFFE, who it is.
    PeerUriSan,
    /// The listener's direction: a 64-bit number, little endian, 1 for inbound and 2 for outbound.
    ListenerDirection,
    /// The document in the route's metadata.
    RouteDocument,
    /// The document in the virtual host's metadata.
    VirtualHostDocument,
    /// The proxy's node id.
    NodeId,
    /// The proxy's cluster.
    NodeCluster,
    /// The namespace that the proxy's metadata names.
    NodeNamespace,
    /// A label that the proxy's metadata has.
    NodeLabel(&'a str),
}

impl Property<'_> {
    /// The same without what it borrows, if it borrows nothing.
    pub fn fixed(self) -> Option<Property<'static>> {
        Some(match self {
            Self::NodeLabel(_) => return None,
            Self::RouteName => Property::RouteName,
            Self::VirtualHostName => Property::VirtualHostName,
            Self::ClusterName => Property::ClusterName,
            Self::SourceAddress => Property::SourceAddress,
            Self::PeerUriSan => Property::PeerUriSan,
            Self::ListenerDirection => Property::ListenerDirection,
            Self::RouteDocument => Property::RouteDocument,
            Self::VirtualHostDocument => Property::VirtualHostDocument,
            Self::NodeId => Property::NodeId,
            Self::NodeCluster => Property::NodeCluster,
            Self::NodeNamespace => Property::NodeNamespace,
        })
    }
}

/// A request whose headers have arrived.
pub trait RequestView {
    /// Whether `test` holds for any value of a header: `None` if the header is missing, and `test` is asked about
    /// each value in order until it says yes. `name` is in lower case; `:method`, `:path` and `:authority` are names.
    fn any_value(&self, name: &str, test: &mut dyn FnMut(&[u8]) -> bool) -> Option<bool>;

    /// Shows every header, name and value, in order. `false` if that cannot be done.
    fn each_header(&self, visit: &mut dyn FnMut(&[u8], &[u8])) -> bool {
        let _ = visit;
        false
    }

    /// A fact that does not stand in the headers. One that is empty is absent.
    fn property(&self, property: Property<'_>) -> Option<Vec<u8>> {
        let _ = property;
        None
    }

    /// Whether more than headers is to come.
    fn has_body(&self) -> bool {
        true
    }

    /// Whether it came over HTTP/2.
    fn is_http2(&self) -> bool {
        false
    }

    /// The account of what looking at it may take; without one, that is not bounded.
    fn effort(&self) -> Option<&Effort> {
        None
    }

    /// The first value of a header.
    fn first_value(&self, name: &str) -> Option<Vec<u8>> {
        let mut first = None;
        self.any_value(name, &mut |value| {
            first = Some(value.to_vec());
            true
        });
        first
    }

    /// Whether this is a gRPC request: Envoy's rule, a content type of `application/grpc`, alone or with a `+suffix`.
    fn is_grpc(&self) -> bool {
        self.any_value("content-type", &mut is_grpc) == Some(true)
    }

    /// Whether the request asks for another protocol on its stream: a WebSocket, say, or a tunnel. What flows after
    /// that is nobody's body.
    fn is_upgrade(&self) -> bool {
        let connects = self.any_value(":method", &mut |method| method == b"CONNECT") == Some(true);
        connects || self.any_value("upgrade", &mut |_| true).is_some()
    }

    /// Whether the request asks for the headers of a response alone.
    fn is_head(&self) -> bool {
        self.any_value(":method", &mut |method| method == b"HEAD") == Some(true)
    }
}

/// A response whose headers have arrived.
pub trait ResponseView {
    /// As [`RequestView::any_value`]; `:status` is a name.
    fn any_value(&self, name: &str, test: &mut dyn FnMut(&[u8]) -> bool) -> Option<bool>;

    /// As [`RequestView::each_header`].
    fn each_header(&self, visit: &mut dyn FnMut(&[u8], &[u8])) -> bool;

    /// The first value of a header.
    fn first_value(&self, name: &str) -> Option<Vec<u8>> {
        let mut first = None;
        self.any_value(name, &mut |value| {
            first = Some(value.to_vec());
            true
        });
        first
    }

    /// Whether more than headers is to come.
    fn has_body(&self) -> bool;

    /// Whether this is a gRPC response: by the same rule as for a request.
    fn is_grpc(&self) -> bool {
        self.any_value("content-type", &mut is_grpc) == Some(true)
    }
}

fn is_grpc(content_type: &[u8]) -> bool {
    let rest = content_type.strip_prefix(b"application/grpc");
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"+"))
}

/// A response where a request is asked for: conditions on headers are the same for both.
pub struct HeadersOf<'a>(pub &'a dyn ResponseView);

impl RequestView for HeadersOf<'_> {
    fn any_value(&self, name: &str, test: &mut dyn FnMut(&[u8]) -> bool) -> Option<bool> {
        self.0.any_value(name, test)
    }
}

/// A piece of a body, or all that the host has of it by now.
pub trait DataView {
    /// How many bytes.
    fn size(&self) -> usize;

    /// The bytes. `None` if the host does not give them.
    fn bytes(&self) -> Option<Vec<u8>>;
}
