//! Places left behind by a worker whose VM dies.

use crate::stage::{Stage, WORKERS};
use serde_json::{Value, json};
use std::ops::Range;
use std::time::{Duration, Instant};
use support::client::{Connection, Protocol, Raw, Request};
use support::envoy::{Configuration, Filter};
use support::repository;
use tempfile::NamedTempFile;
use wasmparser::{ExternalKind, Parser, Payload};

const LIMIT: u64 = 8;
/// The time after which a silent worker loses its places.
const LEASE: Duration = Duration::from_secs(30);

/// Returns a copy of the module that traps when a request has trailers.
fn mortal() -> NamedTempFile {
    const CALLBACK: &str = "proxy_on_request_trailers";
    let mut module = std::fs::read(repository::module()).expect("a readable module");
    let Range { start, end } = body(&module, CALLBACK);
    // No locals, then `unreachable`, padded to the length of the original body.
    module[start..end].fill(0x01);
    module[start..start + 2].copy_from_slice(&[0x00, 0x00]);
    module[end - 1] = 0x0b;
    let file = NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), module).expect("room on the disk");
    file
}

/// Returns the position of an exported function's body.
fn body(module: &[u8], name: &str) -> Range<usize> {
    let (mut imported, mut exported, mut bodies) = (0, None, Vec::new());
    for payload in Parser::new(0).parse_all(module) {
        match payload.expect("a module") {
            Payload::ImportSection(imports) => {
                imported = imports
                    .into_imports()
                    .filter(|import| {
                        let import = import.as_ref().expect("an import");
                        matches!(import.ty, wasmparser::TypeRef::Func(_))
                    })
                    .count();
            }
            Payload::ExportSection(exports) => {
                let mut exports = exports.into_iter().map(|export| export.expect("an export"));
                exported = exports.find(|export| export.name == name && export.kind == ExternalKind::Func);
            }
            Payload::CodeSectionEntry(body) => bodies.push(body.range()),
            _ => {}
        }
    }
    let index = exported.expect("the module has that function").index as usize;
    bodies[index - imported].clone()
}

fn document() -> Value {
    json!({ "rules": [{
        "name": "held",
        "match": { "path": { "exact": "/held" } },
        "percentage": 100,
        "limits": { "max_active_faults": LIMIT },
        "hang": { "max": "1h" },
    }] })
}

/// One client for each worker.
async fn ask(stage: &Stage) -> Vec<Raw> {
    let mut clients = Vec::new();
    for _ in 0..WORKERS {
        let mut client = Raw::open(stage.address()).await;
        client.send("GET /held HTTP/1.1\r\nhost: a\r\n\r\n").await;
        clients.push(client);
    }
    clients
}

#[tokio::test(flavor = "multi_thread")]
async fn the_places_of_a_worker_that_dies_are_free_again_when_its_lease_is_over() {
    let module = mortal();
    let filter = Filter::brownout(&Configuration::document(&document())).plugin_field(
        "vm_config",
        json!({ "runtime": "envoy.wasm.runtime.v8", "code": { "local": { "filename": module.path() } } }),
    );
    let stage = Stage::of(filter).await;
    let mut held = Vec::new();
    for _ in 0..LIMIT as usize / WORKERS {
        held.extend(ask(&stage).await);
    }
    stage.count_until("all places taken", |stats| stats.value("injected") == LIMIT).await;
    let mut connection = Connection::open(Protocol::Http2, stage.address()).await;
    let reply = connection.send(Request::post("/", "x").trailer("x-last", "1")).await.expect("a reply");
    assert_eq!(reply.status, 503, "the VM has died: {}", stage.envoy.log());
    let died = Instant::now();
    // Clients on the live workers leave, which frees their places. The dead worker's places still count as taken.
    drop(held);
    let lost = LIMIT / WORKERS as u64;
    stage.count_until("places given back", |stats| stats.value("active_faults") == lost).await;
    let mut clients = Vec::new();
    let free = LIMIT - lost;
    while stage.envoy.stats().await.value("injected") < LIMIT + free {
        clients.extend(ask(&stage).await);
    }
    for _ in 0..LIMIT {
        clients.extend(ask(&stage).await);
    }
    let stats = stage.envoy.stats().await;
    if died.elapsed() < LEASE / 2 {
        assert_eq!(stats.value("injected"), LIMIT + free, "they are lost for a while:\n{stats}");
    }
    // And then they are free again: all of them, and no more.
    let end = died + 3 * LEASE;
    while stage.envoy.stats().await.value("injected") < LIMIT + LIMIT {
        assert!(Instant::now() < end, "places are lost: {}", stage.envoy.stats().await);
        tokio::time::sleep(Duration::from_millis(200)).await;
        clients.extend(ask(&stage).await);
    }
    clients.extend(ask(&stage).await);
    clients.extend(ask(&stage).await);
    stage
        .count_until("all of them held or gone on", |stats| {
            let clients = clients.len() as u64 + LIMIT;
            // Nothing is counted on the dead worker.
            stats.value("injected") + stats.value("overflow") >= clients * 3 / 4
        })
        .await;
    let stats = stage.envoy.stats().await;
    assert_eq!(stats.value("injected"), LIMIT + LIMIT, "{stats}");
    println!("free again after {:?}", died.elapsed());
}
