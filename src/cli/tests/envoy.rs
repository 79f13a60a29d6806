//! A real Envoy found, started, asked and ended by the library that the command and the suites share.

use brownout_cli::envoy::{self, Launch, Process};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

const READY: Duration = Duration::from_secs(20);

const CONFIG: &str = r#"
admin: {address: {socket_address: {address: 127.0.0.1, port_value: 0}}}
static_resources:
  listeners:
  - name: front
    address: {socket_address: {address: 127.0.0.1, port_value: 0}}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: front
          route_config:
            virtual_hosts:
            - {name: all, domains: ["*"], routes: [{match: {prefix: /}, direct_response: {status: 200, body: {inline_string: hello}}}]}
          http_filters:
          - name: router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
"#;

fn envoy() -> PathBuf {
    envoy::locate(None, envoy::DEFAULT_VERSION).expect("an Envoy, from PATH or downloaded").path
}

fn start(folder: &Path, config: &str) -> Process {
    let file = folder.join("envoy.yaml");
    fs::write(&file, config).expect("the configuration is written");
    Launch::new(&envoy(), &file, &folder.join("envoy.log")).start().expect("a process")
}

fn is_alive(pid: u32) -> bool {
    Path::new("/proc").join(pid.to_string()).exists()
}

#[test]
fn an_envoy_on_free_ports_says_where_it_listens_and_what_it_counts() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut process = start(folder.path(), CONFIG);
    let admin = process.wait_ready(READY).expect("ready");
    let front = admin.listeners().expect("the listeners")["front"];
    let body = ureq::get(format!("http://{front}/")).call().expect("an answer").body_mut().read_to_string();
    assert_eq!(body.expect("a body"), "hello");
    let stats = admin.stats(r"^http\.front\.downstream_rq_total$").expect("the stats");
    assert_eq!(stats, [("http.front.downstream_rq_total".to_owned(), 1)].into());
    assert_eq!(process.ended(), None);
}

#[test]
fn stopping_ends_the_process_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut process = start(folder.path(), CONFIG);
    process.wait_ready(READY).expect("ready");
    let pid = process.pid();
    assert!(is_alive(pid));
    process.stop();
    assert!(!is_alive(pid));
}

#[test]
fn a_wrong_configuration_shows_the_end_of_the_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut process = start(folder.path(), "static_resources: {listners: []}");
    let error = process.wait_ready(READY).expect_err("not ready").to_string();
    assert!(error.starts_with("Envoy exited during startup (exit status: 1); the end of its log"), "{error}");
    assert!(!error.contains("[info]"), "{error}");
    assert!(error.contains("'listners'"), "{error}");
}

#[test]
fn an_executable_that_is_not_envoy_is_refused_with_the_way_out() {
    let error = envoy::locate(Some(Path::new("/bin/sh")), envoy::DEFAULT_VERSION).expect_err("refused");
    assert_eq!(
        error.to_string(),
        "`/bin/sh` is not Envoy: `--version` does not print Envoy's version; set `--envoy` or `BROWNOUT_ENVOY` \
         to another Envoy, or remove both to download one"
    );
}
