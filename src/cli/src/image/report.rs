//! The output of `brownout image`: the digests for a manifest.

use super::arguments::Arguments;
use super::bundle::{Image, sha256};
use crate::arguments::Format;
use serde_json::{Value, json};

/// The digests of a module and of its images.
pub(super) struct Digests {
    module: String,
    images: Vec<(&'static str, String)>,
    pushed: Option<(&'static str, String)>,
}

impl Digests {
    /// Creates the report on a module and its images.
    pub(super) fn new(wasm: &[u8], images: &[Image], arguments: &Arguments) -> Self {
        Self {
            module: format!("sha256:{}", sha256(wasm)),
            images: images.iter().map(|image| (image.form().name(), image.manifest().digest())).collect(),
            pushed: arguments.push.as_ref().map(|reference| (arguments.form.name(), reference.to_string())),
        }
    }

    /// Formats the report for printing.
    pub(super) fn show(&self, format: Format) -> String {
        match format {
            Format::Text => self.text(),
            Format::Json => format!("{:#}\n", self.json()),
        }
    }

    fn text(&self) -> String {
        let mut text = format!("module    {}\n", self.module);
        for (form, digest) in &self.images {
            text += &format!("{form:<10}{digest}\n");
        }
        if let Some((form, reference)) = &self.pushed {
            text += &format!("pushed    {reference} ({form})\n");
        }
        text
    }

    fn json(&self) -> Value {
        let mut report = json!({ "module": self.module });
        for (form, digest) in &self.images {
            report[*form] = json!(digest);
        }
        if let Some((form, reference)) = &self.pushed {
            report["pushed"] = json!({ "form": form, "reference": reference });
        }
        report
    }
}
