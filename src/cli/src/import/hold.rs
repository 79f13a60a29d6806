//! Durations for which requests are held.

use super::built::Built;
use super::findings::Findings;
use super::place::{Node, Place};
use super::window::length;
use brownout_core::value::duration::{LONGEST, Written};
use std::time::Duration;

/// Converts a text such as `250ms` to a duration of a document. Zero gives `None`; more than an hour is refused.
pub fn written(node: &Node<'_>, findings: &mut Findings) -> Option<Built> {
    let length = length(node, findings)?;
    built(&node.place, length, findings)
}

/// Converts a number of milliseconds to a duration of a document.
pub fn milliseconds(node: &Node<'_>, findings: &mut Findings) -> Option<Built> {
    let millis = findings.unsigned(node, u64::from(u32::MAX))?;
    built(&node.place, Duration::from_millis(millis), findings)
}

/// Returns a duration of a document. Zero gives `None`; more than an hour is refused.
pub fn built(place: &Place, length: Duration, findings: &mut Findings) -> Option<Built> {
    if length > LONGEST {
        findings.refuse(place, "a duration of more than an hour", "one hour is the maximum");
        return None;
    }
    (!length.is_zero()).then(|| Built::text(Written::from(length).to_string()).from(place))
}

/// Returns the fields of a fixed `delay`.
pub fn fixed(length: Built) -> Built {
    Built::object([("fixed_delay", length)])
}
