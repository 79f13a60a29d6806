//! The SDK's empty module: built here, of the SDK's release that ours is built of.

use crate::peers;
use std::path::PathBuf;
use std::process::Command;
use support::envoy::Filter;
use support::repository;

/// The filter that runs it.
pub fn filter() -> Filter {
    peers::module("empty", &path())
}

/// Where [`build`] puts it.
pub fn path() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    repository::root().join(target).join("wasm32-wasip1/module/brownout_bench_empty.wasm")
}

/// Builds it as fast as the compiler can make it, while ours is built to be small.
///
/// # Panics
/// When that fails; cargo has said why.
pub fn build() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .current_dir(repository::root())
        .args(["build", "--quiet", "--locked", "-p", "brownout-bench-empty", "--profile", "module"])
        .args(["--target", "wasm32-wasip1", "--config", "profile.module.opt-level=3"])
        .status();
    assert!(status.expect("cargo can be run").success(), "the empty module cannot be built");
}
