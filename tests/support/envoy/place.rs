//! The places in which an Envoy can run.

use brownout_cli::envoy::{Admin, Process};
use serde_json::Value;
use std::any::Any;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};

/// A place for Envoy other than a process on this machine, such as a container.
pub trait Place {
    /// Starts Envoy with this bootstrap, adapted to the place, and with these arguments, and waits until it serves.
    /// Envoy finds `directory` and the module at the same paths as on this machine.
    fn start(
        &self,
        bootstrap: Value,
        directory: &Path,
        arguments: &[String],
    ) -> impl Future<Output = Started> + Send;
}

/// An Envoy in another place.
pub struct Started {
    /// Its admin interface, as reached from this machine.
    pub admin: Admin,
    /// Its listeners, as reached from this machine.
    pub addresses: BTreeMap<String, SocketAddr>,
    /// A guard that stops it when dropped.
    pub running: Box<dyn Any + Send + Sync>,
}

/// A guard that stops Envoy when dropped.
pub(super) enum Running {
    Process(Mutex<Process>),
    Elsewhere { _running: Box<dyn Any + Send + Sync> },
}

impl Running {
    pub(super) fn process(&self) -> MutexGuard<'_, Process> {
        match self {
            Self::Process(process) => process.lock().expect("no one panicked"),
            Self::Elsewhere { .. } => panic!("this Envoy is not a process on this machine"),
        }
    }
}
