//! Envoy with the module, running: its folder, its process, and the way for documents.

use super::bootstrap::bootstrap;
use super::delivery::Delivery;
use super::upstream::{self, Upstream};
use super::{Arguments, Error};
use crate::document::Checked;
use crate::envoy::{Admin, Found, Launch, Process};
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

const READY: Duration = Duration::from_secs(30);

/// A running Envoy with the module in it. It ends when this is dropped, and when our process ends.
#[derive(Debug)]
pub struct Sandbox {
    /// Ends before its folder is removed.
    pub process: Process,
    /// Envoy's admin interface.
    pub admin: Admin,
    /// Where the proxy listens.
    pub listen: SocketAddr,
    /// The way for documents.
    pub delivery: Delivery,
    _folder: TempDir,
}

impl Sandbox {
    /// Writes the configuration and starts Envoy with it; it is ready when this returns.
    ///
    /// # Errors
    /// When a file cannot be written, and when Envoy does not get ready.
    pub fn start(
        arguments: &Arguments,
        envoy: &Found,
        module: &Path,
        upstream: &Upstream,
        document: &Checked,
    ) -> Result<Self, Error> {
        let setup = |source| Error::Setup { what: "Envoy's configuration", source };
        let authorities = upstream::authorities();
        if upstream.tls && authorities.is_none() {
            return Err(Error::Authorities(upstream.clone()));
        }
        let folder = tempfile::Builder::new().prefix("brownout-").tempdir().map_err(setup)?;
        let config = folder.path().join("bootstrap.json");
        let resource = folder.path().join("xds/brownout.json");
        fs::create_dir(folder.path().join("xds")).map_err(setup)?;
        let tree = bootstrap(arguments.listen, arguments.admin, upstream, &resource, authorities.as_deref());
        fs::write(&config, tree.to_string()).map_err(setup)?;
        let mut delivery = Delivery::new(&resource, module);
        delivery.give(&document.json, None).map_err(setup)?;
        let log = folder.path().join("envoy.log");
        let mut process = Launch::new(&envoy.path, &config, &log).concurrency(2).start()?;
        match process.wait_ready(READY) {
            Ok(admin) => {
                let listen = front(&admin)?;
                Ok(Self { process, admin, listen, delivery, _folder: folder })
            }
            Err(error) => {
                // The message names the log: it has to be there to be read.
                let _ = folder.keep();
                Err(error.into())
            }
        }
    }
}

fn front(admin: &Admin) -> Result<SocketAddr, Error> {
    let missing = || io::Error::other("Envoy has no listener `front`");
    let front = admin.listeners()?.get("front").copied();
    front.ok_or_else(|| Error::Setup { what: "the proxy", source: missing() })
}
