//! `brownout verify`: what a document says against what a running Envoy has counted.

mod counts;
mod expected;
mod found;
mod report;
mod verdict;

pub use found::{document as document_of, texts};
pub use report::Report;
pub use verdict::{Finding, Verdict};

use crate::arguments::{Format, length};
use crate::envoy::{Admin, AdminError};
use crate::report::text;
use crate::terminal::{Done, Ended, open, print, unusable};
use brownout_core::Plan;
use counts::Counts;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Check that a document takes effect: the counters of a running Envoy against what the document says
///
/// For each rule: its configured share, how many requests matched, how many suffered, and where the true share lies
/// with a confidence of 99.9 %. Exit code 1 if a share is another, if a rule that is live matches nothing (unless
/// `--allow-unmatched` names it), or if no rule is in force at all.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The document; `-` is standard input. Without it, the one that Envoy says it has.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Envoy's admin interface.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9901", value_parser = Admin::address_of, env = "BROWNOUT_ADMIN")]
    admin: SocketAddr,
    /// Count for so long (`30s`), instead of taking all that was counted since Envoy started.
    #[arg(long, value_name = "DURATION", value_parser = length)]
    during: Option<Duration>,
    /// Do not fail because this rule has matched nothing; can be repeated.
    #[arg(long, value_name = "RULE")]
    allow_unmatched: Vec<String>,
    /// How to say it: `text` for people, `json` for programs.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

/// Runs it: 0 when the document takes effect as it says, 1 when not, or when it is wrong, 2 when Envoy or the document
/// cannot be read.
pub fn run(arguments: &Arguments) -> Done {
    let admin = Admin::new(arguments.admin);
    let (name, plan) = document(arguments, &admin)?;
    let rules: Vec<&str> = plan.rules().iter().map(|rule| rule.name.as_str()).collect();
    if let Some(unknown) = arguments.allow_unmatched.iter().find(|name| !rules.contains(&name.as_str())) {
        let rules = rules.join(", ");
        let error =
            format!("the document has no rule `{unknown}` for `--allow-unmatched`; its rules: {rules}");
        return Err(unusable(error));
    }
    let report = verify(&admin, &name, &plan, arguments.during).map_err(unusable)?;
    let another = arguments.file.is_some() && !runs(&admin, &plan);
    let report = report.allow_unmatched(&arguments.allow_unmatched).where_another_runs(another);
    match arguments.format {
        Format::Text => print(&report),
        Format::Json => print(format_args!("{:#}\n", report.json())),
    }
    if report.agrees() { Ok(()) } else { Err(Ended::Failed) }
}

/// Whether this document is among those that run. What cannot be told counts as if it were.
fn runs(admin: &Admin, plan: &Plan) -> bool {
    let printed = |plan: &Plan| serde_json::to_string(plan.document()).ok();
    let wanted = printed(plan);
    found::texts(admin).map_or(true, |texts| {
        texts
            .iter()
            .filter_map(|text| Plan::from_json(text.as_bytes()).ok())
            .any(|plan| printed(&plan) == wanted)
    })
}

/// What the document of this name says against what Envoy counts: from its start on, or during the time given.
///
/// # Errors
/// When Envoy does not answer.
pub fn verify(
    admin: &Admin,
    name: &str,
    plan: &Plan,
    during: Option<Duration>,
) -> Result<Report, AdminError> {
    let mut counts = Counts::read(admin)?;
    if let Some(during) = during {
        std::thread::sleep(during);
        counts = Counts::read(admin)?.since(&counts);
    }
    let stopped = counts.has_stopped() && plan.stop_when().is_some();
    let findings = verdict::findings(plan, &counts);
    let report = Report::new(name, admin.address(), during, findings, stopped, counts.warnings());
    Ok(report.with_refused(counts.has_refused()))
}

fn document(arguments: &Arguments, admin: &Admin) -> Result<(String, Plan), Ended> {
    let Some(path) = &arguments.file else {
        return match found::document(admin).map_err(unusable)? {
            Ok(plan) => Ok(("Envoy's document".into(), plan)),
            Err(why) => {
                anstream::eprintln!("error: {why}");
                Err(Ended::Failed)
            }
        };
    };
    let document = open(path)?;
    match document.check() {
        Ok(checked) => Ok((document.name().into(), checked.plan)),
        Err(mistakes) => {
            anstream::eprint!("{}", text(&document, &mistakes));
            Err(Ended::Failed)
        }
    }
}
