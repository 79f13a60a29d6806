//! Replaces a backend's response with a reply, for the filter chain after the router.

use crate::body::rewrite::Rewrite;
use crate::step::{HeaderChange, LocalReply};
use crate::value::grpc;
use crate::view::ResponseView;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Returns the changes to headers and body that turn a response into the reply. A gRPC response keeps its HTTP status
/// and gets the gRPC status in its headers, where the router looks for it first.
pub fn in_place(reply: &LocalReply, response: &dyn ResponseView) -> (Vec<HeaderChange>, Option<Rewrite>) {
    let grpc = response.any_value("content-type", &mut |value| value.starts_with(b"application/grpc"));
    let mut changes = Vec::new();
    let mut set = |name: &str, value: Vec<u8>| changes.push(HeaderChange::Set(String::from(name), value));
    let body: &[u8] = if grpc == Some(true) {
        let status = reply.grpc_status.map_or_else(|| grpc::of_http(reply.status), |status| status.code());
        set("grpc-status", status.to_string().into());
        set("grpc-message", grpc::encoded(&reply.body).into());
        &[]
    } else {
        set(":status", reply.status.to_string().into());
        set("content-type", b"text/plain".into());
        &reply.body
    };
    let announced = response.any_value("content-length", &mut |_| true).is_some();
    if announced {
        // A response to HEAD announces a length without a body.
        let length = if response.has_body() { body.len() } else { 0 };
        set("content-length", length.to_string().into());
    }
    changes.push(HeaderChange::Remove("content-encoding".into()));
    for (place, (name, value)) in reply.headers.iter().enumerate() {
        let again = reply.headers.iter().take(place).any(|(other, _)| other == name);
        let change = if again { HeaderChange::Add } else { HeaderChange::Set };
        changes.push(change(name.clone(), value.clone()));
    }
    (changes, response.has_body().then(|| Rewrite::Replace { body: Some(body.into()), announced }))
}
