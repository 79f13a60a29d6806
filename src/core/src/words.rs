//! Phrases shared by the descriptions of a document. The Wasm module does not use them, so the linker drops them.

use crate::decode::json::Shortened;
use crate::value::duration::Written;
use crate::value::percent::{Denominator, FractionalPercent};
use alloc::format;
use alloc::string::String;

/// Joins parts as `a, b and c`.
pub fn anded<T: AsRef<str>>(parts: &[T]) -> String {
    joined(parts, " and ")
}

/// Joins parts as `a, b or c`.
pub fn ored<T: AsRef<str>>(parts: &[T]) -> String {
    joined(parts, " or ")
}

fn joined<T: AsRef<str>>(parts: &[T], last: &str) -> String {
    let mut text = String::new();
    for (place, part) in parts.iter().enumerate() {
        let before = match place {
            0 => "",
            _ if place + 1 == parts.len() => last,
            _ => ", ",
        };
        text.push_str(before);
        text.push_str(part.as_ref());
    }
    text
}

/// Puts text from the document in backticks, and truncates it if it is long.
pub fn quoted(text: &str) -> String {
    format!("`{}`", Shortened(text))
}

/// Formats millionths as a percentage: `12.5 %`.
pub fn percent(millionths: u32) -> String {
    format!("{} %", FractionalPercent::new(millionths, Denominator::Million))
}

/// Formats a duration the way people write it: whole minutes and hours as `5m` and `1h`.
pub fn length(written: Written) -> String {
    let seconds = written.get().as_secs();
    match (written.get().subsec_nanos(), seconds) {
        (0, 60..) if seconds.is_multiple_of(3600) => format!("{}h", seconds / 3600),
        (0, 60..) if seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        _ => format!("{written}"),
    }
}

/// Formats a count with its noun: `1 request`, `3 requests`.
pub fn counted(number: u64, singular: &str) -> String {
    format!("{number} {singular}{}", plural(number))
}

/// Returns the plural "s", or nothing for 1.
pub fn plural(number: u64) -> &'static str {
    if number == 1 { "" } else { "s" }
}

/// Formats a share as a percentage of up to so many decimals: `12.5 %`.
pub fn share(share: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", share * 100.0);
    let text = if decimals == 0 { &text } else { text.trim_end_matches('0').trim_end_matches('.') };
    format!("{text} %")
}
