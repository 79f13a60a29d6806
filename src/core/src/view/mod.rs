//! The only queries that the core may make about an exchange. Each may cost a host call, so they are made lazily, and
//! only if a rule of the plan in force needs them.

pub mod effort;

use crate::view::effort::Effort;
use alloc::vec::Vec;

/// A fact about an exchange or the proxy that is not in the request's headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Property<'a> {
    /// The name of the route in use.
    RouteName,
    /// The name of its virtual host.
    VirtualHostName,
    /// The name of the route's cluster.
    ClusterName,
    /// The downstream remote address, `ip:port`.
    SourceAddress,
    /// The first URI SAN of the peer's certificate: with SPIFFE, its identity.
    PeerUriSan,
    /// The listener's direction: a 64-bit number, little endian, 1 for inbound and 2 for outbound.
    ListenerDirection,
    /// The document in the route's metadata.
    RouteDocument,
    /// The document in the virtual host's metadata.
    VirtualHostDocument,
    NodeId,
    /// The cluster that the proxy itself belongs to.
    NodeCluster,
    /// The namespace in the proxy's metadata.
    NodeNamespace,
    /// A label in the proxy's metadata.
    NodeLabel(&'a str),
}

impl Property<'_> {
    /// Returns the property with a static lifetime, if it borrows nothing.
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
    /// Returns whether `test` holds for any value of a header, or `None` if the header is missing. `test` is called for
    /// each value in order until it returns `true`. `name` is in lower case, and may be `:method`, `:path` or
    /// `:authority`.
    fn any_value(&self, name: &str, test: &mut dyn FnMut(&[u8]) -> bool) -> Option<bool>;

    /// Calls `visit` with the name and value of every header, in order. Returns `false` if the headers are unavailable.
    fn each_header(&self, visit: &mut dyn FnMut(&[u8], &[u8])) -> bool {
        let _ = visit;
        false
    }

    /// Returns a fact that is not in the headers. An empty value counts as absent.
    fn property(&self, property: Property<'_>) -> Option<Vec<u8>> {
        let _ = property;
        None
    }

    /// Returns whether a body or trailers follow the headers.
    fn has_body(&self) -> bool {
        true
    }

    /// Returns whether it arrived over HTTP/2.
    fn is_http2(&self) -> bool {
        false
    }

    /// Returns the budget for matching against the request; without one, matching is unlimited.
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

    /// Returns whether this is a gRPC request, by Envoy's rule: the content type is `application/grpc`, with or
    /// without a `+suffix`.
    fn is_grpc(&self) -> bool {
        self.any_value("content-type", &mut is_grpc) == Some(true)
    }

    /// Returns whether the request asks for another protocol on its stream, such as a WebSocket or a tunnel. The data
    /// after that is not an HTTP body.
    fn is_upgrade(&self) -> bool {
        let connects = self.any_value(":method", &mut |method| method == b"CONNECT") == Some(true);
        connects || self.any_value("upgrade", &mut |_| true).is_some()
    }

    /// Returns whether this is a `HEAD` request.
    fn is_head(&self) -> bool {
        self.any_value(":method", &mut |method| method == b"HEAD") == Some(true)
    }
}

/// A response whose headers have arrived.
pub trait ResponseView {
    /// Like [`RequestView::any_value`]; `name` may be `:status`.
    fn any_value(&self, name: &str, test: &mut dyn FnMut(&[u8]) -> bool) -> Option<bool>;

    /// Like [`RequestView::each_header`].
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

    /// Returns whether a body or trailers follow the headers.
    fn has_body(&self) -> bool;

    /// Returns whether this is a gRPC response, by the same rule as for a request.
    fn is_grpc(&self) -> bool {
        self.any_value("content-type", &mut is_grpc) == Some(true)
    }
}

fn is_grpc(content_type: &[u8]) -> bool {
    let rest = content_type.strip_prefix(b"application/grpc");
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"+"))
}

/// Presents a response as a request, because header conditions work the same for both.
pub struct HeadersOf<'a>(pub &'a dyn ResponseView);

impl RequestView for HeadersOf<'_> {
    fn any_value(&self, name: &str, test: &mut dyn FnMut(&[u8]) -> bool) -> Option<bool> {
        self.0.any_value(name, test)
    }
}

/// A piece of a body, or all of it that the host has buffered so far.
pub trait DataView {
    /// Returns the number of bytes.
    fn size(&self) -> usize;

    /// Returns the bytes. `None` if the host does not provide them.
    fn bytes(&self) -> Option<Vec<u8>>;
}
