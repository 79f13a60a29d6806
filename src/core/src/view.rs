//! The only questions that the core may ask about an exchange. Each may cost a host call, so they are asked lazily,
//! and only when a rule of the plan in force names what they are about.

use alloc::vec::Vec;

/// A request whose headers have arrived.
pub trait RequestView {
    /// Whether `test` holds for any value of a header: `None` if the header is missing, and `test` is asked about
    /// each value in order until it says yes. `name` is in lower case; `:method`, `:path` and `:authority` are names.
    fn any_value(&self, name: &str, test: &mut dyn FnMut(&[u8]) -> bool) -> Option<bool>;

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
        let mut first = None;
        self.any_value("content-type", &mut |value| {
            let grpc = value
                .strip_prefix(b"application/grpc")
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"+"));
            first.get_or_insert(grpc);
            true
        });
        first.unwrap_or(false)
    }
}
