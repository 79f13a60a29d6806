//! A plain Envoy with the files that `brownout render envoy` prints, unchanged except for addresses and paths.

use super::{entered, reply, status, text};
use std::path::Path;
use support::client::Request;
use support::envoy::Envoy;
use support::upstream::Upstream;

/// Starts an Envoy with a bootstrap and the files that it names.
async fn started(upstream: &Upstream, bootstrap: &str, others: [(&str, &str); 2]) -> Envoy {
    let others = others.iter().filter(|(file, _)| !file.is_empty());
    let write = |directory: &Path| others.for_each(|(file, name)| write(upstream, directory, file, name));
    started_with(upstream, bootstrap, write).await
}

/// Starts an Envoy with this bootstrap; `others` writes more files into its folder.
pub async fn started_with(upstream: &Upstream, bootstrap: &str, others: impl FnOnce(&Path)) -> Envoy {
    let directory = tempfile::tempdir().expect("a temporary directory");
    write(upstream, directory.path(), "bootstrap.yaml", bootstrap);
    others(directory.path());
    Envoy::start_file(directory, "bootstrap.yaml").await
}

/// Writes the expected output of the command to a file of this name.
fn write(upstream: &Upstream, directory: &Path, file: &str, name: &str) {
    let here = here(&text(&format!("src/cli/tests/render/envoy/{name}.yaml")), directory, upstream);
    std::fs::write(directory.join(file), here).expect("room on the disk");
}

/// Returns the text with this machine's addresses and paths.
pub fn here(text: &str, directory: &Path, upstream: &Upstream) -> String {
    let port = format!("port_value: {}", upstream.address().port());
    let module = support::repository::module().display().to_string();
    let folder = directory.display().to_string();
    [
        ("port_value: 10000", "port_value: 0"),
        ("port_value: 9901", "port_value: 0"),
        ("address: reviews", "address: \"127.0.0.1\""),
        ("port_value: 8080", &port),
        ("/opt/brownout.wasm", &module),
        ("/etc/envoy/brownout.wasm", &module),
        ("/etc/envoy/xds", &folder),
    ]
    .into_iter()
    .fold(text.to_owned(), |text, (there, here)| text.replace(there, here))
}

#[tokio::test(flavor = "multi_thread")]
async fn it_starts_and_aborts_and_labels_its_counters_with_the_rule() {
    let upstream = Upstream::start().await;
    let envoy = started(&upstream, "bootstrap", [("brownout.yaml", "filter"), ("", "")]).await;
    let faulted = reply(&envoy, "front", Request::get("/").header("x-tester", "off")).await;
    assert_eq!((faulted.status.as_u16(), faulted.text().as_str()), (403, "no luck: today\n"));
    assert_eq!(status(&envoy, "front", Request::get("/").header("x-tester", "on")).await, 200);
    assert_eq!(upstream.count(), 1);
    let metrics = envoy.page("/stats/prometheus").await;
    let expected = r#"brownout_rule_injected{rule="failing",fault="abort"} 1"#;
    let ours: Vec<&str> = metrics.lines().filter(|line| line.contains("brownout_rule")).collect();
    assert!(ours.contains(&expected), "{ours:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_prefixes_no_other_request_enters_the_module() {
    let upstream = Upstream::start().await;
    let envoy = started(&upstream, "bootstrap-prefix", [("brownout.yaml", "filter"), ("", "")]).await;
    let tester = |path: &str| Request::get(path).header("x-tester", "off");
    let others = ["/", "/other", "/review"].map(tester);
    assert_eq!(entered(&envoy, "front", others).await, [(200, false); 3]);
    let ours = ["/ratings", "/ratings/1"].map(tester);
    assert_eq!(entered(&envoy, "front", ours).await, [(403, true); 2]);
    assert_eq!(envoy.stats().await.value("rule.failing.matched"), 2);
    // Another rule delays some of these, but they are answered.
    let [(_, has_entered)] = entered(&envoy, "front", ["/reviews/1"].map(tester)).await;
    assert!(has_entered);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_has_the_rules_of_its_routes_from_their_file() {
    let upstream = Upstream::start().await;
    let others = [("brownout.yaml", "filter-per-route"), ("routes.yaml", "routes")];
    let envoy = started(&upstream, "bootstrap-per-route", others).await;
    assert_eq!(status(&envoy, "front", Request::get("/").header("x-tester", "off")).await, 403);
    assert_eq!(upstream.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_its_cluster_an_abort_takes_the_place_of_the_answer() {
    let upstream = Upstream::start().await;
    let others = [("brownout.yaml", "filter-upstream"), ("", "")];
    let envoy = started(&upstream, "bootstrap-upstream", others).await;
    let faulted = reply(&envoy, "front", Request::get("/reviews/1")).await;
    assert_eq!(faulted.status, 503);
    assert_eq!(faulted.header("x-brownout").as_deref(), Some("failing-tries; abort"));
    assert_eq!(upstream.count(), 1);
    assert_eq!(status(&envoy, "front", Request::get("/ratings")).await, 200);
}
