//! Fields of other tools and their exact counterparts in a document: each is imported, and run in a real Envoy. The
//! table is in docs/contributing/counterparts.md.

mod case;
mod probability;
mod table;

use case::{Case, Tool};
use support::client::{Connection, Protocol};
use support::envoy::{Bootstrap, Cluster, Configuration, Envoy, Filter, Listener};
use support::upstream::Upstream;

const MAIN: &str = "main";

async fn run(tool: Tool) {
    let upstream = Upstream::start().await;
    let filter = Filter::discovered(MAIN, Configuration::Absent);
    let listener = Listener::named(MAIN).filter(filter);
    let envoy = Envoy::start(Bootstrap::new().cluster(Cluster::of(&upstream)).listener(listener)).await;
    for case in tool.cases() {
        let document = case.document(tool);
        for counterpart in &case.counterpart {
            assert!(stands_in(&document["rules"][0], counterpart), "no `{counterpart}` in {document}");
        }
        envoy.configure(MAIN, &Configuration::document(&document)).await.expect("a good document");
        for protocol in [Protocol::Http1, Protocol::Http2] {
            exchange(&envoy, &upstream, &case, protocol).await;
        }
    }
}

/// Returns whether a rule has a field: `response.match.status`.
fn stands_in(rule: &serde_json::Value, path: &str) -> bool {
    let end = path.split('.').try_fold(rule, |value, name| value.get(name));
    end.is_some()
}

async fn exchange(envoy: &Envoy, upstream: &Upstream, case: &Case, protocol: Protocol) {
    for request in &case.requests {
        for _ in 0..request.times {
            let mut connection = Connection::open(protocol, envoy.address(MAIN)).await;
            let result = connection.send(request.request()).await;
            let arrived = !upstream.take().is_empty();
            if let Err(difference) = request.expect.check(result, arrived) {
                let what = format!("`{}` by `{}`, {protocol:?}", case.field, case.counterpart.join("`, `"));
                panic!("{what}: {}: {difference}\n{}", request.send, envoy.log());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_chaos_mesh_does_to_http_a_document_does() {
    run(Tool::ChaosMesh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_litmus_does_to_http_a_document_does() {
    run(Tool::Litmus).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_chaos_rules_of_cilium_do_a_document_does() {
    run(Tool::Cilium).await;
}
