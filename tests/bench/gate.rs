//! What must not become slower unnoticed: `make bench-gate`.
//!
//! Instructions and host calls of the module are the same on every machine, so a small margin is enough for them. The
//! time that a request takes of Envoy is not, so its margins only catch what is much slower than it should be.

use crate::counts::{self, Counts};
use crate::results::Rounds;
use std::path::PathBuf;
use support::repository;

/// How much more may be executed than the baseline says, before somebody has to agree.
const MARGIN: f64 = 1.05;

/// The most that a request may add to no filter, in times of what the SDK's empty module adds. Measured on a machine
/// that does nothing else; each is about twice that.
const MOST: [(&str, f64); 4] =
    [("no-rules", 2.0), ("one-header", 5.0), ("rules-1000", 6.5), ("rules-10000", 6.5)];
/// The same for the whole of an aborted request, in times of the native filter's.
const MOST_FOR_ABORT: f64 = 3.5;

fn baseline() -> PathBuf {
    repository::root().join("tests/bench/baseline.json")
}

/// Makes what is executed now the baseline.
pub fn bless() {
    let text = serde_json::to_string_pretty(&counts::all()).expect("numbers") + "\n";
    std::fs::write(baseline(), text).expect("room on the disk");
}

/// What the module executes beyond the baseline, a line for each case.
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

/// What costs Envoy much more than it should, a line for each peer.
pub fn measured(rounds: &Rounds) -> Vec<String> {
    let mut figures: Vec<_> =
        MOST.map(|(key, most)| (key, rounds.ratio_of_overheads(key, "empty", "none"), most)).into();
    figures.push(("abort", rounds.ratio("abort", "native-abort"), MOST_FOR_ABORT));
    let mut complaints = Vec::new();
    for (key, figure, most) in figures {
        println!("{key:12} {:.2} ({:.2} – {:.2}), at most {most}", figure.value, figure.low, figure.high);
        // The whole interval: what chance alone can do is no complaint.
        if figure.low > most {
            complaints.push(format!("{key}: {:.2} times its peer, at most {most}", figure.value));
        }
    }
    complaints
}
