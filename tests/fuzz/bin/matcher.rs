//! Runs the target `targets::matcher` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| targets::matcher::run(input));
