//! Replies as raw bytes, and their access log entries.

use super::{abort, always, get};
use crate::expected::Expected::Aborted;
use crate::seen::Side;
use crate::stage::Setup;
use crate::trial::Plan;
use serde_json::json;
use support::client::{Protocol, Raw};
use support::envoy::version;

pub fn all() -> Vec<Plan> {
    let mut plans = vec![
        bytes(
            "abort_byte_for_byte",
            abort(429),
            "GET",
            "HTTP/1.1 429 Too Many Requests\r\ncontent-length: 18\r\ncontent-type: text/plain\r\n\
             server: envoy\r\nconnection: close\r\n\r\nfault filter abort",
        ),
        bytes(
            "abort_of_head_byte_for_byte",
            abort(503),
            "HEAD",
            "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 18\r\ncontent-type: text/plain\r\n\
             server: envoy\r\nconnection: close\r\n\r\n",
        ),
        details_and_flags(),
        longest_delay(),
    ];
    if version() >= (1, 40) {
        let mut with_body = abort(429);
        with_body["response_body"] = "out of coffee".into();
        plans.push(bytes(
            "abort_with_a_body_byte_for_byte",
            with_body,
            "GET",
            "HTTP/1.1 429 Too Many Requests\r\ncontent-length: 13\r\ncontent-type: text/plain\r\n\
             server: envoy\r\nconnection: close\r\n\r\nout of coffee",
        ));
    }
    plans
}

/// The whole reply, but for its date.
fn bytes(name: &'static str, abort: serde_json::Value, method: &'static str, expected: &'static str) -> Plan {
    Plan::new(name, vec![Setup::new(name, json!({ "abort": abort }))], move |stage| {
        Box::pin(async move {
            let pair = stage.pair(name);
            let mut replies = Vec::new();
            for side in Side::BOTH {
                let mut client = Raw::open(pair.address(side)).await;
                client.send(format!("{method} /up HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")).await;
                let reply = String::from_utf8(client.rest().await).expect("text");
                let lines = reply.split_inclusive("\r\n").filter(|line| !line.starts_with("date: "));
                replies.push(lines.collect::<String>());
            }
            assert_eq!(replies, [expected, expected]);
            pair.end().await;
        })
    })
}

/// Returns how each filter reports in the access log what it did.
fn details_and_flags() -> Plan {
    let name = "details_and_flags";
    let fault = json!({ "delay": super::delay(), "abort": abort(503) });
    Plan::new(name, vec![Setup::new(name, fault)], move |stage| {
        Box::pin(async move {
            let pair = stage.pair(name);
            let number = stage.numbers(0);
            pair.exchange(&get(), Protocol::Http1).await;
            for stat in [
                format!("http.{name}-native.fault.aborts_injected"),
                format!("wasmcustom.brownout.rule.{name}.aborts_injected"),
            ] {
                assert_eq!(stage.envoy.stat(&stat).await, 1, "{stat}");
            }
            let native = stage.log(Side::Native).entry(number).await;
            assert_eq!(
                (native.flags.as_str(), native.details.as_deref()),
                ("DI,FI", Some("fault_filter_abort"))
            );
            assert_eq!((native.faults, native.delay_ms), (None, None));
            let ours = stage.log(Side::Ours).entry(number).await;
            assert_eq!((ours.flags.as_str(), ours.details.as_deref()), ("-", Some("brownout_abort")));
            assert_eq!(
                (ours.faults.as_deref(), ours.delay_ms.as_deref()),
                (Some("delay; abort"), Some("40"))
            );
        })
    })
    .asserts("flags")
    .asserts("statistics")
    .asserts("details")
}

/// A client can ask the native filter for any delay; ours holds no longer than an hour.
fn longest_delay() -> Plan {
    let name = "header_delay_beyond_an_hour";
    let fault = json!({
        "delay": { "header_delay": {}, "percentage": always() },
        "abort": { "header_abort": {}, "percentage": always() },
    });
    Plan::new(name, vec![Setup::new(name, fault)], move |stage| {
        Box::pin(async move {
            let pair = stage.pair(name);
            let number = stage.numbers(1);
            let mut client = Raw::open(pair.address(Side::Ours)).await;
            let text = format!(
                "GET /up HTTP/1.1\r\nhost: a\r\nx-exchange: {number}\r\nx-envoy-fault-delay-request: 7200000\r\n\r\n"
            );
            client.send(text).await;
            let held = async || (pair.active().await[1] == 1).then_some(());
            support::deadline::until("a request that is held", held).await;
            client.leave_abruptly();
            let entry = stage.log(Side::Ours).entry(number).await;
            assert_eq!(entry.delay_ms.as_deref(), Some("3600000"));
            // The native filter's own limit does not matter here: it holds the request as well.
            let request = get().header("x-envoy-fault-abort-request", "429");
            pair.same(&request, Protocol::Http1, Aborted(429)).await;
        })
    })
    .asserts("longest_delay")
}
