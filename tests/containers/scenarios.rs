//! Every file of `tests/scenarios`, with a single Envoy in a container.

use containers::Docker;
use libtest_mimic::{Arguments, Failed, Trial};
use std::process::ExitCode;
use std::sync::Arc;
use support::scenario::{Rig, Scenario};
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;

struct Stage {
    runtime: Runtime,
    rig: OnceCell<Rig>,
}

impl Stage {
    fn run(&self, scenario: &Scenario) {
        self.runtime.block_on(async {
            let rig = self.rig.get_or_init(|| Rig::start_in(&Docker)).await;
            rig.run(scenario).await;
        });
    }
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // They share one Envoy, so they take turns: each compares the counters before and after.
    arguments.test_threads = Some(1);
    let stage = Arc::new(Stage { runtime: Runtime::new().expect("threads"), rig: OnceCell::new() });
    let scenarios = Scenario::files().into_iter().map(|(name, path)| (name, Scenario::read(&path)));
    let trials =
        scenarios.filter(|(_, scenario)| !scenario.is_for_the_engine_alone()).map(|(name, scenario)| {
            let stage = Arc::clone(&stage);
            Trial::test(format!("container::{name}"), move || {
                stage.run(&scenario);
                Ok::<(), Failed>(())
            })
        });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    // Removing the container needs a runtime.
    if let Some(Stage { runtime, rig }) = Arc::into_inner(stage) {
        runtime.block_on(async { drop(rig) });
    }
    conclusion.exit_code()
}
