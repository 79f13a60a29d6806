//! What a new document makes of those who are held.

use crate::stage::Stage;
use serde_json::{Value, json};
use support::client::Raw;

const LIMIT: usize = 8;

fn document(experiment: &str) -> Value {
    json!({
        "experiment": { "id": experiment },
        "rules": [{
            "name": "held",
            "percentage": 100,
            "limits": { "max_active_faults": LIMIT },
            "hang": { "max": "1h" },
        }],
    })
}

/// Each document has its own places, on every worker.
#[tokio::test(flavor = "multi_thread")]
async fn those_held_under_an_old_document_take_no_place_from_the_new_one() {
    let stage = Stage::with(&document("0")).await;
    let mut clients = Vec::new();
    for (round, experiment) in ["0", "1", "2"].into_iter().enumerate() {
        if round > 0 {
            stage.follow(&document(experiment)).await;
        }
        for _ in 0..2 * LIMIT {
            let mut client = Raw::open(stage.address()).await;
            client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
            clients.push(client);
        }
        let (held, overflow) = ((round as u64 + 1) * LIMIT as u64, (round as u64 + 1) * LIMIT as u64);
        let stats = stage
            .count_until("all of them held or gone on", |stats| {
                stats.value("injected") + stats.value("overflow") == held + overflow
            })
            .await;
        assert_eq!((stats.value("injected"), stats.value("active_faults")), (held, held), "{stats}");
    }
    drop(clients);
    stage.is_sound().await;
}
