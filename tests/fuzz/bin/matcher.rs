//! See `targets::matcher`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| targets::matcher::run(input));
