//! Lints for faults that do not do what they seem to do.

use super::lints::Lints;
use super::rule::{never, share};
use crate::change::length::{Fixed, Length};
use crate::decode::diagnostic::Code;
use crate::decode::path::Segment;
use crate::document::rule::Rule;
use crate::fault::Faults;
use crate::fault::abort::{self, Abort};
use crate::fault::delay::Delay;
use crate::kind::Kind;
use crate::limit::Limits;
use crate::predicate::Predicate;
use crate::predicate::string::Pattern;
use crate::value::header::{ReplyHeaders, is_reserved};
use crate::value::http_status::is_bodiless;
use crate::value::percent::FractionalPercent;
use alloc::format;
use core::time::Duration;

/// Envoy's default for the headers of a message, in bytes (`max_request_headers_kb`).
const LONGEST_HEADERS: usize = 60 * 1024;
/// Envoy's default route timeout, which most callers use.
const USUAL_TIMEOUT: Duration = Duration::from_secs(15);

/// Checks the faults of a rule, or of one of its outcomes.
pub fn faults(rule: &Rule, faults: &Faults, limits: Option<&Limits>, lints: &mut Lints) {
    if let Some(delay) = &faults.delay {
        lints.at("delay", |lints| self::delay(delay, lints));
    }
    if let Some(abort) = &faults.abort {
        lints.at("abort", |lints| self::abort(abort, rule.matches.as_ref(), lints));
    }
    if let Some(changes) = faults.response.as_ref().and_then(|response| response.0.headers.as_ref()) {
        lints.at("response", |lints| {
            lints.at("headers", |lints| {
                for (field, headers) in [("set", &changes.set), ("add", &changes.add)] {
                    headers.iter().for_each(|headers| lints.at(field, |lints| reply_headers(headers, lints)));
                }
                lints.at("remove", |lints| {
                    for (index, name) in changes.remove.iter().flatten().enumerate() {
                        lints.within(Segment::Index(index), |lints| reserved(name.as_str(), lints));
                    }
                });
            });
        });
    }
    if faults.hang.is_some() {
        lints.at("hang", |lints| hang(rule, limits, lints));
    }
    for (kind, fault) in faults.iter() {
        lints.at(kind.name(), |lints| fault.share().into_iter().for_each(|share| never(share, lints)));
    }
    other_reserved(faults, lints);
    below(rule, limits, lints);
}

/// Reports the reserved headers of the kinds that have no lint of their own for them.
fn other_reserved(faults: &Faults, lints: &mut Lints) {
    faults.reply_headers(&mut |kind, name| {
        if !matches!(kind, Kind::Abort | Kind::Response) {
            lints.at(kind.name(), |lints| reserved(name, lints));
        }
    });
}

/// Returns whether every request that the rule takes gets a fault.
pub fn is_certain(faults: &Faults) -> bool {
    faults
        .lines()
        .iter()
        .any(|line| !line.is_conditional && line.share.is_none_or(FractionalPercent::is_always))
}

fn delay(delay: &Delay, lints: &mut Lints) {
    let usual = match &delay.length {
        Length::Fixed(Fixed(length)) => *length,
        Length::Uniform(uniform) => uniform.min,
        Length::Normal(normal) => normal.mean,
        Length::Lognormal(lognormal) => lognormal.median,
        Length::Exponential(exponential) => exponential.mean,
        Length::Pareto(pareto) => pareto.min,
        Length::Percentiles(_) | Length::Header(_) => return,
    };
    let usual = delay.max.map_or(usual, |max| usual.min(max));
    if usual.get() > USUAL_TIMEOUT {
        lints.at(delay.length.field(), |lints| {
            let label = format!("{usual} is longer than Envoy's default route timeout of 15 s");
            let help = "a delay just above the caller's timeout is enough to trigger it";
            lints.say(Code::LongDelay, "a delay longer than the usual timeout", label, help);
        });
    }
}

fn abort(abort: &Abort, predicate: Option<&Predicate>, lints: &mut Lints) {
    let calls = predicate.map_or(Calls::Perhaps, calls);
    if let Some(headers) = &abort.headers {
        lints.at("headers", |lints| reply_headers(headers, lints));
    }
    let is_bodiless = abort.http_status.is_some_and(|status| is_bodiless(status.get()));
    if is_bodiless && abort.body.as_ref().is_some_and(|body| !body.is_empty()) {
        lints.at("body", |lints| {
            let label = "204 and 304 responses have no body (RFC 9110, section 6.4.1)";
            lints.refuse(Code::BodyNeverSent, "a body for a status that allows none", label, "remove it");
        });
    }
    if let Some(message) = abort.grpc_message.as_ref().filter(|message| abort::sendable(message) != **message)
    {
        lints.at("grpc_message", |lints| {
            let sent = abort::sendable(message).len();
            let label = format!("only the first {sent} of {} bytes are sent", message.len());
            let help = "clients limit the size of headers, and lose the status if the message is too long";
            lints.say(Code::GrpcMessageCut, "a gRPC message that is truncated", label, help);
        });
    }
    if let Some(status) = abort.grpc_status {
        let label = match calls {
            Calls::Never => "gRPC requests always use POST",
            Calls::Perhaps => "`match` does not select only gRPC requests",
            Calls::Only => return,
        };
        lints.at("grpc_status", |lints| {
            let help = format!(
                "a request that is not gRPC gets {} instead: use `http_status`, or add `\"grpc\": {{}}` to `match`",
                status.http_status()
            );
            lints.say(Code::GrpcStatusWithoutGrpc, "a gRPC status for requests that are not gRPC", label, &help);
        });
    }
    if let (Some(_), Calls::Only) = (abort.http_status, calls) {
        lints.at("http_status", |lints| {
            let label = "the rule matches gRPC, whose clients see the status that Envoy maps this one to";
            lints.say(Code::HttpStatusForGrpc, "an HTTP status for gRPC", label, "use `grpc_status` instead");
        });
    }
}

/// Reports headers that a document must not set on a reply, and headers that are too long.
fn reply_headers(headers: &ReplyHeaders, lints: &mut Lints) {
    let mut size = 0;
    for (name, value) in headers.iter() {
        size += name.len() + value.len();
        lints.at(name, |lints| reserved(name, lints));
    }
    if size > LONGEST_HEADERS {
        let label =
            format!("{size} bytes in total; Envoy and most clients accept {LONGEST_HEADERS} per message");
        lints.refuse(Code::HeadersTooLong, "headers too long", label, "remove some");
    }
}

fn reserved(name: &str, lints: &mut Lints) {
    if is_reserved(name) {
        let (label, help) = match name {
            "x-brownout" => {
                ("it reports what was injected", "remove it; `report.response_header` turns it off")
            }
            _ => ("it would hide the failure from clients", "use `grpc_status` instead"),
        };
        lints.refuse(Code::ReservedHeader, "a reply header that a document must not change", label, help);
    }
}

/// The share of gRPC among the requests that a predicate matches.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Calls {
    Only,
    Perhaps,
    Never,
}

fn calls(predicate: &Predicate) -> Calls {
    if predicate
        .methods
        .as_ref()
        .is_some_and(|methods| methods.iter().all(|method| method.as_str() != "POST"))
    {
        return Calls::Never;
    }
    let by_header = predicate.headers.iter().flatten().any(|header| {
        let says_grpc = header.string_match.as_ref().is_some_and(|string| match string.pattern() {
            Pattern::Exact(text) | Pattern::Prefix(text) | Pattern::Contains(text) => text.contains("grpc"),
            _ => true,
        });
        header.name.as_str() == "content-type" && says_grpc
    });
    // `/package.Service/Method`: only gRPC paths look like this.
    let by_path = predicate.path.as_ref().is_some_and(|path| match path.pattern() {
        Pattern::Exact(text) | Pattern::Prefix(text) => {
            text.split('/').nth(1).is_some_and(|service| service.contains('.') && !service.contains('-'))
        }
        Pattern::Regex(_) => true,
        _ => false,
    });
    let nested = predicate.all.iter().flatten().any(|inner| calls(inner) == Calls::Only)
        || predicate.any.as_ref().is_some_and(|any| any.iter().all(|inner| calls(inner) == Calls::Only));
    if predicate.grpc.is_some() || by_header || by_path || nested { Calls::Only } else { Calls::Perhaps }
}

/// Reports a hang without `max_active_faults`: a hanging request stays in memory until it ends.
fn hang(rule: &Rule, limits: Option<&Limits>, lints: &mut Lints) {
    let bounded = |limits: Option<&Limits>| limits.is_some_and(|limits| limits.max_active_faults.is_some());
    if !bounded(rule.limits.as_ref()) && !bounded(limits) {
        let label = "every hanging request uses memory in the proxy and in the caller";
        let help = "add `\"limits\": {\"max_active_faults\": …}`";
        lints.say(Code::UnlimitedHang, "a hang without a limit", label, help);
    }
}

/// Reports a `max_percentage` that is below the rule's own percentage.
fn below(rule: &Rule, limits: Option<&Limits>, lints: &mut Lints) {
    let most = |limits: &Limits| Some(f64::from(limits.max_percentage?.millionths()) / 10_000.0);
    for limits in [rule.limits.as_ref(), limits].into_iter().flatten() {
        let Some(most) = most(limits) else { continue };
        // For a rule with a condition, the share of all requests that it matches is unknown.
        if rule.matches.is_none() && rule.sample.is_none() && most < share(rule) {
            let label =
                format!("the rule takes {} %, but `max_percentage` allows only {most} %", share(rule));
            return lints.say(
                Code::LimitBelowShare,
                "a limit below the rule's percentage",
                label,
                "raise the limit, or lower the percentage",
            );
        }
    }
}
