//! The core decides: an importer's document must pass the same check that the module runs.

use super::built::Built;
use super::condition::Condition;
use super::findings::Findings;
use super::place::Place;
use super::sources::Sources;
use super::{Imported, Rejected};
use crate::document::text::Text;
use brownout_core::Plan;
use brownout_core::decode::diagnostic::{Code, Diagnostic};
use brownout_core::decode::json::Json;
use brownout_core::decode::path::Segment;
use brownout_core::plan::LONGEST_DOCUMENT;

/// Checks whether the core accepts a document.
type Check<'c> = &'c dyn Fn(&Json) -> Result<(), Vec<Diagnostic>>;

fn check(document: &Json) -> Result<(), Vec<Diagnostic>> {
    Plan::from_value(document).map(|_| ())
}

/// Returns the faults of a rule that this release supports, and reports the others and all mistakes. `None` if nothing
/// is left, or if the condition could not be kept: without it, the rule would hit other requests.
pub fn runnable(
    condition: &Condition,
    fields: Vec<(String, Built)>,
    findings: &mut Findings,
) -> Option<Vec<(String, Built)>> {
    runnable_by(&check, condition, fields, findings)
}

fn runnable_by(
    check: Check<'_>,
    condition: &Condition,
    mut fields: Vec<(String, Built)>,
    findings: &mut Findings,
) -> Option<Vec<(String, Built)>> {
    let is_fault = |(name, _): &(String, Built)| !["limits", "mode", "schedule"].contains(&name.as_str());
    let mut rule = vec![("name".to_owned(), Built::text("x")), ("percentage".to_owned(), Built::number(100))];
    rule.extend(condition.clone().field(&Place::default()));
    rule.extend(fields.iter().cloned());
    if !fields.iter().any(is_fault) {
        // Check the condition even if the rule has no faults.
        rule.push(("delay".to_owned(), Built::object([("fixed_delay", Built::text("1s"))])));
    }
    let document = Built::object([("rules", Built::list(vec![Built::object(rule)]))]);
    let mut condition_lost = false;
    for diagnostic in check(&document.json()).err().unwrap_or_default() {
        let place = document.origin(&diagnostic.path).cloned().unwrap_or_default();
        if let Some(Segment::Field(field)) = diagnostic.path.segments().get(2) {
            fields.retain(|(name, _)| name != field);
            condition_lost |= field == "match";
        }
        if diagnostic.code == Code::NotSupported {
            findings.refuse(&place, &diagnostic.message, "this release of Brownout cannot do it");
        } else {
            findings.mistakes.push(shown_at(place, diagnostic));
        }
    }
    (!condition_lost && fields.iter().any(is_fault)).then_some(fields)
}

fn shown_at(place: Place, diagnostic: Diagnostic) -> (Place, Diagnostic) {
    let diagnostic = Diagnostic { path: place.path.clone(), ..diagnostic };
    (place, diagnostic)
}

/// Builds the document with these rules and checks it with the core.
///
/// # Errors
/// The mistakes in the input, or the core's objections to the document.
pub fn finish(sources: &Sources, findings: Findings, rules: Vec<Built>) -> Result<Imported, Rejected> {
    finish_with(sources, findings, None, rules)
}

/// Like [`finish`], for a document with an `experiment`.
///
/// # Errors
/// The mistakes in the input, or the core's objections to the document.
pub fn finish_with(
    sources: &Sources,
    mut findings: Findings,
    experiment: Option<Built>,
    rules: Vec<Built>,
) -> Result<Imported, Rejected> {
    // No tool spares any requests, not even health probes.
    let fields = [("rules", Built::list(rules)), ("exclude", Built::list(Vec::new()))];
    let document = Built::object(experiment.map(|value| ("experiment", value)).into_iter().chain(fields));
    let json = document.json();
    if findings.is_good()
        && let Err(diagnostics) = check(&json)
    {
        let origin = |diagnostic: &Diagnostic| document.origin(&diagnostic.path).cloned().unwrap_or_default();
        findings.mistakes.extend(diagnostics.into_iter().map(|d| shown_at(origin(&d), d)));
    }
    // Strings are the only keys: this cannot fail.
    let mut text = serde_json::to_string_pretty(&Text(&json)).unwrap_or_default();
    text.push('\n');
    if text.len() > LONGEST_DOCUMENT {
        let label = format!("{} bytes, at most {LONGEST_DOCUMENT} are allowed", text.len());
        findings.wrong(&Place::default(), Code::TooLong, "the document would be too long", label);
    }
    let notes = sources.locate_notes(findings.notes);
    if findings.mistakes.is_empty() {
        let document = serde_json::to_value(Text(&json)).unwrap_or_default();
        return Ok(Imported { document, text, notes });
    }
    Err(Rejected { files: sources.locate(findings.mistakes), notes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use brownout_core::decode::path::Path;

    fn place(field: &str) -> Place {
        Place { path: Path::default().field(field), ..Place::default() }
    }

    /// Checks like a release that does not support `hang` but accepts everything else.
    fn without_hang(document: &Json) -> Result<(), Vec<Diagnostic>> {
        let path = Path::default().field("rules");
        let path: Path = path
            .segments()
            .iter()
            .cloned()
            .chain([Segment::Index(0), Segment::Field("hang".into())])
            .collect();
        if document.position_of(&path).len() < 3 {
            return Ok(());
        }
        let mut findings = Findings::default();
        findings.wrong(
            &Place { path, ..Place::default() },
            Code::NotSupported,
            "`hang` is not supported yet",
            "",
        );
        Err(findings.mistakes.into_iter().map(|(_, diagnostic)| diagnostic).collect())
    }

    fn two_faults() -> Vec<(String, Built)> {
        let empty = || Built::object::<String>([]);
        vec![
            ("delay".to_owned(), empty().from(&place("delay"))),
            ("hang".to_owned(), empty().from(&place("stall"))),
        ]
    }

    #[test]
    fn a_fault_that_this_release_cannot_run_is_a_mistake_at_its_place_in_the_input() {
        let mut findings = Findings::default();
        let kept = runnable_by(&without_hang, &Condition::default(), two_faults(), &mut findings);
        assert_eq!(kept.as_deref(), Some(&two_faults()[..1]));
        let [(at, mistake)] = findings.mistakes.as_slice() else { panic!("{:#?}", findings.mistakes) };
        assert_eq!(*at, place("stall"));
        assert_eq!(
            mistake.to_string(),
            "stall: `hang` is not supported yet; this release of Brownout cannot do it; `--partial` imports the rest"
        );
    }

    #[test]
    fn a_partial_import_leaves_it_out_with_a_note() {
        let mut findings = Findings::new(true);
        let kept = runnable_by(&without_hang, &Condition::default(), two_faults(), &mut findings);
        assert_eq!(kept.as_deref(), Some(&two_faults()[..1]));
        let note = "left out: `hang` is not supported yet; this release of Brownout cannot do it";
        assert_eq!(findings.notes, [(place("stall"), note.to_owned())]);
        assert!(findings.is_good());
    }
}
