//! Which requests a rule is about. All fields of a predicate have to hold.

pub mod header;
pub mod method;
pub mod string;

use crate::decode::object;
use crate::view::RequestView;
use alloc::vec::Vec;
use header::HeaderMatcher;
use method::Method;
use string::StringMatcher;

object! {
    /// A condition on a request. Without any field it holds for every request.
    #[derive(Debug, Clone, Default)]
    pub struct Predicate {
        /// Conditions on headers, with the semantics of Envoy's `HeaderMatcher`; all have to hold.
        pub headers: Option<Vec<HeaderMatcher>>,
        /// On the path, without the query.
        pub path: Option<StringMatcher>,
        /// The method is one of these.
        pub methods: Option<Vec<Method>>,
        /// On the host, without the port.
        pub authority: Option<StringMatcher>,
    }
    later ["query_parameters", "cookies", "grpc", "route", "virtual_host", "cluster", "source", "node", "direction",
        "all", "any", "not"]
}

impl Predicate {
    /// Whether the request fulfils it. What is cheap to fetch is asked first.
    pub fn matches(&self, request: &dyn RequestView) -> bool {
        self.method_matches(request)
            && self.path_matches(request)
            && self.authority_matches(request)
            && self.headers.iter().flatten().all(|header| header.matches(request))
    }

    fn method_matches(&self, request: &dyn RequestView) -> bool {
        self.methods.as_ref().is_none_or(|methods| {
            let mut listed = |value: &[u8]| methods.iter().any(|method| method.as_str().as_bytes() == value);
            request.any_value(":method", &mut listed) == Some(true)
        })
    }

    /// A CONNECT request has no path, and matches none.
    fn path_matches(&self, request: &dyn RequestView) -> bool {
        self.path.as_ref().is_none_or(|path| {
            request.any_value(":path", &mut |value| path.matches(without_query(value))) == Some(true)
        })
    }

    fn authority_matches(&self, request: &dyn RequestView) -> bool {
        self.authority.as_ref().is_none_or(|authority| {
            request.any_value(":authority", &mut |value| authority.matches(without_port(value))) == Some(true)
        })
    }
}

/// The path up to the query or fragment (RFC 3986, section 3.3).
pub(crate) fn without_query(path: &[u8]) -> &[u8] {
    path.split(|byte| matches!(byte, b'?' | b'#')).next().unwrap_or(path)
}

/// The host of an authority (RFC 3986, section 3.2): `[::1]:8080` is `[::1]`.
pub(crate) fn without_port(authority: &[u8]) -> &[u8] {
    let Some(colon) = authority.iter().rposition(|byte| *byte == b':') else { return authority };
    let (host, port) = authority.split_at(colon);
    let is_port = port.iter().skip(1).all(u8::is_ascii_digit);
    let whole_host = !host.contains(&b':') || host.ends_with(b"]");
    if is_port && whole_host { host } else { authority }
}
