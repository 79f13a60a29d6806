//! The `brownout` command, as a library for its thin binary and for the suites.
//!
//! [`envoy`] finds, starts and asks a real Envoy; it knows nothing of faults, and every suite that needs a
//! proxy uses it.

pub mod envoy;
