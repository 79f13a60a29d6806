//! Faults that do something else than it seems, for the requests of their rule.

use super::Lints;
use super::rule::{never, share};
use crate::change::length::{Fixed, Length};
use crate::decode::diagnostic::Code;
use crate::decode::path::Segment;
use crate::document::rule::Rule;
use crate::fault::Faults;
use crate::fault::abort::{self, Abort};
use crate::fault::delay::Delay;
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
/// Envoy's default for the timeout of a route: what callers wait for, mostly.
const USUAL_TIMEOUT: Duration = Duration::from_secs(15);

/// The faults of a rule, or of one of its outcomes.
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
    below(rule, limits, lints);
}

/// Whether each request that the rule takes suffers something.
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
            let label =
                format!("{usual} is longer than the 15 s after which a caller's Envoy gives up by default");
            let help = "to see what the caller's timeout does, a little more than it is enough";
            lints.say(Code::LongDelay, "a delay beyond the usual timeout", label, help);
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
            let label = "responses with 204 and 304 have none (RFC 9110, section 6.4.1)";
            lints.refuse(Code::BodyNeverSent, "a body for a status without one", label, "leave it out");
        });
    }
    if let Some(message) = abort.grpc_message.as_ref().filter(|message| abort::sendable(message) != **message)
    {
        lints.at("grpc_message", |lints| {
            let sent = abort::sendable(message).len();
            let label = format!("of {} bytes, the first {sent} are sent", message.len());
            let help = "clients bound the headers of a message, and a longer one costs them the status";
            lints.say(Code::GrpcMessageCut, "a gRPC message that is cut off", label, help);
        });
    }
    if let Some(status) = abort.grpc_status {
        let label = match calls {
            Calls::Never => "no gRPC request has such a method",
            Calls::Perhaps => "nothing in `match` says that the requests are gRPC",
            Calls::Only => return,
        };
        lints.at("grpc_status", |lints| {
            let help = format!(
                "a request that is not gRPC gets {} instead: write `http_status`, or `\"grpc\": {{}}` into `match`",
                status.http_status()
            );
            lints.say(Code::GrpcStatusWithoutGrpc, "a gRPC status for requests that are not gRPC", label, &help);
        });
    }
    if let (Some(_), Calls::Only) = (abort.http_status, calls) {
        lints.at("http_status", |lints| {
            let label = "the rule is about gRPC, whose clients see the status that Envoy maps this one to";
            lints.say(
                Code::HttpStatusForGrpc,
                "an HTTP status for gRPC",
                label,
                "say the status itself: `grpc_status`",
            );
        });
    }
}

/// What a document must not say of a reply by its headers.
fn reply_headers(headers: &ReplyHeaders, lints: &mut Lints) {
    let mut size = 0;
    for (name, value) in headers.iter() {
        size += name.len() + value.len();
        lints.at(name, |lints| reserved(name, lints));
    }
    if size > LONGEST_HEADERS {
        let label =
            format!("{size} bytes in all; Envoy and most others take {LONGEST_HEADERS} for a message");
        lints.refuse(Code::HeadersTooLong, "headers too long", label, "leave some out");
    }
}

fn reserved(name: &str, lints: &mut Lints) {
    if is_reserved(name) {
        let (label, help) = match name {
            "x-brownout" => {
                ("it says what was injected", "leave it out; `report.response_header` turns it off")
            }
            _ => ("clients would take the failure for what it says", "say the status itself: `grpc_status`"),
        };
        lints.refuse(Code::ReservedHeader, "a reply's header that a document must not change", label, help);
    }
}

/// Whether requests are gRPC.
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
    // `/package.Service/Method`, as no other paths are written.
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

/// A request that hangs stays in memory until its end.
fn hang(rule: &Rule, limits: Option<&Limits>, lints: &mut Lints) {
    let bounded = |limits: Option<&Limits>| limits.is_some_and(|limits| limits.max_active_faults.is_some());
    if !bounded(rule.limits.as_ref()) && !bounded(limits) {
        let label = "every request that hangs stays in the proxy's memory, and in the caller's";
        let help = "write `\"limits\": {\"max_active_faults\": …}`";
        lints.say(Code::UnlimitedHang, "a hang without a limit", label, help);
    }
}

/// A limit on the share of requests that is less than what the rule is to take.
fn below(rule: &Rule, limits: Option<&Limits>, lints: &mut Lints) {
    let most = |limits: &Limits| Some(f64::from(limits.max_percentage?.millionths()) / 10_000.0);
    for limits in [rule.limits.as_ref(), limits].into_iter().flatten() {
        let Some(most) = most(limits) else { continue };
        // Of a rule with a condition, nobody knows what share of all requests it is about.
        if rule.matches.is_none() && rule.sample.is_none() && most < share(rule) {
            let label =
                format!("the rule is to take {} %, and `max_percentage` lets {most} % through", share(rule));
            return lints.say(
                Code::LimitBelowShare,
                "a limit below what the rule asks",
                label,
                "raise the limit, or lower the percentage",
            );
        }
    }
}
