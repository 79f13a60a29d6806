//! The worker's handling of a new document.

use crate::clock::HostClock;
use crate::worker::Worker;
use crate::{host, logger, stats};
use brownout_core::Plan;
use brownout_core::decode::json::Json;
use brownout_core::decode::wire;
use brownout_core::time::Clock;
use brownout_core::words::counted;

impl Worker {
    /// Follows the document that the host has for this worker. A document that cannot be read is accepted too, but
    /// injects nothing.
    ///
    /// The host must never be told that a document is refused. Envoy keeps a refused extension configuration as its
    /// latest one and then rejects every update of a listener that names it, whoever makes it; without an earlier one it
    /// answers 500 to all requests, or does not start.
    pub fn configure(&self) {
        logger::init();
        let text = match host::plugin_configuration() {
            Ok(text) => text,
            Err(host::Failed(status)) => {
                log::error!("brownout: the host does not hand over the configuration (status {status})");
                stats::count_rejected();
                self.refuse(&[]);
                return;
            }
        };
        match Plan::from_json(&text) {
            Ok(plan) => {
                if wire::is_struct(&text) && Json::parse(&text).is_err() {
                    log::warn!(
                        "brownout: the configuration was sent as a protobuf Struct: send a StringValue with the \
                         document as JSON text, which older modules and `brownout check` read too"
                    );
                }
                let summary = summary(&plan);
                // Envoy configures a plugin once for each worker, and twice on its main thread.
                if self.follow(plan, &text) {
                    log::info!("brownout: document in force: {summary}");
                    self.ask(|engine| {
                        engine.plan().left_out(&mut |rule, header| {
                            log::warn!("brownout: `{rule}` must not change `{header}` of a reply: left out");
                        });
                    });
                }
                if let Some(now) = HostClock.now() {
                    self.look_around(now);
                    self.arm().ok();
                }
            }
            Err(mistakes) => {
                stats::count_rejected();
                if self.refuse(&text) {
                    logger::refused("document", &mistakes);
                    log::error!("brownout: nothing is injected until a document without mistakes arrives");
                }
            }
        }
    }
}

/// Summarizes a document in one line.
pub fn summary(plan: &Plan) -> String {
    let rules = counted(plan.rules().len() as u64, "rule");
    let mut text = format!("mode {}, {rules}", plan.mode().name());
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
