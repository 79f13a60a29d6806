//! The proxy-wasm module. It turns the host's callbacks into questions to the core's engine, and performs what that
//! says; it decides nothing itself. What Envoy's Wasm host does and does not do stands in the comments where it
//! matters.

mod chance;
mod evidence;
mod host;
mod logger;
mod pairs;
mod properties;
mod request;
mod stats;
mod tally;
mod worker;

use brownout_core::Plan;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType};
use std::rc::Rc;
use worker::Worker;

/// What the host calls first.
mod start {
    #![allow(missing_docs, reason = "the macro writes the function")]

    use super::{Rc, Root, Worker};

    proxy_wasm::main! {{
        proxy_wasm::set_root_context(|id| Box::new(Root(Rc::new(Worker::new(id)))));
    }}
}

/// One plugin in one VM.
struct Root(Rc<Worker>);

impl Context for Root {
    fn on_done(&mut self) -> bool {
        // The host's timer outlives the context that set it.
        self.0.disarm();
        true
    }
}

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

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Exchange { id, worker: Rc::clone(&self.0) }))
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

/// One exchange. It has no state of its own: the engine knows of those that a rule has taken.
struct Exchange {
    id: u32,
    worker: Rc<Worker>,
}

impl Context for Exchange {
    /// Comes once for every exchange, however it ends.
    fn on_done(&mut self) -> bool {
        self.worker.end(self.id);
        true
    }
}

impl HttpContext for Exchange {
    fn on_http_request_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        self.worker.on_request_headers(self.id)
    }

    fn on_http_request_body(&mut self, _size: usize, _end_of_stream: bool) -> Action {
        self.worker.on_request_data(self.id)
    }

    fn on_http_request_trailers(&mut self, _count: usize) -> Action {
        self.worker.on_request_data(self.id)
    }

    fn on_http_response_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        self.worker.on_response_headers(self.id)
    }
}
