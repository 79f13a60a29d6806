//! A document that has expired.

use crate::stage::{Stage, abort, document};
use brownout_core::value::timestamp::Timestamp;
use serde_json::json;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use support::deadline::until_equal;

const LINE: &str = "brownout: document expired at ";

#[tokio::test(flavor = "multi_thread")]
async fn its_end_is_told_once_and_on_time_though_no_request_comes() {
    let stage = Stage::with(&json!({})).await;
    let end = SystemTime::now() + Duration::from_secs(5);
    let micros = end.duration_since(UNIX_EPOCH).expect("this century").as_micros();
    let written = Timestamp(i64::try_from(micros).expect("this century")).to_string();
    let mut document = document(Duration::from_secs(10), 100, &abort());
    document["experiment"] = json!({ "id": "exp-7" });
    document["rules"][0]["schedule"] = json!({ "not_after": written });
    stage.follow(&document).await;
    assert!(stage.injects().await);
    assert_eq!(stage.lines(LINE), 0);
    let left = end.duration_since(SystemTime::now()).expect("it is not over yet");
    tokio::time::sleep(left).await;
    until_equal("lines", 1, async || stage.lines(LINE)).await;
    let late = SystemTime::now().duration_since(end).expect("it is over");
    println!("told {late:?} after it");
    assert!(late < Duration::from_secs(2), "{late:?}");
    assert!(!stage.injects().await);
    assert_eq!(stage.lines(&format!("{LINE}{written}: mode inject, 1 rule, experiment \"exp-7\"")), 1);
    // For a document that arrives after it expired, the line is logged at once.
    document["experiment"] = json!({ "id": "exp-8" });
    stage.follow(&document).await;
    until_equal("lines", 2, async || stage.lines(LINE)).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(stage.lines(LINE), 2, "{}", stage.envoy.log());
    stage.is_sound().await;
}
