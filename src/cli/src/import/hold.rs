//! How long requests are held.

use super::built::Built;
use super::findings::Findings;
use super::place::{Node, Place};
use super::window::length;
use brownout_core::value::duration::{LONGEST, Written};
use std::time::Duration;

/// A duration of a document, from a text such as `250ms`. One that is nothing is none; more than an hour is refused.
pub fn written(node: &Node<'_>, findings: &mut Findings) -> Option<Built> {
    let length = length(node, findings)?;
    built(&node.place, length, findings)
}

/// A duration of a document, from a number of milliseconds.
pub fn milliseconds(node: &Node<'_>, findings: &mut Findings) -> Option<Built> {
    let millis = findings.unsigned(node, u64::from(u32::MAX))?;
    built(&node.place, Duration::from_millis(millis), findings)
}

/// A duration of a document. One that is nothing is none; more than an hour is refused.
pub fn built(place: &Place, length: Duration, findings: &mut Findings) -> Option<Built> {
    if length > LONGEST {
        findings.refuse(place, "a wait of more than an hour", "no request is held longer than that");
        return None;
    }
    (!length.is_zero()).then(|| Built::text(Written::from(length).to_string()).from(place))
}

/// The fields of `delay` for a fixed one.
pub fn fixed(length: Built) -> Built {
    Built::object([("fixed_delay", length)])
}
