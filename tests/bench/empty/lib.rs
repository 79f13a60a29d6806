//! The smallest filter that the SDK allows: all callbacks are the SDK's defaults, which let everything pass.

use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| Box::new(Root));
}}

struct Root;

impl Context for Root {}

impl RootContext for Root {
    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Exchange))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

/// Zero-sized, so that its boxed SDK context needs no allocation.
struct Exchange;

impl Context for Exchange {}

impl HttpContext for Exchange {}
