//! The requests of a soak, and the replies that may come back. A new kind of fault gets a line in [`CASES`].

use http::Method;
use serde_json::{Value, json};
use std::time::Duration;
use support::client::{Cut, Reply, Request};
use support::load::LoadExchange;
use support::upstream::{Answer, Stream};

/// A path whose upstream does not exist.
pub const NOWHERE: &str = "/nowhere";
const DELAY: Duration = Duration::from_millis(5);

/// A fault, under a path of its name.
pub struct Case {
    pub name: &'static str,
    pub faults: fn() -> Value,
    /// True for a reply that is right, given that it reports the fault.
    suffered: fn(&Reply) -> bool,
    /// True for a cut that is right in place of a reply.
    cut: fn(&Cut) -> bool,
}

const NEVER: fn(&Cut) -> bool = |_| false;

/// All cases that are injected.
pub const CASES: [Case; 11] = [
    Case {
        name: "abort",
        faults: || json!({ "abort": { "http_status": 503, "body": "away" } }),
        suffered: |reply| reply.status == 503 && reply.text() == "away",
        cut: NEVER,
    },
    Case {
        name: "delay",
        faults: || json!({ "delay": { "fixed_delay": "5ms" } }),
        suffered: |reply| reply.status == 200 && reply.headers_after >= DELAY,
        cut: NEVER,
    },
    Case {
        name: "both",
        faults: || json!({ "delay": { "fixed_delay": "5ms" }, "abort": { "http_status": 429 } }),
        suffered: |reply| reply.status == 429 && reply.headers_after >= DELAY,
        cut: NEVER,
    },
    Case {
        name: "odd",
        faults: || {
            json!({ "delay": { "exponential": { "mean": "2ms" }, "max": "20ms" },
                    "sample": { "by": { "header": "x-user" } }, "limits": { "max_active_faults": 2 } })
        },
        suffered: |reply| reply.status == 200,
        cut: NEVER,
    },
    Case {
        name: "held",
        faults: || json!({ "delay": { "uniform": { "min": "10ms", "max": "60ms" } } }),
        suffered: |reply| reply.status == 200,
        cut: NEVER,
    },
    Case {
        name: "reset",
        faults: || json!({ "reset": {} }),
        suffered: |_| false,
        cut: |cut| cut.begun.is_none(),
    },
    Case {
        name: "hang",
        faults: || json!({ "hang": { "max": "5ms" } }),
        suffered: |_| false,
        cut: |cut| cut.begun.is_none() && cut.after >= DELAY,
    },
    Case {
        name: "asking",
        faults: || {
            let answer = Answer { status: 418, ..Answer::default() }.to_header();
            json!({ "request": { "headers": { "set": { (Answer::HEADER): answer } } } })
        },
        suffered: |reply| reply.status == 418,
        cut: NEVER,
    },
    Case {
        name: "answering",
        faults: || json!({ "response": { "status": 418, "body": { "replace": "tea" } } }),
        suffered: |reply| reply.status == 418 && reply.text() == "tea",
        cut: NEVER,
    },
    Case {
        name: "up",
        faults: || json!({ "request_rate_limit": { "fixed_limit": { "limit_kbps": 1000 } } }),
        suffered: |reply| reply.status == 200,
        cut: NEVER,
    },
    Case {
        name: "down",
        faults: || json!({ "response_rate_limit": { "fixed_limit": { "limit_kbps": 1000 } } }),
        suffered: |reply| reply.status == 200,
        cut: NEVER,
    },
];

/// Other requests: one that no rule matches, to an upstream that fails, and to one that does not exist.
const OTHERS: [(&str, u16); 4] = [("/plain", 200), ("/failing", 500), (NOWHERE, 503), (BREAKING, 200)];
/// The upstream closes the connection in the middle of its answer.
const BREAKING: &str = "/breaking";

/// The request of this number on this connection.
pub fn ask(connection: usize, number: usize) -> Request {
    let turn = (connection + number) % (2 * CASES.len() + OTHERS.len());
    let path = match turn.checked_sub(OTHERS.len()) {
        None => OTHERS[turn].0.to_owned(),
        // Those are held for a long time, so there is one for many of the others.
        Some(kind) if CASES[kind / 2].name == "held" && !number.is_multiple_of(8) => "/abort".to_owned(),
        Some(kind) => format!("/{}", CASES[kind / 2].name),
    };
    let mut request = Request::new(if number.is_multiple_of(3) { Method::POST } else { Method::GET }, &path);
    if request.method == Method::POST {
        request.body = vec![b'.'; 1 + number % 3000].into();
    }
    if path == "/failing" {
        request = request.header(Answer::HEADER, Answer { status: 500, ..Answer::default() }.to_header());
    }
    if path == BREAKING {
        let stream = Some(Stream { pieces: 3, bytes: 100, every_ms: 0 });
        let answer = Answer { stream, breaks_off: true, ..Answer::default() };
        request = request.header(Answer::HEADER, answer.to_header());
    }
    request.header("x-user", (number % 100).to_string())
}

/// Returns what is wrong with an exchange, if anything.
pub fn unexpected(exchange: &LoadExchange) -> Option<String> {
    let path = ask(exchange.connection, exchange.number).path;
    let kind = CASES.iter().find(|kind| path == format!("/{}", kind.name));
    let reply = match &exchange.reply {
        Ok(reply) => reply,
        Err(cut) => {
            let breaks = path == BREAKING;
            let is_right = breaks || kind.is_some_and(|kind| (kind.cut)(cut));
            return (!is_right).then(|| format!("{path}: {cut}"));
        }
    };
    let evidence = reply.header("x-brownout");
    let status = OTHERS.iter().find(|(other, _)| *other == path).map_or(200, |(_, status)| *status);
    let is_right = match (&evidence, kind) {
        (None, _) => reply.status == status && path != BREAKING,
        (Some(evidence), Some(kind)) => evidence.starts_with(kind.name) && (kind.suffered)(reply),
        (Some(_), None) => false,
    };
    (!is_right).then(|| format!("{path}: {} {evidence:?} after {:?}", reply.status, reply.headers_after))
}

#[test]
fn every_kind_of_fault_has_a_case() {
    for kind in brownout_core::kind::Kind::ALL {
        let has_it = |case: &Case| (case.faults)().get(kind.name()).is_some();
        assert!(CASES.iter().any(has_it), "`{}` is in no case", kind.name());
    }
}
