//! The counters in `shadow` match what `inject` does, with four workers. Sticky samples and samples by number leave
//! nothing to chance.

use serde_json::{Value, json};
use support::client::{Connection, Protocol, Request};
use support::deadline::until;
use support::envoy::{Bootstrap, Cluster, Configuration, Envoy, Filter, Listener};
use support::upstream::{Answer, Upstream};
use tokio::task::JoinSet;

const WORKERS: usize = 4;
const CONNECTIONS: usize = 8;
const MODES: [&str; 2] = ["inject", "shadow"];
/// The number of requests that each rule gets in each mode.
const EACH: usize = 120;

/// Returns rules, each for the paths that begin with its name, and how many of [`EACH`] requests it affects, where that
/// does not depend on the users.
fn rules() -> Vec<(&'static str, Value, Option<u64>)> {
    let user = json!({ "by": { "header": "x-user" } });
    let rate = json!({ "fixed_limit": { "limit_kbps": 1000 } });
    vec![
        ("aborts", json!({ "percentage": 37, "sample": user, "abort": { "http_status": 503 } }), None),
        ("delays", json!({ "percentage": 50, "sample": user, "delay": { "fixed_delay": "3ms" } }), None),
        ("hangs", json!({ "percentage": 20, "sample": user, "hang": { "max": "3ms" } }), None),
        ("resets", json!({ "percentage": 100, "sample": { "every": 3 }, "reset": {} }), Some(40)),
        (
            "changes",
            json!({ "percentage": 100, "sample": { "first": 2, "of": 5 }, "request": { "path": "/elsewhere" } }),
            Some(48),
        ),
        (
            "first",
            json!({ "percentage": 100, "sample": { "first": 7 }, "response": { "status": 418 } }),
            Some(7),
        ),
        // The upstream fails one request in four.
        (
            "failures",
            json!({ "percentage": 100, "response": { "match": { "status": 500 }, "status": 200 } }),
            Some(30),
        ),
        // There is no body to be cut short.
        (
            "nothing",
            json!({ "percentage": 100, "response": { "match": { "status": 204 }, "body": { "truncate_bytes": 1 } } }),
            Some(0),
        ),
        (
            "uploads",
            json!({ "percentage": 100, "request_rate_limit": rate, "sample": { "every": 2 } }),
            Some(60),
        ),
        (
            "downloads",
            json!({ "percentage": 100, "response_rate_limit": rate, "sample": { "first": 90 } }),
            Some(90),
        ),
        (
            "scarce",
            json!({ "percentage": 100, "limits": { "max_faults": 25 }, "abort": { "http_status": 503 } }),
            Some(25),
        ),
        (
            "limited-failures",
            json!({
                "percentage": 100,
                "limits": { "max_faults": 10 },
                "response": { "match": { "status": 500 }, "status": 200 },
            }),
            Some(10),
        ),
        (
            "never",
            json!({ "percentage": 100, "limits": { "max_active_faults": 0 }, "delay": { "fixed_delay": "1ms" } }),
            Some(0),
        ),
        (
            "outcomes",
            json!({ "sample": user, "outcomes": [
                { "percentage": 20, "abort": { "http_status": 503 } },
                { "percentage": 20, "reset": {} },
                { "percentage": 20, "response": { "match": { "status": 500 }, "body": { "replace": "no" } } },
            ] }),
            None,
        ),
    ]
}

fn document(mode: &str) -> Value {
    let rules = rules().into_iter().map(|(name, mut rule, _)| {
        rule["name"] = name.into();
        rule["match"] = json!({ "path": { "prefix": format!("/{name}") } });
        rule
    });
    json!({ "mode": mode, "rules": rules.collect::<Vec<_>>() })
}

/// Returns the request of this number: its rule, its user, and the upstream's answer.
fn request(number: usize) -> Request {
    let rules = rules();
    let (name, ..) = rules[number % rules.len()];
    let turn = number / rules.len();
    let status = match name {
        "nothing" => 204,
        _ if turn.is_multiple_of(4) => 500,
        _ => 200,
    };
    let answer = Answer { status, ..Answer::default() };
    let request = Request::post(&format!("/{name}"), "some text");
    request.header("x-user", (turn % 40).to_string()).header(Answer::HEADER, answer.to_header())
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_are_counted_for_each_rule_as_inject_does_something_to() {
    let upstream = Upstream::start().await;
    let mut bootstrap = Bootstrap::new().concurrency(WORKERS).cluster(Cluster::of(&upstream));
    for mode in MODES {
        let filter = Filter::brownout(&Configuration::document(&document(mode)));
        bootstrap = bootstrap.listener(Listener::named(mode).filter(filter));
    }
    let envoy = Envoy::start(bootstrap).await;
    let mut sending = JoinSet::new();
    for (mode, first) in MODES.into_iter().flat_map(|mode| (0..CONNECTIONS).map(move |first| (mode, first))) {
        let address = envoy.address(mode);
        sending.spawn(async move {
            for number in (first..EACH * rules().len()).step_by(CONNECTIONS) {
                let mut connection = Connection::open(Protocol::Http1, address).await;
                let reply = connection.send(request(number)).await;
                let touched = reply.map_or(true, |reply| reply.headers.contains_key("x-brownout"));
                assert!(mode == "inject" || !touched, "{number}");
            }
        });
    }
    sending.join_all().await;
    let stats = until("nothing that is held", async || {
        Some(envoy.stats().await).filter(|stats| stats.value("active_faults") == 0)
    })
    .await;
    for (name, _, expected) in rules() {
        let count = |what| stats.value(&format!("rule.{name}.{what}"));
        let (injected, shadowed) = (count("injected"), count("shadowed"));
        assert_eq!((count("matched"), injected), (2 * EACH as u64, shadowed), "{name}:\n{stats}");
        let overflow = match name {
            "scarce" => EACH - 25,
            "limited-failures" => EACH / 4 - 10,
            "never" => EACH,
            _ => 0,
        };
        assert_eq!(count("overflow"), 2 * overflow as u64, "{name}: the same in both modes");
        match expected {
            Some(expected) => assert_eq!(shadowed, expected, "{name}"),
            None => assert!((1..EACH as u64).contains(&shadowed), "{name}: {shadowed}"),
        }
    }
    assert_eq!(stats.value("host_errors"), 0, "{stats}\n{}", envoy.log());
}
