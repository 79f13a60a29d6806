//! Every file of `scenarios/`, simulated and in a real Envoy.

use libtest_mimic::{Arguments, Failed, Trial};
use std::process::ExitCode;
use std::sync::Arc;
use support::scenario::{Rig, Scenario, simulate};
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;

/// Envoy and its upstream, once a scenario needs them.
struct Stage {
    runtime: Runtime,
    rig: OnceCell<Rig>,
}

impl Stage {
    fn run(&self, scenario: &Scenario) {
        self.runtime.block_on(async {
            let rig = self.rig.get_or_init(Rig::start).await;
            rig.run(scenario).await;
        });
    }
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // They share one Envoy, so they take turns: each compares the counters before and after.
    arguments.test_threads = Some(1);
    let stage = Arc::new(Stage { runtime: Runtime::new().expect("threads"), rig: OnceCell::new() });
    let mut trials = Vec::new();
    for (name, path) in Scenario::files() {
        let scenario = Arc::new(Scenario::read(&path));
        let simulated = Arc::clone(&scenario);
        trials.push(trial("simulated", &name, move || simulate(&simulated)));
        if !scenario.is_for_the_engine_alone() {
            let stage = Arc::clone(&stage);
            trials.push(trial("envoy", &name, move || stage.run(&scenario)));
        }
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    // Trials that did not run still hold a reference.
    drop(Arc::into_inner(stage).and_then(|stage| stage.rig.into_inner()));
    conclusion.exit_code()
}

fn trial(level: &str, name: &str, run: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(format!("{level}::{name}"), move || {
        run();
        Ok::<(), Failed>(())
    })
}
