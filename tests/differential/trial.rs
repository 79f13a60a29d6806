//! Plans for cases, and the Envoy that runs them.

use crate::stage::{Setup, Stage};
use libtest_mimic::{Failed, Trial};
use std::pin::Pin;
use std::sync::Arc;
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;

type Running<'s> = Pin<Box<dyn Future<Output = ()> + Send + 's>>;
type Check = Box<dyn for<'s> FnOnce(&'s Stage) -> Running<'s> + Send>;

/// A case: the pairs of listeners that it needs, and what it does with them.
pub struct Plan {
    /// The name, which states what holds.
    pub name: String,
    pub setups: Vec<Setup>,
    /// The differences of `docs/contributing/parity.md` that it asserts.
    pub differences: Vec<&'static str>,
    check: Check,
}

impl Plan {
    pub fn new(
        name: impl Into<String>,
        setups: Vec<Setup>,
        check: impl for<'s> FnOnce(&'s Stage) -> Running<'s> + Send + 'static,
    ) -> Self {
        Self { name: name.into(), setups, differences: Vec::new(), check: Box::new(check) }
    }

    /// Names the documented difference that it asserts.
    pub fn asserts(mut self, difference: &'static str) -> Self {
        self.differences.push(difference);
        self
    }

    /// The case as a test.
    pub fn into_trial(self, theatre: &Arc<Theatre>) -> Trial {
        let theatre = Arc::clone(theatre);
        Trial::test(self.name, move || {
            theatre.run(self.check);
            Ok::<(), Failed>(())
        })
    }
}

/// The one Envoy for all cases, started when the first of them runs.
pub struct Theatre {
    runtime: Runtime,
    setups: Vec<Setup>,
    stage: OnceCell<Stage>,
}

impl Theatre {
    /// Collects the listeners of these cases; Envoy starts with the first case that runs.
    pub fn new(plans: &[Plan]) -> Self {
        let setups = plans.iter().flat_map(|plan| plan.setups.clone()).collect();
        Self { runtime: Runtime::new().expect("threads"), setups, stage: OnceCell::new() }
    }

    fn run(&self, check: Check) {
        self.runtime.block_on(async {
            let stage = self.stage.get_or_init(|| Stage::start(&self.setups)).await;
            check(stage).await;
        });
    }

    /// Stops Envoy, if a case has started it.
    pub fn close(self) {
        let _inside = self.runtime.enter();
        drop(self.stage);
    }
}
