//! Envoy's own fault filter and ours, side by side: one Envoy, and for each case two listeners that are equal in
//! everything but the filter. Ours has the document that the importer makes of the native configuration. Both get the
//! same requests, and what the clients, the upstream and the access log see has to be the same, but for the
//! differences that `docs/contributing/parity.md` lists; these are asserted too.

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
    // They take turns: the module's gauge of active faults is one for all of them.
    arguments.test_threads = Some(1);
    let mut plans = cases::all();
    plans.extend(generated::all());
    plans.extend(rates::all());
    plans.extend(parity::all(&plans));
    let theatre = Arc::new(Theatre::new(&plans));
    let trials = plans.into_iter().map(|plan| plan.into_trial(&theatre)).collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    // The trials that did not run still hold it.
    if let Some(theatre) = Arc::into_inner(theatre) {
        theatre.close();
    }
    conclusion.exit_code()
}
