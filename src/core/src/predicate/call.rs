//! A condition on a gRPC call: `/package.Service/Method` in the path of a request with a gRPC content type.

use crate::decode::object;
use crate::predicate::string::StringMatcher;
use crate::predicate::without_query;
use crate::view::RequestView;

object! {
    /// A condition on gRPC calls. Without any field, it holds for every call.
    #[derive(Debug, Clone)]
    pub struct Call {
        /// Matches the service with its package: `shop.v1.Checkout`.
        pub service: Option<StringMatcher>,
        /// Matches the method's name, without the service: `Pay`.
        pub method: Option<StringMatcher>,
    }
}

impl Call {
    /// Returns whether the request is such a call.
    pub fn matches(&self, request: &dyn RequestView) -> bool {
        let in_path = request.any_value(":path", &mut |path| self.matches_path(request, without_query(path)));
        in_path == Some(true) && request.is_grpc()
    }

    fn matches_path(&self, request: &dyn RequestView, path: &[u8]) -> bool {
        let Some(call) = path.strip_prefix(b"/") else { return false };
        let Some(slash) = call.iter().rposition(|byte| *byte == b'/') else { return false };
        let (service, method) = call.split_at(slash);
        let method = method.strip_prefix(b"/").unwrap_or(method);
        self.service.as_ref().is_none_or(|matcher| matcher.matches_in(request, service))
            && self.method.as_ref().is_none_or(|matcher| matcher.matches_in(request, method))
    }
}
