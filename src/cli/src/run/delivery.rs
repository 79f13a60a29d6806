//! Delivers documents to Envoy, in a file that Envoy watches, and checks that the module runs them. Only the module
//! knows that: Envoy reports no more than that it passed the document on.

use super::bootstrap;
use crate::envoy::{Admin, AdminError};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const DISCOVERY: &str = "extension_config_discovery.http_filter.brownout";
const MODULE: &str = "wasmcustom.brownout";

/// Delivers documents to one Envoy.
#[derive(Debug)]
pub struct Delivery {
    file: PathBuf,
    module: PathBuf,
    version: u64,
    /// Envoy's count of refused updates before the last document.
    refused_before: u64,
}

/// The fate of the last document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    /// Envoy has neither accepted nor refused it yet.
    Pending,
    /// The module runs it, for new requests.
    InForce,
    /// Envoy or the module refused it.
    Refused,
    /// Envoy accepted it, but no Brownout module has reported anything.
    Silent,
}

impl Delivery {
    /// Creates a delivery through this file, for this module. Envoy watches the folder of the file.
    pub fn new(file: &Path, module: &Path) -> Self {
        Self { file: file.into(), module: module.into(), version: 0, refused_before: 0 }
    }

    /// Delivers a document: writes a temporary file and moves it into place, so that Envoy never reads half of it.
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
        // Envoy's configuration dump also shows a refused version; this statistic shows the version in force.
        let page = admin.json(&format!("/stats?format=json&filter=^{DISCOVERY}.version_text$"))?;
        let is_there = page["stats"][0]["value"].as_str() == Some(&self.version.to_string());
        let said = admin.stats(&format!("^{MODULE}.(document_refused|config_rejected|mode)$"))?;
        let says = |name: &str| said.get(&format!("{MODULE}.{name}")).copied();
        if !is_there {
            // Modules up to 0.1 make Envoy refuse a document that they cannot read.
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

    /// Returns how many modules, one for each thread of Envoy, have seen their timer work.
    ///
    /// # Errors
    /// When Envoy does not answer.
    pub fn timers(&self, admin: &Admin) -> Result<u64, AdminError> {
        let name = format!("{MODULE}.timers_started");
        Ok(admin.stats(&format!("^{name}$"))?.get(&name).copied().unwrap_or(0))
    }
}

fn refused(admin: &Admin) -> Result<u64, AdminError> {
    let name = format!("{DISCOVERY}.update_rejected");
    Ok(admin.stats(&format!("^{name}$"))?.get(&name).copied().unwrap_or(0))
}
