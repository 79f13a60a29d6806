//! A real Envoy with the module, configured by a test.
//!
//! ```no_run
//! # use support::envoy::{Bootstrap, Cluster, Configuration, Envoy, Filter, Listener};
//! # use support::upstream::Upstream;
//! # async fn example() {
//! let upstream = Upstream::start().await;
//! let document = serde_json::json!({ "rules": [] });
//! let filter = Filter::discovered("brownout", Configuration::document(&document));
//! let envoy = Envoy::start(
//!     Bootstrap::new()
//!         .cluster(Cluster::of(&upstream))
//!         .listener(Listener::named("main").filter(filter)),
//! )
//! .await;
//! envoy.address("main");
//! # }
//! ```

mod access_log;
mod bootstrap;
mod cluster;
mod configuration;
mod discovery;
mod filter;
mod listener;
mod place;
mod stats;
mod usage;

pub use access_log::Entry;
pub use bootstrap::Bootstrap;
pub use cluster::Cluster;
pub use configuration::{Configuration, restricted};
pub use discovery::{filter_resource, only_host, routes_resource};
pub use filter::Filter;
pub use listener::Listener;
pub use place::{Place, Started};
pub use stats::Stats;

use crate::client::{Connection, Protocol, Request};
use crate::deadline::{PATIENCE, until, until_equal};
use brownout_cli::envoy::{Admin, Executable, Launch, Process, locate};
use discovery::{Deliveries, Discovered};
use http::Method;
use place::Running;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::task::spawn_blocking;

/// The stat prefix under which Envoy shows what a module counts.
const OURS: &str = "wasmcustom.brownout.";

/// Log our module's lines without the hundred lines about Envoy's own start, and flush access logs at once.
const ARGUMENTS: [&str; 6] =
    ["--log-level", "warning", "--component-log-level", "wasm:info", "--file-flush-interval-msec", "20"];

/// A running Envoy. Dropping it stops it.
pub struct Envoy {
    running: Running,
    admin: Admin,
    addresses: BTreeMap<String, SocketAddr>,
    concurrency: usize,
    directory: TempDir,
}

/// Something new that Envoy or the module refused.
#[derive(Debug)]
pub struct Refused {
    /// The lines that Envoy has logged since it arrived.
    pub log: String,
}

impl Envoy {
    /// Starts Envoy and waits until it serves.
    ///
    /// # Panics
    /// When there is no Envoy, or it does not start; the message says why.
    pub async fn start(bootstrap: Bootstrap) -> Self {
        let (directory, config) = prepare(&bootstrap);
        std::fs::write(&config, bootstrap.to_json(directory.path()).to_string()).expect("room on the disk");
        Self::launch(directory, config, bootstrap.concurrency).await
    }

    /// Starts Envoy, with one worker, from an existing bootstrap: the file of this name in the directory.
    ///
    /// # Panics
    /// When there is no Envoy, or it does not start; the message says why.
    pub async fn start_file(directory: TempDir, file: &str) -> Self {
        let config = directory.path().join(file);
        Self::launch(directory, config, 1).await
    }

    async fn launch(directory: TempDir, config: PathBuf, concurrency: usize) -> Self {
        let log = log(&directory);
        let (process, admin, addresses) =
            spawn_blocking(move || launch(&config, &log, concurrency)).await.expect("Envoy starts");
        let running = Running::Process(Mutex::new(process));
        Self { running, admin, addresses, concurrency, directory }
    }

    /// Starts Envoy in another place and waits until it serves. That Envoy cannot be paused or measured as a process.
    ///
    /// # Panics
    /// When it does not start; the message says why.
    pub async fn start_in(place: &impl Place, bootstrap: Bootstrap) -> Self {
        let (directory, _) = prepare(&bootstrap);
        let workers = bootstrap.concurrency.to_string();
        let mut arguments = ARGUMENTS.map(str::to_owned).to_vec();
        arguments.extend([
            "--concurrency".into(),
            workers,
            "--disable-hot-restart".into(),
            "--log-path".into(),
        ]);
        arguments.push(log(&directory).display().to_string());
        let json = bootstrap.to_json(directory.path());
        let Started { admin, addresses, running } = place.start(json, directory.path(), &arguments).await;
        let running = Running::Elsewhere { _running: running };
        Self { running, admin, addresses, concurrency: bootstrap.concurrency, directory }
    }

    /// Returns where a listener listens.
    ///
    /// # Panics
    /// When the bootstrap has no such listener.
    pub fn address(&self, listener: &str) -> SocketAddr {
        *self.addresses.get(listener).unwrap_or_else(|| panic!("a listener `{listener}`"))
    }

    /// Returns where the admin interface listens.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin.address()
    }

    /// Gives a discovered filter a new configuration, which must differ from the one it has, and waits until every
    /// worker has it.
    ///
    /// # Errors
    /// [`Refused`]: the module cannot read it, and injects nothing from then on.
    pub async fn configure(&self, filter: &str, configuration: &Configuration) -> Result<(), Refused> {
        self.deliver(&Discovered::filter(filter), &discovery::filter_resource(filter, configuration)).await
    }

    /// Replaces the routes of a listener that loads them from a file, and waits until every worker has the new ones.
    ///
    /// # Errors
    /// [`Refused`], and the last good ones stay.
    pub async fn route(&self, listener: &str, routes: &[Value]) -> Result<(), Refused> {
        self.route_hosts(listener, &[discovery::only_host(routes)]).await
    }

    /// The same for virtual hosts.
    ///
    /// # Errors
    /// [`Refused`], and the last good ones stay.
    pub async fn route_hosts(&self, listener: &str, hosts: &[Value]) -> Result<(), Refused> {
        self.deliver(&Discovered::routes(listener), &discovery::routes_resource(listener, hosts)).await
    }

    async fn deliver(&self, discovered: &Discovered, resource: &Value) -> Result<(), Refused> {
        let before = self.deliveries(discovered).await;
        let rejected = self.stats().await.value("config_rejected");
        let logged = self.log().len();
        discovered.write(self.directory.path(), resource);
        let after = until("something new that is taken or refused", async || {
            let now = self.deliveries(discovered).await;
            (now != before).then_some(now)
        })
        .await;
        if after.refused > before.refused {
            return Err(Refused { log: self.log()[logged..].to_owned() });
        }
        self.wait_for_workers().await;
        // Envoy accepts any document; the module reports whether it could read it.
        if self.stats().await.value("config_rejected") > rejected {
            return Err(Refused { log: self.log()[logged..].to_owned() });
        }
        Ok(())
    }

    /// Returns our module's stats, without the common prefix: `matched`, `rule.slow.injected`, `active_faults`.
    pub async fn stats(&self) -> Stats {
        let pattern = OURS.replace('.', r"\.");
        let all = self.ask(move |admin| admin.stats(&pattern)).await;
        // Up to Envoy 1.38, the stats of a VM that a cluster has started are prefixed with the cluster's name.
        all.into_iter()
            .filter_map(|(name, value)| Some((name.split_once(OURS)?.1.to_owned(), value)))
            .collect()
    }

    /// All counters and gauges whose full names match a regular expression.
    pub async fn stats_named(&self, pattern: &str) -> Stats {
        let pattern = pattern.to_owned();
        self.ask(move |admin| admin.stats(&pattern)).await.into_iter().collect()
    }

    /// Returns a counter or gauge by its full name; 0 when Envoy has none of that name.
    pub async fn stat(&self, name: &str) -> u64 {
        let pattern = format!("^{}$", name.replace('.', r"\."));
        self.ask(move |admin| admin.stats(&pattern)).await.values().next().copied().unwrap_or(0)
    }

    /// Returns a page of the admin interface, such as `/stats/prometheus`.
    pub async fn page(&self, path: &str) -> String {
        let path = path.to_owned();
        self.ask(move |admin| admin.page(&path)).await
    }

    /// Returns whether the process still runs.
    pub fn is_alive(&self) -> bool {
        self.running.process().ended().is_none()
    }

    /// Waits until our module holds or throttles `count` exchanges.
    pub async fn until_active(&self, count: u64) {
        until_equal("active_faults", count, async || self.stats().await.value("active_faults")).await;
    }

    /// Pauses the whole process for as long as `meanwhile` takes. Everything that falls due in that time is then due at
    /// one instant.
    ///
    /// # Panics
    /// When the process is gone.
    pub async fn while_stopped<T>(&self, meanwhile: impl Future<Output = T>) -> T {
        self.signal(Signal::STOP);
        let output = meanwhile.await;
        self.signal(Signal::CONT);
        output
    }

    /// Asks the process to exit and waits until it has.
    pub async fn terminate(&self) -> ExitStatus {
        self.signal(Signal::TERM);
        until("the end of Envoy", async || self.running.process().ended()).await
    }

    /// Returns the process's memory, in bytes.
    pub fn memory(&self) -> u64 {
        usage::resident_memory(self.pid())
    }

    /// Returns the CPU time that each worker has used.
    pub fn worker_time(&self) -> Vec<Duration> {
        usage::worker_time(self.pid())
    }

    /// Sets the log level of one of Envoy's components.
    pub async fn log_level(&self, component: &str, level: &str) {
        let mut connection = Connection::open(Protocol::Http1, self.admin.address()).await;
        let request = Request::new(Method::POST, &format!("/logging?{component}={level}"));
        let reply = connection.send(request).await.expect("the admin interface answers");
        assert_eq!(reply.status, 200, "{}", reply.text());
    }

    fn pid(&self) -> u32 {
        self.running.process().pid()
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(pid, signal).expect("Envoy runs");
    }

    /// Everything that Envoy has logged.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(log(&self.directory)).expect("Envoy logs")).into_owned()
    }

    /// Returns the exchanges that a listener has finished, in order. Envoy writes them a little later.
    pub fn access_log(&self, listener: &str) -> Vec<Entry> {
        access_log::read(self.directory.path(), listener)
    }

    async fn deliveries(&self, discovered: &Discovered) -> Deliveries {
        let count = async |name| self.stat(&format!("{}{name}", discovered.counters)).await;
        let taken = count("config_reload").await;
        // A resource can be invalid for Envoy, or not be a resource at all.
        let refused = count("update_rejected").await + count("update_failure").await;
        Deliveries { taken, refused }
    }

    /// Waits until every worker has the configuration. Envoy counts it as accepted when the main thread has handed
    /// it to the workers' queues. A worker that has answered two requests since then has worked through its queue.
    async fn wait_for_workers(&self) {
        let mut connections = Vec::new();
        for _ in 0..self.concurrency {
            connections.push(Connection::open(Protocol::Http1, self.address(Listener::PROBE)).await);
        }
        for connection in &mut connections {
            for _ in 0..2 {
                connection.send(Request::get("/")).await.expect("a worker that answers");
            }
        }
    }

    async fn ask<T, E>(&self, question: impl FnOnce(Admin) -> Result<T, E> + Send + 'static) -> T
    where
        T: Send + 'static,
        E: std::fmt::Display + Send + 'static,
    {
        let admin = self.admin.clone();
        let answer = spawn_blocking(move || question(admin)).await.expect("asking does not panic");
        answer.unwrap_or_else(|error| panic!("{error}\n{}", self.log()))
    }
}

/// Returns a directory with the files that Envoy discovers, and the path for its bootstrap.
fn prepare(bootstrap: &Bootstrap) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for (discovered, resource) in bootstrap.discovered() {
        discovered.write(directory.path(), &resource);
    }
    let config = directory.path().join("bootstrap.json");
    (directory, config)
}

fn log(directory: &TempDir) -> PathBuf {
    directory.path().join("envoy.log")
}

fn launch(config: &Path, log: &Path, concurrency: usize) -> (Process, Admin, BTreeMap<String, SocketAddr>) {
    let workers = u32::try_from(concurrency).expect("a few workers");
    let launch = Launch::new(&found().path, config, log).concurrency(workers);
    let launch = ARGUMENTS.into_iter().fold(launch, Launch::argument);
    let mut process = launch.start().unwrap_or_else(|error| panic!("{error}"));
    let admin = process.wait_ready(PATIENCE).unwrap_or_else(|error| panic!("{error}"));
    let addresses = admin.listeners().unwrap_or_else(|error| panic!("{error}"));
    wait_for_timers(&admin, concurrency);
    (process, admin, addresses)
}

/// The longest wait for a timer, which a configuration may deny the module.
const TIMERS: Duration = Duration::from_millis(500);

/// Waits until the module can hold requests in every worker, if there is a module, and if it can at all.
fn wait_for_timers(admin: &Admin, concurrency: usize) {
    let end = Instant::now() + TIMERS;
    while Instant::now() < end {
        let stats = admin
            .stats("^wasmcustom.brownout.(mode|timers_started)$")
            .unwrap_or_else(|error| panic!("{error}"));
        let value = |name: &str| stats.get(&format!("wasmcustom.brownout.{name}")).copied();
        // Envoy's main thread has a VM too.
        let all = value("timers_started").is_some_and(|started| started > concurrency as u64);
        if all || value("mode").is_none() {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Returns whether Envoy would start with this bootstrap.
///
/// # Panics
/// When there is no Envoy.
pub fn accepts(bootstrap: &Bootstrap) -> bool {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let config = directory.path().join("bootstrap.json");
    let content = bootstrap.to_json(directory.path()).to_string();
    std::fs::write(&config, content).expect("room on the disk");
    let mut validating = Command::new(&found().path);
    validating.args(["--mode", "validate", "--log-level", "off", "-c"]).arg(config);
    validating.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    validating.status().expect("Envoy can be run").success()
}

/// The version of the Envoy that all tests run: `(1, 40)`.
///
/// # Panics
/// When there is no Envoy.
pub fn version() -> (u32, u32) {
    let mut parts = found().version.split('.').map_while(|part| part.parse().ok());
    (parts.next().expect("a major version"), parts.next().expect("a minor version"))
}

/// The path of that Envoy.
///
/// # Panics
/// When there is none.
pub fn path() -> &'static Path {
    &found().path
}

/// The Envoy that `BROWNOUT_ENVOY` names, else the version that `BROWNOUT_ENVOY_VERSION` names.
fn found() -> &'static Executable {
    static FOUND: OnceLock<Executable> = OnceLock::new();
    FOUND.get_or_init(|| {
        let explicit = std::env::var_os("BROWNOUT_ENVOY").map(PathBuf::from);
        let version = std::env::var("BROWNOUT_ENVOY_VERSION");
        let version = version.as_deref().unwrap_or(brownout_cli::envoy::DEFAULT_VERSION);
        let found = locate(explicit.as_deref(), version);
        found.unwrap_or_else(|error| panic!("no Envoy to test with: {error}"))
    })
}
