//! Envoy does not reject a document with mistakes to the control plane, since that would block every other change. The
//! mistakes go to the log, and a gauge counts the document.

use crate::control_plane::Answer;
use crate::stage::{LISTENER, Stage};
use serde_json::json;
use support::client::{Connection, Protocol, Request};
use support::deadline::until_equal;

#[tokio::test(flavor = "multi_thread")]
async fn envoy_takes_a_document_with_mistakes_and_the_log_names_every_one() {
    let good = json!({ "rules": [{ "name": "good", "percentage": 100, "abort": { "http_status": 418 } }] });
    let none = json!({ "rules": [] }).to_string();
    let stage = Stage::with_control_plane(&good.to_string(), &none).await;
    let bad = json!({ "rules": [
        { "name": "one", "percentage": 100, "abort": { "http_status": 700 } },
        { "name": "two", "delay": { "fixed_delay": "fast" } },
    ] });
    let answers = stage.push(&bad.to_string(), &none).await;
    assert!(matches!(answers.main, Answer::Taken { .. }), "{:?}", answers.main);
    until_equal("the gauge", true, async || stage.envoy.stats().await.value("document_refused") > 0).await;
    let log = stage.envoy.log();
    for mistake in [
        "document refused: rules[0].abort.http_status: ",
        "document refused: rules[1]: missing field `percentage`",
        "document refused: rules[1].delay.fixed_delay: ",
        "nothing is injected until a document without mistakes arrives",
    ] {
        assert_eq!(log.matches(mistake).count(), 1, "`{mistake}` is said once:\n{log}");
    }
    assert!(stage.envoy.stats().await.value("config_rejected") > 0);
    let mut connection = Connection::open(Protocol::Http1, stage.envoy.address(LISTENER)).await;
    let reply = connection.send(Request::get("/")).await.expect("a reply");
    assert_eq!((reply.status.as_u16(), reply.header("x-brownout")), (200, None));
}
