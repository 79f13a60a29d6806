//! What no input may bring about. Each target takes any bytes and panics if the product does what it must not; its
//! module says what that is.
//!
//! The programs in `bin` look for such bytes with libFuzzer (`make fuzz`). What they found on the way is kept in
//! `corpus`, and replayed by `cargo test`.

pub mod document;
pub mod engine;
pub mod exchange;
pub mod grammar;
pub mod host;
pub mod matcher;
pub mod planner;

/// A target.
pub type Target = fn(&[u8]);

/// All targets, by the names of their programs and corpora.
pub const TARGETS: [(&str, Target); 5] = [
    ("document", document::run),
    ("engine", engine::run),
    ("host", host::run),
    ("matcher", matcher::run),
    ("planner", planner::run),
];
