//! Compares Envoy's own fault filter with ours: one Envoy, and for each case two listeners that differ only in the
//! filter. Ours has the document that the importer makes of the native configuration. Both get the same requests, and
//! clients, upstream and access log must see the same, except for the differences that `docs/contributing/parity.md`
//! lists; those are asserted too.

mod cases;
mod expected;
mod generated;
mod import;
mod log;
mod pair;
mod parity;
mod rates;
mod seen;
mod stage;
mod trial;

use libtest_mimic::Arguments;
use std::process::ExitCode;
use std::sync::Arc;
use trial::Theatre;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // They take turns, because they share the module's gauge of active faults.
    arguments.test_threads = Some(1);
    let mut plans = cases::all();
    plans.extend(generated::all());
    plans.extend(rates::all());
    plans.extend(parity::all(&plans));
    let theatre = Arc::new(Theatre::new(&plans));
    let trials = plans.into_iter().map(|plan| plan.into_trial(&theatre)).collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    // Trials that did not run still hold a reference.
    if let Some(theatre) = Arc::into_inner(theatre) {
        theatre.close();
    }
    conclusion.exit_code()
}
