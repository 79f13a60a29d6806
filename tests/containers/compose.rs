//! `envoy/docker-compose.yaml`: Envoy and the demo service start, and an edit of the mounted document takes effect.

use serde_json::{Value, json};
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{self, Command};
use support::client::{Connection, Protocol, Request};
use support::deadline::until;
use support::repository;
use tempfile::TempDir;

const RESOURCE: &str = "brownout.yaml";

/// The composition on free ports, with a copy of the document. Dropping it takes it down.
struct Composition {
    folder: TempDir,
}

impl Composition {
    fn start() -> Self {
        Self::start_with(|resource| resource)
    }

    /// With a changed document or module.
    fn start_with(change: impl FnOnce(String) -> String) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        // The container runs as another user.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("our own directory");
        let resource = fs::read_to_string(envoy().join("xds").join(RESOURCE)).expect("the document");
        fs::write(folder.path().join(RESOURCE), change(resource)).expect("room on the disk");
        let composition = Self { folder };
        composition.compose(&["up", "--detach"]);
        composition
    }

    /// Runs a Compose command and returns its output.
    fn compose(&self, arguments: &[&str]) -> String {
        let mut command = compose();
        command.env("BROWNOUT_XDS", self.folder.path());
        command.env("BROWNOUT_ENVOY_IMAGE", containers::image());
        for port in ["BROWNOUT_PORT", "BROWNOUT_ADMIN_PORT"] {
            command.env(port, "0");
        }
        command.args(["--project-name", &format!("brownout-{}", process::id()), "--file"]);
        command.arg(envoy().join("docker-compose.yaml")).args(arguments);
        let output = command.output().expect("Compose can be run");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{arguments:?}: {}{}", text(&output.stdout), text(&output.stderr));
        text(&output.stdout)
    }

    fn address(&self, port: &str) -> SocketAddr {
        self.compose(&["port", "envoy", port]).trim().parse().expect("an address")
    }

    async fn wait_until_healthy(&self) {
        let container = self.compose(&["ps", "-q", "envoy"]);
        until("a healthy Envoy", async || {
            let arguments = ["inspect", "--format", "{{.State.Health.Status}}", container.trim()];
            let output = Command::new("docker").args(arguments).output().expect("Docker's client");
            (output.stdout.trim_ascii() == b"healthy").then_some(())
        })
        .await;
    }

    /// Replaces the document as an editor or `mv` does.
    fn edit(&self, change: impl FnOnce(String) -> String) {
        let path = self.folder.path().join(RESOURCE);
        let new = self.folder.path().join("new");
        fs::write(&new, change(fs::read_to_string(&path).expect("the document"))).expect("room on the disk");
        fs::rename(new, path).expect("a directory of our own");
    }
}

impl Drop for Composition {
    fn drop(&mut self) {
        self.compose(&["down", "--volumes", "--timeout", "1"]);
    }
}

fn envoy() -> std::path::PathBuf {
    repository::root().join("envoy")
}

/// Docker's Compose plugin, or else the older standalone program.
fn compose() -> Command {
    let plugin = Command::new("docker").args(["compose", "version"]).output();
    if plugin.is_ok_and(|output| output.status.success()) {
        let mut command = Command::new("docker");
        command.arg("compose");
        return command;
    }
    Command::new("docker-compose")
}

async fn ask(address: SocketAddr, path: &str) -> (Option<String>, String) {
    let mut connection = Connection::open(Protocol::Http1, address).await;
    let reply = connection.send(Request::get(path)).await.expect("a reply");
    (reply.header("x-brownout"), reply.text())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_composition_injects_faults_and_an_edit_of_the_mounted_document_takes_effect() {
    let composition = Composition::start();
    composition.wait_until_healthy().await;
    let front = composition.address("10000");
    let body = "the demo service\n".to_owned();
    assert_eq!(ask(front, "/").await, (None, body.clone()));
    assert_eq!(ask(front, "/search").await, (Some("slow-search; delay".into()), body.clone()));

    composition.edit(|document| document.replace("\"slow-search\"", "\"slower-search\""));
    until("the new document", async || {
        let (header, _) = ask(front, "/search").await;
        (header.as_deref() == Some("slower-search; delay")).then_some(())
    })
    .await;

    let (_, scrape) = ask(composition.address("9901"), "/stats/prometheus").await;
    assert!(scrape.contains("brownout_rule_injected{rule=\"slow-search\"}"), "{scrape}");
    let line = until("the access log", async || {
        let log = composition.compose(&["logs", "--no-color", "envoy"]);
        let lines = log.lines().filter_map(|line| serde_json::from_str(&line[line.find('{')?..]).ok());
        lines.into_iter().find(|line: &Value| line["rule"] == "slow-search")
    })
    .await;
    assert_eq!(
        (&line["path"], &line["faults"], &line["details"]),
        (&json!("/search"), &json!("delay"), &json!("via_upstream"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_module_requests_pass_and_the_composition_is_not_healthy() {
    let composition =
        Composition::start_with(|resource| resource.replace("dist/brownout.wasm", "dist/missing.wasm"));
    let container = composition.compose(&["ps", "-q", "envoy"]);
    let failed = until("a health check that fails", async || {
        let arguments =
            ["inspect", "--format", "{{range .State.Health.Log}}{{.ExitCode}} {{end}}", container.trim()];
        let output = Command::new("docker").args(arguments).output().expect("Docker's client");
        let codes = String::from_utf8_lossy(&output.stdout).into_owned();
        (codes.split_whitespace().count() >= 3).then_some(codes)
    })
    .await;
    assert!(failed.split_whitespace().all(|code| code == "1"), "{failed}");
    let passes = (None, "the demo service\n".to_owned());
    assert_eq!(ask(composition.address("10000"), "/search").await, passes);
}

#[test]
fn the_composition_has_the_labels_and_the_access_log_of_the_docs() {
    let bootstrap = yaml("compose.yaml");
    assert_eq!(bootstrap["stats_config"]["stats_tags"], yaml("stats_tags.yaml"));
    let manager = bootstrap.pointer("/static_resources/listeners/0/filter_chains/0/filters/0/typed_config");
    assert_eq!(manager.expect("a connection manager")["access_log"], json!([yaml("access_log.yaml")]));
}

#[test]
fn whatever_the_composition_mounts_is_there() {
    let services = yaml("docker-compose.yaml")["services"].as_object().expect("services").clone();
    assert_eq!(services.keys().collect::<Vec<_>>(), ["envoy", "grafana", "prometheus", "service"]);
    for volume in services.values().flat_map(|service| service["volumes"].as_array().expect("volumes")) {
        let volume = volume.as_str().expect("a volume").replace("${BROWNOUT_XDS:-./xds}", "./xds");
        let source = volume.split(':').next().expect("a path");
        assert!(envoy().join(source).exists(), "{volume}");
    }
    for dashboards in
        ["grafana/provisioning/dashboards/brownout.yaml", "grafana/provisioning/datasources/prometheus.yaml"]
    {
        assert_eq!(yaml(dashboards)["apiVersion"], 1);
    }
}

fn yaml(file: impl AsRef<Path>) -> Value {
    let text = fs::read_to_string(envoy().join(file)).expect("a file");
    serde_saphyr::from_str(&text).expect("YAML")
}
