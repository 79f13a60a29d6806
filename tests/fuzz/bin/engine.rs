//! Runs the target `targets::engine` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| targets::engine::run(input));
