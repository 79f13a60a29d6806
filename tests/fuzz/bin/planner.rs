//! Runs the target `targets::planner` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| targets::planner::run(input));
