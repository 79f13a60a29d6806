//! A running Envoy with the module: its folder, its process, and the delivery of documents.

use super::bootstrap::{Setting, bootstrap};
use super::delivery::{Delivery, Receipt};
use super::requests::Requests;
use super::upstream::{self, Upstream};
use super::{Arguments, Error};
use crate::document::Checked;
use crate::envoy::{Admin, Executable, Launch, Process};
use crate::module::Module;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const READY: Duration = Duration::from_secs(30);
/// The longest wait until the module runs a document.
const RECEIPT: Duration = Duration::from_secs(10);
/// The longest wait for the timers of all workers.
const TIMERS: Duration = Duration::from_millis(500);
/// The interval at which Envoy flushes the access log.
const FLUSH_MILLISECONDS: &str = "20";
/// The number of lines of Envoy's log that an error shows.
const COMPLAINTS: usize = 6;

/// A running Envoy with the module in it. It ends when this is dropped, and when our process ends.
#[derive(Debug)]
pub struct Sandbox {
    /// Ends before its folder is removed.
    pub process: Process,
    pub admin: Admin,
    pub listen: SocketAddr,
    pub delivery: Delivery,
    /// The requests that pass through the proxy.
    pub requests: Requests,
    /// The file that `brownout push` writes documents to.
    pub inbox: PathBuf,
    _folder: TempDir,
}

impl Sandbox {
    /// Writes the configuration and starts Envoy with it; the document is in force when this returns.
    ///
    /// # Errors
    /// When a file cannot be written, Envoy does not become ready, or the module does not run the document.
    pub fn start(
        arguments: &Arguments,
        envoy: &Executable,
        module: &Module,
        upstream: &Upstream,
        document: &Checked,
    ) -> Result<Self, Error> {
        let setup = |source| Error::Setup { what: "Envoy's configuration", source };
        let authorities = upstream::authorities();
        for service in [Some(upstream), arguments.grpc.as_ref()].into_iter().flatten() {
            if service.tls && authorities.is_none() {
                return Err(Error::Authorities(service.clone()));
            }
        }
        let folder = tempfile::Builder::new().prefix("brownout-").tempdir().map_err(setup)?;
        let at = |name: &str| folder.path().join(name);
        let (config, wasm, resource) = (at("bootstrap.json"), at("brownout.wasm"), at("xds/brownout.json"));
        fs::create_dir(at("xds")).map_err(setup)?;
        fs::write(&wasm, &module.bytes).map_err(setup)?;
        let setting = Setting {
            listen: arguments.listen,
            admin: arguments.admin,
            upstream,
            grpc: arguments.grpc.as_ref(),
            keep_host: arguments.keep_host,
            seed: arguments.seed,
            resource: &resource,
            access_log: &at("access.log"),
            authorities: authorities.as_deref(),
        };
        fs::write(&config, bootstrap(&setting).to_string()).map_err(setup)?;
        let mut delivery = Delivery::new(&resource, &wasm);
        delivery.give(&document.json, None).map_err(setup)?;
        let log = arguments.log.clone().unwrap_or_else(|| at("envoy.log"));
        // Each worker has its own random draws, so repeatable draws need a single worker.
        let workers = if arguments.seed.is_some() { 1 } else { 2 };
        let launch = Launch::new(&envoy.path, &config, &log).concurrency(workers);
        let mut process =
            launch.argument("--file-flush-interval-msec").argument(FLUSH_MILLISECONDS).start()?;
        let admin = match process.wait_ready(READY) {
            Ok(admin) => admin,
            Err(error) => {
                // The message names the log, so keep the file.
                let _ = folder.keep();
                return Err(error.into());
            }
        };
        let listen = front(&admin)?;
        let (requests, inbox) = (Requests::new(&at("access.log")), at("pushed.json"));
        let sandbox = Self { process, admin, listen, delivery, requests, inbox, _folder: folder };
        let tail = sandbox.process.complaints(COMPLAINTS);
        match sandbox.receipt()? {
            Receipt::InForce => {
                sandbox.wait_for_timers(workers.into())?;
                Ok(sandbox)
            }
            Receipt::Refused => Err(Error::ModuleRefuses { module: module.origin.clone(), tail }),
            Receipt::Silent | Receipt::Pending => {
                Err(Error::NoModule { module: module.origin.clone(), tail })
            }
        }
    }

    /// Waits until every worker can hold requests: before, the first request might miss its delay. Older modules do not
    /// tell.
    fn wait_for_timers(&self, workers: u64) -> Result<(), Error> {
        let end = Instant::now() + TIMERS;
        // Envoy's main thread has a module of its own.
        while self.delivery.timers(&self.admin)? <= workers && Instant::now() < end {
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Waits until it is known what became of the last document, and returns that.
    ///
    /// # Errors
    /// When Envoy does not answer.
    pub fn receipt(&self) -> Result<Receipt, Error> {
        let end = Instant::now() + RECEIPT;
        loop {
            let receipt = self.delivery.receipt(&self.admin)?;
            if receipt != Receipt::Pending || Instant::now() > end {
                return Ok(receipt);
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

fn front(admin: &Admin) -> Result<SocketAddr, Error> {
    let missing = || io::Error::other("Envoy has no listener `front`");
    let front = admin.listeners()?.get("front").copied();
    front.ok_or_else(|| Error::Setup { what: "the proxy", source: missing() })
}
