//! Root contexts, through the SDK: one for each plugin in each VM.

use crate::contexts;
use crate::worker::Worker;
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
        contexts::add_root(id, &worker);
        Self(worker)
    }
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _size: usize) -> bool {
        self.0.configure()
    }

    fn on_tick(&mut self) {
        self.0.on_tick();
    }
}
