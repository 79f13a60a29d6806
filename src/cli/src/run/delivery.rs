//! How a document reaches Envoy: as a file that Envoy watches. And whether the module runs it, which only the module
//! knows: Envoy says no more than that it has handed it over.

use super::bootstrap;
use crate::envoy::{Admin, AdminError};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const DISCOVERY: &str = "extension_config_discovery.http_filter.brownout";
const MODULE: &str = "wasmcustom.brownout";

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
    /// The module runs it, for new requests.
    InForce,
    /// Envoy or the module refused it.
    Refused,
    /// Envoy has taken it, and no module of ours has said anything.
    Silent,
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

    /// Asks what became of the last document.
    ///
    /// # Errors
    /// When Envoy does not answer.
    pub fn receipt(&self, admin: &Admin) -> Result<Receipt, AdminError> {
        // The dump of Envoy's configuration shows a refused version too; this is the version that is in force.
        let page = admin.json(&format!("/stats?format=json&filter=^{DISCOVERY}.version_text$"))?;
        let is_there = page["stats"][0]["value"].as_str() == Some(&self.version.to_string());
        let said = admin.stats(&format!("^{MODULE}.(document_refused|config_rejected|mode)$"))?;
        let says = |name: &str| said.get(&format!("{MODULE}.{name}")).copied();
        if !is_there {
            // Modules up to 0.1 have Envoy refuse what they cannot read.
            let is_read = says("config_rejected").is_some();
            return Ok(match refused(admin)? > self.refused_before {
                true if is_read => Receipt::Refused,
                true => Receipt::Silent,
                false => Receipt::Pending,
            });
        }
        Ok(match says("document_refused") {
            Some(1..) => Receipt::Refused,
            _ if says("mode").is_some() => Receipt::InForce,
            _ => Receipt::Silent,
        })
    }
}

fn refused(admin: &Admin) -> Result<u64, AdminError> {
    let name = format!("{DISCOVERY}.update_rejected");
    Ok(admin.stats(&format!("^{name}$"))?.get(&name).copied().unwrap_or(0))
}
