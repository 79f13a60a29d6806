//! The findings, for people and for programs.

use super::verdict::{Finding, Verdict};
use serde_json::{Value, json};
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

/// The result for a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    document: String,
    admin: SocketAddr,
    during: Option<Duration>,
    findings: Vec<Finding>,
    /// True if `stop_when` has stopped injection.
    stopped: bool,
    warnings: Vec<String>,
    /// The rules that may have matched nothing.
    allowed: Vec<String>,
    /// True if Envoy has a document with mistakes.
    refused: bool,
    /// True if Envoy runs a different document than the given one.
    another: bool,
}

impl Report {
    pub(super) fn new(
        document: &str,
        admin: SocketAddr,
        during: Option<Duration>,
        findings: Vec<Finding>,
        stopped: bool,
        warnings: Vec<String>,
    ) -> Self {
        Self {
            document: document.to_owned(),
            admin,
            during,
            findings,
            stopped,
            warnings,
            allowed: Vec::new(),
            refused: false,
            another: false,
        }
    }

    /// Returns the result for each rule, in the order of the document.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Sets whether Envoy has a document with mistakes.
    #[must_use]
    pub(super) fn with_refused(self, refused: bool) -> Self {
        Self { refused, ..self }
    }

    /// Sets whether Envoy runs a different document.
    #[must_use]
    pub(super) fn where_another_runs(self, another: bool) -> Self {
        Self { another, ..self }
    }

    /// Allows these rules to have matched nothing.
    #[must_use]
    pub fn allow_unmatched(mut self, rules: &[String]) -> Self {
        self.allowed = rules.to_vec();
        self
    }

    /// Returns whether a rule is in force, every rule does what it promises, nothing has stopped the document, and none
    /// has mistakes.
    pub fn agrees(&self) -> bool {
        let is_good = |finding: &Finding| {
            let is_allowed =
                finding.verdict == Verdict::MatchedNothing && self.allowed.contains(&finding.name);
            finding.verdict.is_good() || is_allowed
        };
        !self.stopped
            && !self.refused
            && !self.another
            && self.has_rules_in_force()
            && self.findings.iter().all(is_good)
    }

    fn is_allowed(&self, finding: &Finding) -> bool {
        finding.verdict == Verdict::MatchedNothing && self.allowed.contains(&finding.name)
    }

    fn has_rules_in_force(&self) -> bool {
        self.findings.iter().any(|finding| finding.verdict != Verdict::Idle)
    }

    /// Returns the report as JSON, for programs. Shares are from 0 to 1.
    pub fn json(&self) -> Value {
        json!({
            "document": self.document,
            "admin": format!("http://{}", self.admin),
            "seconds": self.during.map(|during| during.as_secs_f64()),
            "agrees": self.agrees(),
            "stopped": self.stopped,
            "document_refused": self.refused,
            "another_document": self.another,
            "in_force": !self.another && self.has_rules_in_force(),
            "rules": self.findings.iter().map(rule).collect::<Vec<_>>(),
            "warnings": self.warnings,
        })
    }
}

fn rule(finding: &Finding) -> Value {
    let counts = finding.counts.map(|counts| {
        json!({
            "matched": counts.matched,
            "injected": counts.injected,
            "shadowed": counts.shadowed,
            "overflow": counts.overflow,
        })
    });
    json!({
        "name": finding.name,
        "mode": finding.expected.mode.name(),
        "configured": finding.expected.share,
        "at_most": finding.expected.because,
        "counted": counts,
        "observed": finding.observed(),
        "interval": finding.interval.map(|(low, high)| [low, high]),
        "verdict": finding.verdict.name(),
        "reasons": finding.reasons,
    })
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = match self.during {
            Some(during) => format!("during {during:?}"),
            None => "since it started".to_owned(),
        };
        writeln!(f, "{} against Envoy at {}, {when}", self.document, self.admin)?;
        if self.another {
            writeln!(
                f,
                "\nEnvoy is running a different document, so the counts below are not for this one alone."
            )?;
        }
        if self.refused {
            writeln!(
                f,
                "\nEnvoy got a document with mistakes: it injects nothing from it, and its log lists each mistake."
            )?;
        }
        if self.stopped {
            writeln!(f, "\nInjection has stopped: `stop_when` was triggered. Another document restarts it.")?;
        }
        if !self.has_rules_in_force() {
            writeln!(f, "\nNo rule is in force, so nothing can be injected.")?;
        }
        let width = self.findings.iter().map(|finding| finding.name.len()).max().unwrap_or(0).max(4);
        let row = |f: &mut fmt::Formatter<'_>, cells: [&str; 8]| {
            let [name, configured, matched, injected, shadowed, overflow, share, verdict] = cells;
            let line = format!(
                "{name:width$}  {configured:>10}  {matched:>8}  {injected:>8}  {shadowed:>8}  {overflow:>8}  \
                 {share:<26}{verdict}"
            );
            writeln!(f, "{}", line.trim_end())
        };
        let head =
            ["rule", "configured", "matched", "injected", "shadowed", "overflow", "taken (99.9 %)", ""];
        writeln!(f)?;
        row(f, head)?;
        for finding in &self.findings {
            let count = |pick: fn(&super::counts::EnvoyRuleCounts) -> u64| {
                finding.counts.as_ref().map_or_else(|| "-".to_owned(), |counts| pick(counts).to_string())
            };
            let configured = match finding.expected.because {
                Some(_) => format!("<= {}", percent(finding.expected.share)),
                None => percent(finding.expected.share),
            };
            let share =
                finding.observed().zip(finding.interval).map_or_else(String::new, |(seen, (low, high))| {
                    format!("{} ({} – {})", percent(seen), percent(low), percent(high))
                });
            row(
                f,
                [
                    &finding.name,
                    &configured,
                    &count(|counts| counts.matched),
                    &count(|counts| counts.injected),
                    &count(|counts| counts.shadowed),
                    &count(|counts| counts.overflow),
                    &share,
                    &match self.is_allowed(finding) {
                        true => format!("{} (allowed)", finding.verdict.name()),
                        false => finding.verdict.name().to_owned(),
                    },
                ],
            )?;
        }
        for finding in &self.findings {
            let because = finding.expected.because.map(str::to_owned);
            if self.is_allowed(finding) {
                continue;
            }
            if !finding.reasons.is_empty() {
                writeln!(f, "\n`{}`: {}. Likely reasons:", finding.name, finding.verdict.name())?;
                finding.reasons.iter().try_for_each(|reason| writeln!(f, "  - {reason}"))?;
            } else if let Some(because) = because {
                writeln!(f, "\n`{}` may take fewer requests than configured: {because}", finding.name)?;
            }
        }
        self.warnings.iter().try_for_each(|warning| writeln!(f, "\nwarning: {warning}"))
    }
}

fn percent(share: f64) -> String {
    brownout_core::words::share(share, 2)
}
