//! The proxy-wasm module. It turns the host's callbacks into questions to the core's engine, and performs what that
//! says; it decides nothing itself. What Envoy's Wasm host does and does not do stands in the comments where it
//! matters.

mod chance;
mod host;
mod logger;
mod pairs;
mod request;
mod stats;
mod worker;

use brownout_core::Plan;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType};
use std::rc::Rc;
use worker::Worker;

/// The most mistakes of one document that are logged.
const MOST_MISTAKES: usize = 50;

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
                let (mode, rules) = (plan.mode().name(), plan.rules().len());
                log::info!("brownout: document in force: mode {mode}, {rules} rules");
                self.0.follow(plan);
                true
            }
            Err(mistakes) => {
                refuse(&mistakes);
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

/// Says everything that is wrong: whoever pushed the document sees only that it was refused.
fn refuse(mistakes: &[brownout_core::Diagnostic]) {
    stats::count_rejected();
    for mistake in mistakes.iter().take(MOST_MISTAKES) {
        log::error!("brownout: document refused: {mistake}");
    }
    if mistakes.len() > MOST_MISTAKES {
        log::error!("brownout: document refused: {} more mistakes", mistakes.len() - MOST_MISTAKES);
    }
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

    fn on_http_response_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        self.worker.on_response_headers(self.id)
    }
}
