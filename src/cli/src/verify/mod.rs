//! `brownout verify`: compares a document with the counters of a running Envoy.

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
use crate::terminal::{Done, Ended, failed, open, print, show, unusable};
use brownout_core::Plan;
use counts::EnvoyCounts;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Check that a document takes effect, by comparing it with the counters of a running Envoy
///
/// For each rule, it shows the configured share, how many requests matched, how many got a fault, and the 99.9 %
/// confidence interval of the true share. Exit code 1 if a share differs, if a live rule matched nothing (unless
/// `--allow-unmatched` names it), or if no rule is in force at all.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The document; `-` is standard input. Default: the one that Envoy has.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Envoy's admin interface.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9901", value_parser = Admin::address_of, env = "BROWNOUT_ADMIN")]
    admin: SocketAddr,
    /// Count for this long (`30s`), instead of using the counts since Envoy started.
    #[arg(long, value_name = "DURATION", value_parser = length)]
    during: Option<Duration>,
    /// Do not fail if this rule matched nothing. Can be repeated.
    #[arg(long, value_name = "RULE")]
    allow_unmatched: Vec<String>,
    /// Output format: `text` for people, `json` for programs.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

/// Runs the command: 0 if the document takes effect as configured, 1 if not or if it has mistakes, 2 if Envoy or the
/// document cannot be read.
pub fn run(arguments: &Arguments) -> Done {
    let admin = Admin::new(arguments.admin);
    let (name, plan) = document(arguments, &admin)?;
    let rules: Vec<&str> = plan.rules().iter().map(|rule| rule.name.as_str()).collect();
    if let Some(unknown) = arguments.allow_unmatched.iter().find(|name| !rules.contains(&name.as_str())) {
        let rules = rules.join(", ");
        let error = format!("`--allow-unmatched`: the document has no rule `{unknown}`; its rules: {rules}");
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

/// Returns whether Envoy runs this document; `true` if that is unknown.
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

/// Compares the document with Envoy's counters, since Envoy started or over the given time.
///
/// # Errors
/// When Envoy does not answer.
pub fn verify(
    admin: &Admin,
    name: &str,
    plan: &Plan,
    during: Option<Duration>,
) -> Result<Report, AdminError> {
    let mut counts = EnvoyCounts::read(admin)?;
    if let Some(during) = during {
        std::thread::sleep(during);
        counts = EnvoyCounts::read(admin)?.since(&counts);
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
            Err(why) => Err(failed(why)),
        };
    };
    let document = open(path)?;
    match document.check() {
        Ok(checked) => Ok((document.name().into(), checked.plan)),
        Err(mistakes) => {
            show(&document, &mistakes);
            Err(Ended::Failed)
        }
    }
}
