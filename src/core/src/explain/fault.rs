//! What each kind of fault does, in words.

use super::message;
use super::words::{anded, length, percent, quoted};
use crate::change::length::{Fixed, Length};
use crate::decode::Nothing;
use crate::fault::Faults;
use crate::fault::abort::Abort;
use crate::fault::delay::Delay;
use crate::fault::hang::Hang;
use crate::fault::rate_limit::{RequestRateLimit, ResponseRateLimit};
use crate::fault::response::Response;
use crate::kind::Kind;
use crate::value::duration::Written;
use crate::value::percent::FractionalPercent;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// What a fault does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Which.
    pub kind: Kind,
    /// Its own percentage, if the document gives one.
    pub percentage: Option<FractionalPercent>,
    /// What happens to requests, in the plural: `wait 2s before they are forwarded`.
    pub words: String,
}

/// What the faults do, in the order in which they act.
pub fn lines(faults: &Faults) -> Vec<Line> {
    Kind::ALL.iter().filter_map(|kind| line(*kind, faults)).collect()
}

/// What one fault does, if it is there. Each kind has its line here; the compiler names one that has none.
fn line(kind: Kind, faults: &Faults) -> Option<Line> {
    let (percentage, words) = match kind {
        Kind::Delay => faults.delay.as_deref().map(|delay| (delay.percentage, of_delay(delay)))?,
        Kind::Abort => faults.abort.as_deref().map(|abort| (abort.percentage, of_abort(abort)))?,
        Kind::Reset => faults.reset.as_deref().map(|reset| (reset.percentage, RESET.into()))?,
        Kind::Hang => faults.hang.as_deref().map(|hang| (hang.percentage, of_hang(hang)))?,
        Kind::Request => {
            faults.request.as_deref().map(|request| (request.percentage, message::of_request(request)))?
        }
        Kind::Response => faults
            .response
            .as_deref()
            .map(|Response(change)| (change.percentage, message::of_response(change)))?,
        Kind::RequestRateLimit => faults.request_rate_limit.as_deref().map(|RequestRateLimit(limit)| {
            (limit.percentage, message::of_rate(limit, "send their bodies"))
        })?,
        Kind::ResponseRateLimit => {
            faults.response_rate_limit.as_deref().map(|ResponseRateLimit(limit)| {
                (limit.percentage, message::of_rate(limit, "get their responses"))
            })?
        }
    };
    Some(Line { kind, percentage, words })
}

const RESET: &str = "have their streams reset instead of being forwarded";

fn of_hang(hang: &Hang) -> String {
    format!("get no answer for {}, and then have their streams reset", length(hang.max))
}

/// Whether it is the request or its response that decides, rather than the document, if the fault does something. The
/// compiler names a kind that has no answer here.
pub fn decided_elsewhere(kind: Kind, faults: &Faults) -> bool {
    match kind {
        Kind::Delay => faults.delay.as_deref().is_some_and(|delay| matches!(delay.length, Length::Header(_))),
        Kind::Abort => faults.abort.as_deref().is_some_and(|abort| abort.header_abort.is_some()),
        Kind::Response => faults.response.as_deref().is_some_and(|Response(change)| change.matches.is_some()),
        Kind::RequestRateLimit => faults
            .request_rate_limit
            .as_deref()
            .is_some_and(|RequestRateLimit(limit)| limit.header_limit.is_some()),
        Kind::ResponseRateLimit => faults
            .response_rate_limit
            .as_deref()
            .is_some_and(|ResponseRateLimit(limit)| limit.header_limit.is_some()),
        Kind::Reset | Kind::Hang | Kind::Request => false,
    }
}

/// Whether the fault ends the exchange, so that none of the later ones happens. The compiler names a kind that has no
/// answer here.
pub fn ends(kind: Kind) -> bool {
    match kind {
        Kind::Abort | Kind::Reset | Kind::Hang => true,
        Kind::Delay | Kind::Request | Kind::Response | Kind::RequestRateLimit | Kind::ResponseRateLimit => {
            false
        }
    }
}

/// Faults as sentences about the requests that a rule has taken.
pub fn sentences(faults: &Faults) -> Vec<String> {
    let subject = |percentage: Option<FractionalPercent>| match percentage {
        None => "They".into(),
        Some(share) if share.is_always() => "They".into(),
        Some(share) => format!("Of these, {}", percent(share.millionths())),
    };
    lines(faults).iter().map(|line| format!("{} {}.", subject(line.percentage), line.words)).collect()
}

/// Faults as one clause: `5 % wait 2s …, and are answered …`.
pub fn clause(faults: &Faults) -> String {
    let share = |percentage: Option<FractionalPercent>| match percentage {
        Some(share) if !share.is_always() => format!("({} of them) ", percent(share.millionths())),
        _ => String::new(),
    };
    let parts: Vec<String> =
        lines(faults).iter().map(|line| format!("{}{}", share(line.percentage), line.words)).collect();
    anded(&parts)
}

fn of_delay(delay: &Delay) -> String {
    let comma = if delay.max.is_some() { "," } else { "" };
    format!("wait {}{comma} before they are forwarded", of_wait(delay))
}

/// How long: `2s`, `with a median of 200ms and a p99 of 2s (lognormal), at most 5s`.
pub(super) fn of_wait(delay: &Delay) -> String {
    let Delay { length, max, percentage: _ } = delay;
    let length = drawn(length);
    match max {
        None => length,
        Some(max) => format!("{length}, at most {}", self::length(*max)),
    }
}

fn drawn(length: &Length) -> String {
    let of = |written: Written| super::words::length(written);
    match length {
        Length::Header(Nothing) => {
            "as many milliseconds as their header `x-envoy-fault-delay-request` says".into()
        }
        Length::Fixed(Fixed(fixed)) => of(*fixed),
        Length::Uniform(uniform) => {
            format!("between {} and {} (uniform)", of(uniform.min), of(uniform.max))
        }
        Length::Normal(normal) => {
            format!("{} on average with a deviation of {} (normal)", of(normal.mean), of(normal.stddev))
        }
        Length::Lognormal(lognormal) => {
            format!(
                "with a median of {} and a p99 of {} (lognormal)",
                of(lognormal.median),
                of(lognormal.p99)
            )
        }
        Length::Exponential(exponential) => {
            format!("{} on average (exponential)", of(exponential.mean))
        }
        Length::Pareto(pareto) => {
            format!("{} or more, with a tail of shape {} (Pareto)", of(pareto.min), pareto.shape.get())
        }
        Length::Percentiles(percentiles) => {
            let points: Vec<String> =
                percentiles.written().map(|(name, at)| format!("{name} of {}", of(at))).collect();
            format!("with a {}", anded(&points))
        }
    }
}

fn of_abort(abort: &Abort) -> String {
    let Abort { http_status, grpc_status, header_abort: _, body, grpc_message, headers, percentage: _ } =
        abort;
    let status = match (http_status, grpc_status) {
        (Some(http), _) => format!("HTTP {}", http.get()),
        (None, Some(grpc)) => {
            format!("gRPC {} (HTTP {} if they are not gRPC)", grpc.name(), grpc.http_status())
        }
        (None, None) => "the status that their headers `x-envoy-fault-abort-…` ask for".into(),
    };
    let body = body.as_ref().map(|body| format!("the body {}", quoted(body)));
    let names: Vec<String> =
        headers.iter().flat_map(|headers| headers.iter()).map(|(name, _)| format!("`{name}`")).collect();
    let headers = (!names.is_empty())
        .then(|| format!("the header{} {}", if names.len() == 1 { "" } else { "s" }, anded(&names)));
    let message = grpc_message.as_ref().map(|message| format!("the gRPC message {}", quoted(message)));
    let with: Vec<String> = body.into_iter().chain(message).chain(headers).collect();
    let with = if with.is_empty() { String::new() } else { format!(", with {}", anded(&with)) };
    format!("are answered with {status} in the backend's place{with}")
}
