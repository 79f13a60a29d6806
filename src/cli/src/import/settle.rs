//! The last word is the core's: what an importer makes has to pass the check that the module itself makes.

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

/// Whether the core takes a document.
type Check<'c> = &'c dyn Fn(&Json) -> Result<(), Vec<Diagnostic>>;

fn check(document: &Json) -> Result<(), Vec<Diagnostic>> {
    Plan::from_value(document).map(|_| ())
}

/// What a rule does that this release can do. What it cannot is told, and so is what is wrong with any of it. `None` if
/// nothing is left, or if its condition could not be kept: without it, other requests would be hit.
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
        // The condition is to be checked even if nothing happens under it.
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

/// The document of these rules, once the core has taken it.
///
/// # Errors
/// What is wrong with the input, or what the core has against the document.
pub fn finish(sources: &Sources, findings: Findings, rules: Vec<Built>) -> Result<Imported, Rejected> {
    finish_with(sources, findings, None, rules)
}

/// The same, of a document that says where it comes from.
///
/// # Errors
/// What is wrong with the input, or what the core has against the document.
pub fn finish_with(
    sources: &Sources,
    mut findings: Findings,
    experiment: Option<Built>,
    rules: Vec<Built>,
) -> Result<Imported, Rejected> {
    // No tool's faults spare anybody, health probes included.
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

    /// A release that knows no `hang` and takes everything else.
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
