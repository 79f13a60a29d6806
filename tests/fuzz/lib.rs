//! Fuzz targets. Each takes arbitrary bytes and panics if the product does something it must not; the target's module
//! says what that is.
//!
//! The programs in `bin` look for such bytes with libFuzzer (`make fuzz`). The inputs they find are kept in `corpus`,
//! and `cargo test` replays them.

pub mod document;
pub mod engine;
pub mod exchange;
pub mod grammar;
pub mod host;
pub mod matcher;
pub mod planner;

pub type Target = fn(&[u8]);

/// All targets, by the names of their programs and corpora.
pub const TARGETS: [(&str, Target); 5] = [
    ("document", document::run),
    ("engine", engine::run),
    ("host", host::run),
    ("matcher", matcher::run),
    ("planner", planner::run),
];
