//! What `shadow` promises, in a real Envoy: whoever speaks to a listener whose module is in `shadow`, and whoever is
//! spoken to behind it, sees byte for byte what a listener without the module has them see; and what is counted is what
//! `inject` would have done.

mod bytes;
mod counts;
mod documents;
mod http1;
mod http2;
mod normal;
mod stage;
