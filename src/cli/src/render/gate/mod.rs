//! A gate in front of the module: Envoy's own matcher checks what the rules need, and the module never sees requests
//! that no rule can match.
//!
//! Gate and document are one resource, so that both change together wherever the filter is discovered.

mod need;
mod question;

use super::faults::Faults;
use super::given::Gated;
use super::yaml::{Map, Yaml};
use super::{Misfit, misfit};
use brownout_core::document::mode::Mode;
use brownout_core::document::rule::Rule;
use need::Need;
use question::{Compare, Question};

/// The type of a filter behind a matcher.
pub const GATED: &str = "type.googleapis.com/envoy.extensions.common.matching.v3.ExtensionWithMatcher";
const COMPOSITE: &str = "type.googleapis.com/envoy.extensions.filters.http.composite.v3.Composite";
const EXECUTE: &str = "type.googleapis.com/envoy.extensions.filters.http.composite.v3.ExecuteFilterAction";
const HEADER: &str = "type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput";

/// Each question costs a request about 0.1 µs, one after another; the module, which finds its rules with an index,
/// takes less than two.
const MANY: usize = 16;

/// A condition that every request fulfils if a rule can match it.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    need: Need,
}

impl Gate {
    /// Returns the requested gate, if any; `per_route` if the rules are to be in the routes.
    ///
    /// # Errors
    /// As of [`Self::of`].
    pub fn wanted(gated: Gated, per_route: bool, faults: &Faults) -> Result<Option<Self>, Misfit> {
        match gated.gate {
            true if per_route => Err(rules_of_routes()),
            true => Self::of(faults).map(Some),
            false => Ok(None),
        }
    }

    /// Derives it from the rules.
    ///
    /// # Errors
    /// A rule that may match any request, or something that counts those that no rule matches.
    pub fn of(faults: &Faults) -> Result<Self, Misfit> {
        if faults.is_upstream() {
            return misfit(
                "`--gate` is for listeners, and the document's `placement` is `upstream`: leave one of them out",
            );
        }
        if let Some(field) = faults.counts_all_requests() {
            return misfit(format!(
                "`{field}` counts requests that no rule matches, and `--gate` keeps those from the module: leave one of them out"
            ));
        }
        let document = faults.typed();
        if document.per_route == Some(true) {
            return Err(rules_of_routes());
        }
        let is_live = document.mode != Some(Mode::Off);
        let rules = document.rules.as_ref().map(|rules| rules.as_slice()).unwrap_or_default();
        let live = rules.iter().filter(|rule| is_live && rule.mode != Some(Mode::Off));
        let needs = live.map(need).collect::<Result<_, _>>()?;
        match Need::any(needs) {
            Some(need) => Ok(Self { need }),
            None => misfit("no rule is live, so `--gate` would let nothing in: leave it out"),
        }
    }

    /// The module behind the gate, as the configuration of one filter.
    pub fn around(&self, name: &str, wasm: Map) -> Map {
        let filter = Map::new().field("name", name).field("typed_config", wasm);
        let action = Map::new().field("@type", EXECUTE).field("typed_config", filter);
        let action = Map::new().field("name", name).field("typed_config", action);
        let matcher = Map::new()
            .field("predicate", printed(&self.need))
            .field("on_match", Map::new().field("action", action));
        let matchers = Map::new().field("matchers", vec![matcher]);
        let composite = Map::new()
            .field("name", "envoy.filters.http.composite")
            .field("typed_config", Map::new().field("@type", COMPOSITE));
        Map::new()
            .field("@type", GATED)
            .field("extension_config", composite)
            .comment("The gate: Envoy checks this itself, and requests that fail the check skip the module. It is derived from the\nrules: if their `match` changes, render again. A gate that is too narrow hides requests from rules.")
            .field("xds_matcher", Map::new().field("matcher_list", matchers))
    }

    /// Returns a warning if the gate is probably slower than none.
    pub fn warning(&self) -> Option<String> {
        let questions = self.need.questions();
        (questions > MANY).then(|| {
            format!("the gate checks up to {questions} conditions for every request, one after another; without `--gate`, the module finds its rules with an index, which is probably faster")
        })
    }
}

/// Returns what a rule needs of a request.
fn need(rule: &Rule) -> Result<Need, Misfit> {
    let name = rule.name.as_str();
    let Some(predicate) = &rule.matches else {
        return misfit(format!(
            "rule `{name}` has no `match` and takes every request: give it one, or leave `--gate` out"
        ));
    };
    Need::of(predicate).ok_or_else(|| {
        Misfit(format!(
            "rule `{name}` requires nothing that Envoy's matcher can check: give its `match` a required header, a cookie, `path`, `authority`, `methods` or `grpc`, or leave `--gate` out"
        ))
    })
}

fn rules_of_routes() -> Misfit {
    let why = "rules of routes change without the gate, and may match any request: leave out either `--gate` or `per_route`";
    Misfit(why.into())
}

/// A need in the words of Envoy's matcher.
fn printed(need: &Need) -> Map {
    let several = |kind: &str, needs: &[Need]| {
        let inner = needs.iter().map(printed).collect::<Vec<_>>();
        Map::new().field(kind, Map::new().field("predicate", inner))
    };
    match need {
        Need::Question(question) => Map::new().field("single_predicate", asked(question)),
        Need::All(needs) => several("and_matcher", needs),
        Need::Any(needs) => several("or_matcher", needs),
    }
}

fn asked(question: &Question) -> Map {
    let input = Map::new().field("@type", HEADER).field("header_name", &question.header);
    let input = Map::new().field("name", &question.header).field("typed_config", input);
    let text = |text: &String| Yaml::Text(text.clone());
    let value = match &question.compare {
        // Any bytes; `.` would match only valid UTF-8.
        Compare::Present => {
            let regex = Map::new().field("google_re2", Map::new()).field("regex", "\\C*");
            Map::new().field("safe_regex", regex)
        }
        Compare::Exact(value) => Map::new().field("exact", text(value)),
        Compare::Prefix(value) => Map::new().field("prefix", text(value)),
        Compare::Suffix(value) => Map::new().field("suffix", text(value)),
        Compare::Contains(value) => Map::new().field("contains", text(value)),
    };
    let value = value.maybe("ignore_case", question.ignore_case.then_some(true));
    Map::new().field("input", input).field("value_match", value)
}

#[cfg(test)]
mod tests;
