//! The first output of `run`: what runs where, and requests to try.

use super::Arguments;
use super::board;
use super::example::Examples;
use super::sandbox::Sandbox;
use super::traffic;
use super::upstream::Upstream;
use crate::document::Checked;
use crate::envoy::Executable;
use brownout_core::Plan;
use serde_json::{Value, json};
use std::fmt::Write;

/// The separator between a request and its effect.
const GAP: &str = "   # ";

/// The contents of the first output.
pub struct Welcome<'a> {
    pub arguments: &'a Arguments,
    pub envoy: &'a Executable,
    pub upstream: &'a Upstream,
    pub sandbox: &'a Sandbox,
    /// The document's name for messages, such as its path.
    pub name: &'a str,
    pub document: &'a Checked,
    pub examples: &'a Examples,
}

impl Welcome<'_> {
    /// Returns the text for people, of several lines.
    pub fn text(&self) -> String {
        let Self { arguments, envoy, upstream, sandbox, document, .. } = self;
        let name = if arguments.config.is_some() { self.name } else { "a built-in example" };
        let service = if arguments.upstream.is_some() { "" } else { ", a built-in demo service" };
        let pid = sandbox.process.pid();
        let mut text =
            format!("Envoy {} (process {pid}) with {name}, {}\n", envoy.version, rules(&document.plan));
        let mut line = |line: String| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{line}");
        };
        line(format!("  proxy   http://{} -> {upstream}{service}", sandbox.listen));
        if let Some(grpc) = &arguments.grpc {
            line(format!("          gRPC -> {grpc}"));
        }
        line(format!("  admin   http://{}", sandbox.admin.address()));
        let fate =
            if arguments.log.is_some() { "" } else { ", removed at the end: keep it with `--log FILE`" };
        line(format!("  log     {}{fate}", sandbox.process.log().display()));
        if arguments.config.is_none() {
            line(
                "  the example: `brownout run --print-example > my.yaml`, change it, `brownout run my.yaml`"
                    .into(),
            );
        }
        for service in [arguments.upstream.as_ref(), arguments.grpc.as_ref()].into_iter().flatten() {
            if !service.answers() {
                line(format!("warning: nothing answers at {service} yet"));
            }
        }
        if arguments.traffic == Some(traffic::To::Demo) && arguments.upstream.is_some() {
            line(
                "no traffic is sent to your service; `--traffic=upstream` sends requests that the rules match"
                    .into(),
            );
        }
        if document.plan.rules().is_empty() {
            line(format!("warning: {name} has no rules, so nothing is injected"));
        }
        if !document.plan.reports_in_filter_state() {
            line("warning: `report.filter_state` is off, so requests are shown without their rule".into());
        }
        if arguments.command.is_empty() {
            self.to_try(&mut line);
            let end =
                arguments.duration.map(|duration| format!(", as does {duration:?}")).unwrap_or_default();
            line(format!("\nCtrl-C ends everything{end}."));
        }
        text
    }

    fn to_try(&self, line: &mut impl FnMut(String)) {
        line("\nTry:".into());
        let width = board::width().unwrap_or(usize::MAX);
        let found: Vec<_> = self
            .examples
            .found
            .iter()
            .map(|(request, effect)| (request.curl(self.sandbox.listen), effect))
            .collect();
        let widest = |(curl, effect): &(String, &String)| 2 + curl.len() + GAP.len() + effect.len() <= width;
        // A request too long for one line takes two, so that it does not push the other effects to the right.
        let column = found.iter().filter(|each| widest(each)).map(|(curl, _)| curl.len()).max().unwrap_or(0);
        for (curl, effect) in found {
            if curl.len() <= column && 2 + column + GAP.len() + effect.len() <= width {
                line(format!("  {curl:<column$}{GAP}{effect}"));
            } else {
                line(format!("  {curl}\n   {GAP}{effect}"));
            }
        }
        let without = &self.examples.without;
        if !without.is_empty() {
            line(format!("  no example for {}: see `brownout explain`", without.join(", ")));
        }
    }

    /// Returns the same as JSON, for programs.
    pub fn json(&self) -> Value {
        json!({
            "type": "ready",
            "url": format!("http://{}", self.sandbox.listen),
            "admin": format!("http://{}", self.sandbox.admin.address()),
            "upstream": self.upstream.to_string(),
            "envoy": {"version": self.envoy.version, "pid": self.sandbox.process.pid()},
            "document": self.name,
            "rules": self.document.plan.rules().len(),
        })
    }
}

/// Formats the number of rules.
pub fn rules(plan: &Plan) -> String {
    match plan.rules().len() {
        1 => "1 rule".into(),
        many => format!("{many} rules"),
    }
}
