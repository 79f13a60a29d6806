//! Where an Envoy runs.

use brownout_cli::envoy::{Admin, Process};
use serde_json::Value;
use std::any::Any;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};

/// A place for Envoy other than a process of this machine: a container.
pub trait Place {
    /// Starts Envoy with this bootstrap, fitted to the place, and with these arguments, and waits until it serves.
    /// Envoy finds `directory` and the module under the paths that they have here.
    fn start(
        &self,
        bootstrap: Value,
        directory: &Path,
        arguments: &[String],
    ) -> impl Future<Output = Started> + Send;
}

/// An Envoy in another place.
pub struct Started {
    /// Its admin interface, from here.
    pub admin: Admin,
    /// Its listeners, from here.
    pub addresses: BTreeMap<String, SocketAddr>,
    /// What ends it when it is dropped.
    pub running: Box<dyn Any + Send + Sync>,
}

/// What ends Envoy when it is dropped.
pub(super) enum Running {
    Process(Mutex<Process>),
    Elsewhere { _running: Box<dyn Any + Send + Sync> },
}

impl Running {
    pub(super) fn process(&self) -> MutexGuard<'_, Process> {
        match self {
            Self::Process(process) => process.lock().expect("no one panicked"),
            Self::Elsewhere { .. } => panic!("this Envoy is no process of this machine"),
        }
    }
}
