//! What changes of requests and responses are, in words.

use super::fault::of_wait;
use super::words::{anded, percent, quoted};
use crate::change::body::{BodyChange, Bytes, Text};
use crate::change::headers::HeaderChanges;
use crate::change::response::ResponseChange;
use crate::decode::Count;
use crate::fault::rate_limit::RateLimit;
use crate::fault::request::{QueryChanges, Request};
use crate::step::HeaderChange;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// How requests change.
pub fn of_request(request: &Request) -> String {
    let Request { headers, path, method, query_parameters, body, percentage: _ } = request;
    let mut parts = Vec::new();
    parts.extend(path.as_ref().map(|path| format!("their path becomes {}", quoted(path.as_str()))));
    parts.extend(method.as_ref().map(|method| format!("their method becomes {}", quoted(method.as_str()))));
    parts.extend(query_parameters.as_ref().map(of_query));
    parts.extend(headers.iter().flat_map(of_headers));
    parts.extend(body.as_ref().map(of_body));
    format!("are changed before they are forwarded: {}", anded(&parts))
}

/// How responses change.
pub fn of_response(change: &ResponseChange) -> String {
    let ResponseChange { matches, delay, status, grpc_status, headers, body, reset, percentage: _ } = change;
    let mut parts = Vec::new();
    parts.extend(delay.as_ref().map(|delay| {
        let share = delay.percentage.filter(|share| !share.is_always());
        let who =
            share.map_or_else(|| "they".into(), |share| format!("{} of them", percent(share.millionths())));
        format!("{who} wait {}", of_wait(delay))
    }));
    parts.extend(status.map(|status| format!("their status becomes {}", status.get())));
    parts.extend(grpc_status.map(|status| format!("their gRPC status becomes {}", status.name())));
    parts.extend(headers.iter().flat_map(of_headers));
    parts.extend(body.as_ref().map(of_body));
    parts.extend(reset.as_ref().map(|reset| match reset.after_bytes {
        None | Some(Count(0)) => "their streams are reset before anything of them is sent".into(),
        Some(Count(bytes)) => format!("their streams are reset after {bytes} bytes"),
    }));
    let which = if matches.is_some() { " that fulfil `response.match`" } else { "" };
    format!("have their responses{which} changed: {}", anded(&parts))
}

/// How fast bodies go.
pub fn of_rate(limit: &RateLimit, what: &str) -> String {
    let RateLimit { fixed_limit, header_limit: _, after_bytes, percentage: _ } = limit;
    let rate = match fixed_limit {
        Some(fixed) => format!("{} KiB a second", fixed.limit_kbps.0),
        None => "the rate that their headers ask for".into(),
    };
    let after = match after_bytes {
        None | Some(Count(0)) => String::new(),
        Some(Count(bytes)) => format!(" after the first {bytes} bytes"),
    };
    format!("{what} at {rate}{after}")
}

fn of_query(changes: &QueryChanges) -> String {
    let QueryChanges { set, add, remove } = changes;
    let names = set.iter().chain(add).flat_map(|parameters| parameters.names());
    let names: Vec<String> = names.chain(remove.iter().flatten().map(String::as_str)).map(quoted).collect();
    format!("their query parameters {} change", anded(&names))
}

fn of_headers(changes: &HeaderChanges) -> impl Iterator<Item = String> {
    changes.iter().map(|change| match change {
        HeaderChange::Set(name, _) => format!("the header `{name}` is set"),
        HeaderChange::Add(name, _) => format!("a header `{name}` is added"),
        HeaderChange::Remove(name) => format!("the header `{name}` is removed"),
    })
}

fn of_body(change: &BodyChange) -> String {
    match change {
        BodyChange::Replace(Text(body)) => {
            format!("the body becomes {}", quoted(&String::from_utf8_lossy(body)))
        }
        BodyChange::ReplaceBase64(Bytes(body)) => format!("the body becomes {} other bytes", body.len()),
        BodyChange::MergePatch(_) => "a merge patch is applied to the body, if it is JSON".into(),
        BodyChange::TruncateBytes(Count(bytes)) => format!("of the body, {bytes} bytes are left"),
        BodyChange::Corrupt(corrupt) => {
            format!("{} % of the body's bytes become other ones", corrupt.percentage)
        }
    }
}
