//! What a control plane is told of a document with mistakes.

use crate::control_plane::Answer;
use crate::stage::{LISTENER, Stage};
use serde_json::json;
use support::client::{Connection, Protocol, Request};

#[tokio::test(flavor = "multi_thread")]
async fn the_nack_names_the_plugin_and_the_log_every_mistake() {
    let good = json!({ "rules": [{ "name": "good", "percentage": 100, "abort": { "http_status": 418 } }] });
    let none = json!({ "rules": [] }).to_string();
    let stage = Stage::with_control_plane(&good.to_string(), &none).await;
    let bad = json!({ "rules": [
        { "name": "one", "percentage": 100, "abort": { "http_status": 700 } },
        { "name": "two", "delay": { "fixed_delay": "fast" } },
    ] });
    let answers = stage.push(&bad.to_string(), &none).await;
    let Answer::Refused { detail } = answers.main else { panic!("taken: {bad}") };
    // Envoy has no way for a module to say more.
    assert_eq!(detail, "Unable to create Wasm plugin brownout");
    let log = stage.envoy.log();
    for mistake in [
        "document refused: rules[0].abort.http_status: ",
        "document refused: rules[1]: missing field `percentage`",
        "document refused: rules[1].delay.fixed_delay: ",
    ] {
        assert!(log.contains(mistake), "`{mistake}` is not in the log:\n{log}");
    }
    assert!(stage.envoy.stats().await.value("config_rejected") > 0);
    let mut connection = Connection::open(Protocol::Http1, stage.envoy.address(LISTENER)).await;
    let reply = connection.send(Request::get("/")).await.expect("a reply");
    assert_eq!((reply.status.as_u16(), reply.header("x-brownout").as_deref()), (418, Some("good; abort")));
}
