//! Prometheus: what it reads from Envoy, its `promtool`, and itself.

use brownout_core::value::query::RESERVED;
use percent_encoding::utf8_percent_encode;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use support::client::{Connection, Protocol, Reply, Request};
use support::deadline::until;
use support::envoy::Envoy;
use tempfile::TempDir;

/// The series of a scrape, `name{label="value"}` with labels in the order of their names, and their values.
pub struct Scrape(BTreeMap<String, f64>);

impl Scrape {
    /// Reads Envoy's page for Prometheus.
    pub async fn of(envoy: &Envoy) -> Self {
        let page = envoy.page("/stats/prometheus").await;
        Self(page.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(series).collect())
    }

    /// Returns the nonzero series with this prefix.
    pub fn counted(&self, prefix: &str) -> BTreeMap<&str, f64> {
        let chosen = self.0.iter().filter(|(series, value)| series.starts_with(prefix) && **value > 0.0);
        chosen.map(|(series, value)| (series.as_str(), *value)).collect()
    }

    /// Returns whether there is a metric of this name.
    pub fn has(&self, metric: &str) -> bool {
        self.0.keys().any(|series| series.split('{').next() == Some(metric))
    }
}

fn series(line: &str) -> (String, f64) {
    let (series, value) = line.rsplit_once(' ').expect("a value");
    let (name, labels) = series.split_once('{').expect("Envoy always writes braces");
    let labels = labels.strip_suffix('}').expect("the end of the labels");
    let mut labels: Vec<&str> = labels.split(',').filter(|label| !label.is_empty()).collect();
    labels.sort_unstable();
    let value = value.parse().unwrap_or_else(|error| panic!("{line}: {error}"));
    (format!("{name}{{{}}}", labels.join(",")), value)
}

/// A file for Prometheus or Grafana.
pub fn file(name: &str) -> PathBuf {
    support::repository::root().join("envoy").join(name)
}

/// Runs `promtool`, which must report no problem.
///
/// # Panics
/// When it reports one, or is not available.
pub fn promtool(arguments: &[&str], file: &Path) {
    let program = support::repository::debian("prometheus", "promtool");
    let output = Command::new(program).args(arguments).arg(file).output().expect("it starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
}

/// Returns the metrics that a PromQL expression names, ours and Envoy's.
pub fn metrics(expression: &str) -> Vec<&str> {
    let words = expression.split(|character: char| !character.is_ascii_alphanumeric() && character != '_');
    words.filter(|word| word.starts_with("brownout_") || word.starts_with("envoy_")).collect()
}

/// A Prometheus that reads an Envoy every second. It ends when it is dropped.
pub struct Prometheus {
    child: Child,
    port: u16,
    _folder: TempDir,
}

impl Prometheus {
    /// Starts it with our alerts, and waits until it serves.
    pub async fn reading(envoy: &Envoy) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let config = folder.path().join("prometheus.json");
        let content = json!({
            "global": { "scrape_interval": "1s", "evaluation_interval": "1s" },
            "rule_files": [file("prometheus/alerts.yaml")],
            "scrape_configs": [{ "job_name": "envoy", "metrics_path": "/stats/prometheus",
                "static_configs": [{ "targets": [envoy.admin_address().to_string()] }] }],
        });
        fs::write(&config, content.to_string()).expect("room on the disk");
        // With port 0, it would not report which port it got.
        let free = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = free.local_addr().expect("a bound socket has an address").port();
        drop(free);
        let log = fs::File::create(folder.path().join("log")).expect("room on the disk");
        let child = Command::new(support::repository::debian("prometheus", "prometheus"))
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("it starts");
        let prometheus = Self { child, port, _folder: folder };
        until("a Prometheus that serves", async || {
            tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok()?;
            let ready = prometheus.send("/-/ready").await.status;
            (ready == 200).then_some(())
        })
        .await;
        prometheus
    }

    /// Evaluates an expression and returns its series, once there are any.
    pub async fn ask(&self, expression: &str) -> Vec<Value> {
        until(expression, async || {
            let reply =
                self.get(&format!("/api/v1/query?query={}", utf8_percent_encode(expression, RESERVED))).await;
            assert_eq!(reply["status"], "success", "{expression}: {reply}");
            let result = reply["data"]["result"].as_array().expect("series").clone();
            (!result.is_empty()).then_some(result)
        })
        .await
    }

    /// The names of the alerts that fire now.
    pub async fn firing(&self) -> Vec<String> {
        let reply = self.get("/api/v1/alerts").await;
        let alerts = reply["data"]["alerts"].as_array().expect("alerts").clone();
        let firing = alerts.into_iter().filter(|alert| alert["state"] == "firing");
        firing.map(|alert| alert["labels"]["alertname"].as_str().expect("a name").to_owned()).collect()
    }

    async fn get(&self, path: &str) -> Value {
        serde_json::from_str(&self.send(path).await.text()).expect("JSON")
    }

    async fn send(&self, path: &str) -> Reply {
        let mut connection = Connection::open(Protocol::Http1, ([127, 0, 0, 1], self.port).into()).await;
        connection.send(Request::get(path)).await.expect("a reply")
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
