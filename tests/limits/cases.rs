//! Every kind of fault, under a path of its name.

use serde_json::{Value, json};
use std::time::{Duration, Instant};
use support::client::{Cut, Request};
use support::load::LoadExchange;
use support::upstream::{Answer, pattern};

/// The size of a throttled body.
const BODY: usize = 20 * 1024;

/// A fault of one kind, or of several.
pub struct Case {
    pub name: &'static str,
    faults: fn(milliseconds: u64) -> Value,
    /// True if it lasts for a while, and so takes a place.
    pub lasts: bool,
}

/// Returns the rate at which [`BODY`] takes this long.
fn rate(milliseconds: u64) -> Value {
    json!({ "fixed_limit": { "limit_kbps": 20_000 / milliseconds } })
}

fn length(milliseconds: u64) -> String {
    format!("{milliseconds}ms")
}

pub const CASES: [Case; 12] = [
    Case { name: "delay", faults: |ms| json!({ "delay": { "fixed_delay": length(ms) } }), lasts: true },
    Case {
        name: "delay-then-abort",
        faults: |ms| json!({ "delay": { "fixed_delay": length(ms) }, "abort": { "http_status": 503 } }),
        lasts: true,
    },
    Case {
        name: "delay-then-reset",
        faults: |ms| json!({ "delay": { "fixed_delay": length(ms) }, "reset": {} }),
        lasts: true,
    },
    Case { name: "hang", faults: |ms| json!({ "hang": { "max": length(ms) } }), lasts: true },
    Case {
        name: "delay-of-the-answer",
        faults: |ms| json!({ "response": { "delay": { "fixed_delay": length(ms) } } }),
        lasts: true,
    },
    Case {
        name: "delay-of-some-answers",
        faults: |ms| json!({ "response": { "match": { "status": 200 }, "delay": { "fixed_delay": length(ms) } } }),
        lasts: true,
    },
    Case {
        name: "delay-and-patch",
        faults: |ms| {
            json!({
                "request": { "body": { "merge_patch": { "a": 1 } } },
                "delay": { "fixed_delay": length(ms) },
                "response": { "body": { "replace": "other" } },
            })
        },
        lasts: true,
    },
    Case { name: "upload", faults: |ms| json!({ "request_rate_limit": rate(ms) }), lasts: true },
    Case { name: "download", faults: |ms| json!({ "response_rate_limit": rate(ms) }), lasts: true },
    Case { name: "abort", faults: |_| json!({ "abort": { "http_status": 503 } }), lasts: false },
    Case { name: "reset", faults: |_| json!({ "reset": {} }), lasts: false },
    Case {
        name: "change",
        faults: |_| json!({ "request": { "path": "/changed" }, "response": { "status": 418 } }),
        lasts: false,
    },
];

impl Case {
    /// Returns a rule that takes everything under its path, for this long.
    pub fn rule(&self, milliseconds: u64, limits: &Value) -> Value {
        let path = json!({ "path": { "exact": self.path() } });
        let mut rule = json!({ "name": self.name, "match": path, "percentage": 100, "limits": limits });
        let faults = (self.faults)(milliseconds);
        rule.as_object_mut().expect("an object").extend(faults.as_object().expect("an object").clone());
        rule
    }

    fn path(&self) -> String {
        format!("/{}", self.name)
    }

    pub fn request(&self) -> Request {
        match self.name {
            "upload" => Request::post(&self.path(), pattern(0..BODY)),
            "download" => {
                let answer = Answer { length: Some(BODY), ..Answer::default() };
                Request::get(&self.path()).header(Answer::HEADER, answer.to_header())
            }
            "delay-and-patch" => {
                Request::post(&self.path(), "{\"b\":2}").header("content-type", "application/json")
            }
            _ => Request::get(&self.path()),
        }
    }

    /// Returns how long a fault meant to last `milliseconds` certainly lasts. Throttles send the first piece at once.
    pub fn at_least(&self, milliseconds: u64) -> Duration {
        let rated = matches!(self.name, "upload" | "download");
        Duration::from_millis(if rated { milliseconds * 3 / 4 } else { milliseconds })
    }
}

/// An exchange, as its client sees it.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    pub sent: Instant,
    pub done: Instant,
    /// True if it suffered a fault, as far as its client can tell.
    pub faulted: bool,
}

impl Seen {
    pub fn of(exchange: &LoadExchange) -> Self {
        let faulted = match &exchange.reply {
            Ok(reply) => reply.headers.contains_key("x-brownout"),
            // A reset is all that can be seen of it.
            Err(Cut { begun, .. }) => begun.is_none(),
        };
        Self { sent: exchange.sent, done: exchange.done, faulted }
    }
}

#[test]
fn every_kind_of_fault_has_a_case() {
    for kind in brownout_core::kind::Kind::ALL {
        let has_it = |case: &Case| (case.faults)(10).get(kind.name()).is_some();
        assert!(CASES.iter().any(has_it), "`{}` is in no case", kind.name());
    }
}
