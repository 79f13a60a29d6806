//! A document arrives.

use crate::clock::HostClock;
use crate::worker::Worker;
use crate::{host, logger, stats};
use brownout_core::Plan;
use brownout_core::time::Clock;

impl Worker {
    /// Follows the document that the host has for this worker. `false` if there is something wrong with it, and then
    /// the one before stays in force.
    pub fn configure(&self) -> bool {
        logger::init();
        let text = match host::plugin_configuration() {
            Ok(text) => text,
            Err(host::Failed(status)) => {
                log::error!("brownout: the host does not hand over the configuration (status {status})");
                return false;
            }
        };
        match Plan::from_json(&text) {
            Ok(plan) => {
                let summary = summary(&plan);
                // Envoy configures a plugin once for each worker, and twice on its main thread.
                if self.follow(plan, &text) {
                    log::info!("brownout: document in force: {summary}");
                }
                if let Some(now) = HostClock.now() {
                    self.look_around(now);
                    self.arm().ok();
                }
                true
            }
            Err(mistakes) => {
                stats::count_rejected();
                logger::refused("document", &mistakes);
                false
            }
        }
    }
}

/// A document in a line.
pub fn summary(plan: &Plan) -> String {
    let mut text = format!("mode {}, {} rules", plan.mode().name(), plan.rules().len());
    let experiment = plan.document().experiment.iter();
    for (what, said) in
        experiment.flat_map(|e| [("experiment", &e.id), ("owner", &e.owner), ("reason", &e.reason)])
    {
        if let Some(said) = said {
            text.push_str(&format!(", {what} {said:?}"));
        }
    }
    text
}
