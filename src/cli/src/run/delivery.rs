//! How a document reaches Envoy: as a file that Envoy watches.

use super::bootstrap;
use crate::envoy::{Admin, AdminError};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const STATS: &str = "extension_config_discovery.http_filter.brownout";

/// Gives documents to one Envoy.
#[derive(Debug)]
pub struct Delivery {
    file: PathBuf,
    module: PathBuf,
    version: u64,
    /// What Envoy had refused before the last document.
    refused_before: u64,
}

/// What became of the last document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    /// Envoy has not said yet.
    Pending,
    /// It is in force for new requests.
    InForce,
    /// Envoy refused it; the one before stays in force.
    Refused,
}

impl Delivery {
    /// Through this file, for this module. The folder of the file is Envoy's to watch.
    pub fn new(file: &Path, module: &Path) -> Self {
        Self { file: file.into(), module: module.into(), version: 0, refused_before: 0 }
    }

    /// Gives a document. It is written beside the file and moved there, so that Envoy never reads half of one.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn give(&mut self, document: &str, admin: Option<&Admin>) -> io::Result<()> {
        self.refused_before = admin.map_or(0, |admin| refused(admin).unwrap_or(0));
        self.version += 1;
        let resource = bootstrap::resource(&self.module, document, self.version);
        let new = self.file.with_extension("new");
        fs::write(&new, resource.to_string())?;
        fs::rename(&new, &self.file)
    }

    /// Asks Envoy what became of the last document.
    ///
    /// # Errors
    /// When Envoy does not answer.
    pub fn receipt(&self, admin: &Admin) -> Result<Receipt, AdminError> {
        // The dump of Envoy's configuration shows a refused version too; this is the version that is in force.
        let page = admin.json(&format!("/stats?format=json&filter=^{STATS}.version_text$"))?;
        if page["stats"][0]["value"].as_str() == Some(&self.version.to_string()) {
            return Ok(Receipt::InForce);
        }
        Ok(if refused(admin)? > self.refused_before { Receipt::Refused } else { Receipt::Pending })
    }
}

fn refused(admin: &Admin) -> Result<u64, AdminError> {
    let name = format!("{STATS}.update_rejected");
    Ok(admin.stats(&format!("^{name}$"))?.get(&name).copied().unwrap_or(0))
}
