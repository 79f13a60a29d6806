//! A gate before the module: Envoy's own matcher asks of a request what every rule needs, and the module never sees
//! those that no rule can match.
//!
//! Gate and document are one resource, so that both change at once wherever the filter is discovered.

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

/// The type of a filter that stands behind a matcher.
pub const GATED: &str = "type.googleapis.com/envoy.extensions.common.matching.v3.ExtensionWithMatcher";
const COMPOSITE: &str = "type.googleapis.com/envoy.extensions.filters.http.composite.v3.Composite";
const EXECUTE: &str = "type.googleapis.com/envoy.extensions.filters.http.composite.v3.ExecuteFilterAction";
const HEADER: &str = "type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput";

/// Each question costs a request about 0.1 µs, one after the other; the module, which finds its rules by an index,
/// is there within two.
const MANY: usize = 16;

/// What a request needs to have, so that any rule can match it.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    need: Need,
}

impl Gate {
    /// The gate that is asked for, if one is; `per_route` if the rules are to stand with routes.
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
            None => misfit("no rule is live, and `--gate` has nothing to let in: leave it out"),
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
            .comment("The gate: Envoy asks this itself, and a request without it never enters the module. It follows from the\nrules: after a change of what they match, render again. A gate that is too narrow hides requests from rules.")
            .field("xds_matcher", Map::new().field("matcher_list", matchers))
    }

    /// What to know before it is applied.
    pub fn warning(&self) -> Option<String> {
        let questions = self.need.questions();
        (questions > MANY).then(|| {
            format!("the gate asks up to {questions} questions of every request, one after the other; without `--gate` the module finds its rules by an index, which is probably faster")
        })
    }
}

/// What a rule needs of a request.
fn need(rule: &Rule) -> Result<Need, Misfit> {
    let name = rule.name.as_str();
    let Some(predicate) = &rule.matches else {
        return misfit(format!(
            "rule `{name}` has no `match` and takes every request: give it one, or leave `--gate` out"
        ));
    };
    Need::of(predicate).ok_or_else(|| {
        Misfit(format!(
            "rule `{name}` needs nothing that Envoy's matcher can ask of a request: give its `match` a header that has to be there, a cookie, `path`, `authority`, `methods` or `grpc`, or leave `--gate` out"
        ))
    })
}

fn rules_of_routes() -> Misfit {
    let why = "rules of routes change without the gate, and may need anything: leave one of `--gate` and `per_route` out";
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
        // Any bytes, of which `.` would take only those that are UTF-8.
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
