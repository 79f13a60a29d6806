//! The data after an upgrade is left alone, and so are Envoy's own answers before it.

use crate::changes::Change;
use crate::stage::{HTTP1, Stage, WEBSOCKET};
use support::client::Raw;

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_is_none_of_a_responses_faults_business() {
    let stage = Stage::of(Change::rules(), [HTTP1, WEBSOCKET]).await;
    // These come before the upgrade.
    let before = [Change::Abort, Change::RequestReset, Change::Hang];
    for change in Change::ALL.into_iter().filter(|change| !before.contains(change)) {
        let mut client = Raw::open(stage.address(WEBSOCKET)).await;
        let upgrade = "host: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
        client.send(format!("GET {} HTTP/1.1\r\n{upgrade}", change.path())).await;
        let head = client.head().await;
        assert_eq!(head.status, 101, "{change:?}");
        let sent: Vec<u8> = (0..200_000).map(|place: u32| place.to_le_bytes()[1]).collect();
        for piece in sent.chunks(50_000) {
            client.send(piece).await;
            assert!(client.bytes(piece.len()).await == piece, "{change:?}");
        }
    }
    stage.is_sound().await;
}
