//! Describes faults in plain English.

use crate::fault::Faults;
use crate::value::percent::FractionalPercent;
use crate::words::{anded, percent};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Describes faults in sentences about the requests that a rule has taken.
pub fn sentences(faults: &Faults) -> Vec<String> {
    let subject = |percentage: Option<FractionalPercent>| match percentage {
        None => "They".into(),
        Some(share) if share.is_always() => "They".into(),
        Some(share) => format!("Of these, {}", percent(share.millionths())),
    };
    faults.lines().iter().map(|line| format!("{} {}.", subject(line.share), line.words)).collect()
}

/// Describes faults in one clause: `5 % wait 2s …, and are answered …`.
pub fn clause(faults: &Faults) -> String {
    let share = |percentage: Option<FractionalPercent>| match percentage {
        Some(share) if !share.is_always() => format!("({} of them) ", percent(share.millionths())),
        _ => String::new(),
    };
    let parts: Vec<String> =
        faults.lines().iter().map(|line| format!("{}{}", share(line.share), line.words)).collect();
    anded(&parts)
}
