//! The SDK's empty module, built here with the same SDK release as ours.

use crate::peers;
use std::path::PathBuf;
use std::process::Command;
use support::envoy::Filter;
use support::repository;

/// The filter that runs it.
pub fn filter() -> Filter {
    peers::module("empty", &path())
}

/// Returns where [`build`] puts it.
pub fn path() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    repository::root().join(target).join("wasm32-wasip1/module/brownout_bench_empty.wasm")
}

/// Builds it optimized for speed, while ours is optimized for size.
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
