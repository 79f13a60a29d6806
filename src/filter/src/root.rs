//! Root contexts, through the SDK: one for each plugin in each VM.

use crate::worker::Worker;
use crate::{host, logger, stats, stream};
use brownout_core::Plan;
use proxy_wasm::traits::{Context, RootContext};
use std::rc::Rc;

/// What the host calls first.
mod start {
    #![allow(missing_docs, reason = "the macro writes the function")]

    use super::Root;

    proxy_wasm::main! {{
        proxy_wasm::set_root_context(|id| Box::new(Root::new(id)));
    }}
}

/// One plugin in one VM.
struct Root(Rc<Worker>);

impl Root {
    fn new(id: u32) -> Self {
        let worker = Rc::new(Worker::new(id));
        stream::serve(id, &worker);
        Self(worker)
    }
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _size: usize) -> bool {
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
                if self.0.follow(plan, &text) {
                    log::info!("brownout: document in force: {summary}");
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

    fn on_tick(&mut self) {
        self.0.on_tick();
    }
}

/// A document in a line.
fn summary(plan: &Plan) -> String {
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
