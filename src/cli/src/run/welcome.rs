//! What the user reads first: what runs where, and what to try.

use super::example::examples;
use super::sandbox::Sandbox;
use super::upstream::Upstream;
use super::{Arguments, DEMO_NAME};
use crate::document::Checked;
use crate::envoy::Found;
use brownout_core::Plan;
use std::fmt::Write;

/// All of it, several lines.
pub fn welcome(
    arguments: &Arguments,
    envoy: &Found,
    upstream: &Upstream,
    sandbox: &Sandbox,
    name: &str,
    document: &Checked,
) -> String {
    let name = if arguments.config.is_some() { name } else { "a built-in example" };
    let service = if arguments.upstream.is_some() { "" } else { ", a built-in demo service" };
    let pid = sandbox.process.pid();
    let mut text =
        format!("Envoy {} (process {pid}) with {name}, {}\n", envoy.version, rules(&document.plan));
    let mut line = |line: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{line}");
    };
    line(format!("  proxy   http://{} -> {upstream}{service}", sandbox.listen));
    line(format!("  admin   http://{}", sandbox.admin.address()));
    line(format!("  log     {}", sandbox.process.log().display()));
    if arguments.config.is_none() {
        line(format!("  the example is {DEMO_NAME}: copy it, change it, `brownout run my.yaml`"));
    }
    if arguments.upstream.is_some() && !upstream.answers() {
        line(format!("warning: nothing answers at {upstream} yet"));
    }
    line("\nTry:".into());
    let examples = examples(&document.json);
    let examples: Vec<_> =
        examples.iter().map(|(request, effect)| (request.curl(sandbox.listen), effect)).collect();
    let width = examples.iter().map(|(curl, _)| curl.len()).max().unwrap_or(0);
    for (curl, effect) in examples {
        line(format!("  {curl:<width$}   # {effect}"));
    }
    line("\nCtrl-C ends everything.".into());
    text
}

/// How many rules.
pub fn rules(plan: &Plan) -> String {
    match plan.rules().len() {
        1 => "1 rule".into(),
        many => format!("{many} rules"),
    }
}
