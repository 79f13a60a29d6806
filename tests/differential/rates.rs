//! Shares of requests: both filters stay within statistical bounds around the same figures.

use crate::log::NUMBER;
use crate::pair::Counts;
use crate::seen::Side;
use crate::stage::Setup;
use crate::trial::Plan;
use serde_json::json;
use support::binomial::believable;
use support::client::{Connection, Protocol, Request};

const REQUESTS: usize = 20_000;
const AT_ONCE: usize = 200;

/// Outcomes in percent: independent draws of 20 % and 5 %.
const SHARES: [(&str, f64); 7] = [
    ("delayed", 0.2),
    ("aborted", 0.05),
    ("both", 0.2 * 0.05),
    ("delayed only", 0.2 * 0.95),
    ("aborted only", 0.8 * 0.05),
    ("touched", 0.2 + 0.05 - 0.2 * 0.05),
    ("untouched", 0.8 * 0.95),
];

pub fn all() -> Vec<Plan> {
    let name = "a_fifth_delayed_and_a_twentieth_aborted";
    let fault = json!({
        "delay": { "fixed_delay": "0.001s", "percentage": { "numerator": 20 } },
        "abort": { "http_status": 503, "percentage": { "numerator": 500, "denominator": "TEN_THOUSAND" } },
    });
    let plan = Plan::new(name, vec![Setup::new(name, fault)], move |stage| {
        Box::pin(async move {
            let pair = stage.pair(name);
            let mut counted = Vec::new();
            for side in Side::BOTH {
                let mut connection = Connection::open(Protocol::Http2, pair.address(side)).await;
                let first = stage.numbers(REQUESTS as u64);
                for batch in 0..REQUESTS / AT_ONCE {
                    let numbers = (0..AT_ONCE).map(|number| first + (batch * AT_ONCE + number) as u64);
                    let requests =
                        numbers.map(|number| Request::get("/direct").header(NUMBER, number.to_string()));
                    for reply in connection.send_at_once(requests.collect()).await {
                        reply.expect("a reply");
                    }
                }
                counted.push(tally(stage, side, first).await);
            }
            for (side, counts) in Side::BOTH.into_iter().zip(&counted) {
                for ((outcome, share), count) in SHARES.iter().zip(counts) {
                    let range = believable(REQUESTS, *share);
                    assert!(range.contains(count), "{side:?}, {outcome}: {count}, expected {range:?}");
                }
            }
            let counts = |[delays, aborts, ..]: [usize; 7]| Counts {
                delays: delays as u64,
                aborts: aborts as u64,
                overflow: 0,
            };
            assert_eq!(pair.counts().await, [counts(counted[0]), counts(counted[1])]);
        })
    });
    vec![plan]
}

/// Counts each outcome in the access log.
async fn tally(stage: &crate::stage::Stage, side: Side, first: u64) -> [usize; 7] {
    let mut counts = [0; 7];
    for entry in stage.log(side).entries_from(first, REQUESTS).await {
        let (delayed, aborted) = entry.faults(side);
        let outcomes = [
            delayed,
            aborted,
            delayed && aborted,
            delayed && !aborted,
            aborted && !delayed,
            delayed || aborted,
            !delayed && !aborted,
        ];
        counts.iter_mut().zip(outcomes).for_each(|(count, outcome)| *count += usize::from(outcome));
    }
    counts
}
