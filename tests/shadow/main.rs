//! What `shadow` promises, in a real Envoy: client and upstream of a listener whose module is in `shadow` see byte for
//! byte what they see with a listener without the module, and the counters show what `inject` would have done.

mod bytes;
mod counts;
mod documents;
mod http1;
mod http2;
mod normal;
mod stage;
