//! Catches slowdowns: `make bench-gate`.
//!
//! Instructions and host calls of the module are the same on every machine, so a small margin is enough for them. The
//! CPU time that a request costs Envoy is not, so its margins only catch large slowdowns.

use crate::counts::{self, Counts};
use crate::results::Rounds;
use std::path::PathBuf;
use support::repository;

/// The most instructions that a case may execute, as a multiple of its baseline.
const MARGIN: f64 = 1.05;

/// The most that a request may cost over no filter, as a multiple of what the SDK's empty module costs over it. Each is
/// about twice the value measured on an idle machine.
const MOST: [(&str, f64); 4] =
    [("no-rules", 2.0), ("one-header", 5.0), ("rules-1000", 6.5), ("rules-10000", 6.5)];
/// The same for the whole cost of an aborted request, as a multiple of the native filter's.
const MOST_FOR_ABORT: f64 = 3.5;

fn baseline() -> PathBuf {
    repository::root().join("tests/bench/baseline.json")
}

/// Writes the current counts as the new baseline.
pub fn bless() {
    let text = serde_json::to_string_pretty(&counts::all()).expect("numbers") + "\n";
    std::fs::write(baseline(), text).expect("room on the disk");
}

/// Returns a line for each case in which the module executes more than the baseline.
pub fn executed() -> Vec<String> {
    let text = std::fs::read_to_string(baseline()).expect("tests/bench/baseline.json");
    let baseline: Counts = serde_json::from_str(&text).expect("what `make bench-bless` has written");
    let mut complaints = Vec::new();
    let now = counts::all();
    for (case, now) in &now {
        let Some(before) = baseline.get(case) else {
            complaints.push(format!("{case}: not in the baseline"));
            continue;
        };
        let more = now.instructions as f64 / before.instructions as f64;
        println!(
            "{case:36} {:>12} instructions, {more:.3} × the baseline; {} host calls, {} there",
            now.instructions, now.host_calls, before.host_calls
        );
        if more > MARGIN || now.host_calls > before.host_calls {
            complaints.push(format!(
                "{case}: {} instructions and {} host calls, where the baseline has {} and {}",
                now.instructions, now.host_calls, before.instructions, before.host_calls
            ));
        }
    }
    let gone = baseline.keys().filter(|case| !now.contains_key(*case));
    complaints.extend(gone.map(|case| format!("{case}: only in the baseline")));
    complaints
}

/// Returns a line for each peer that costs Envoy much more than it should.
pub fn measured(rounds: &Rounds) -> Vec<String> {
    let mut figures: Vec<_> =
        MOST.map(|(key, most)| (key, rounds.ratio_of_overheads(key, "empty", "none"), most)).into();
    figures.push(("abort", rounds.ratio("abort", "native-abort"), MOST_FOR_ABORT));
    let mut complaints = Vec::new();
    for (key, figure, most) in figures {
        println!("{key:12} {:.2} ({:.2} – {:.2}), at most {most}", figure.value, figure.low, figure.high);
        // The whole interval must be above the limit: noise alone is no reason to fail.
        if figure.low > most {
            complaints.push(format!("{key}: {:.2} times its peer, at most {most}", figure.value));
        }
    }
    complaints
}
