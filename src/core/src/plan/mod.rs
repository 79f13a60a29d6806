//! A validated document, ready for decisions.

pub mod activation;
mod index;
pub mod life;
pub mod route;
pub mod rules;

use crate::decode::Decoder;
use crate::decode::diagnostic::{Code, Diagnostic, Severity};
use crate::decode::json::Json;
use crate::decode::path::Path;
use crate::decode::wire;
use crate::document::Document;
use crate::document::mode::{Mode, Placement};
use crate::document::rule::Rule;
use crate::document::rules::Rules;
use crate::id::RuleId;
use crate::limit::Limits;
use crate::plan::rules::RuleSet;
use crate::predicate::Predicate;
use crate::stop::StopWhen;
use crate::value::header::is_reserved;
use crate::value::timestamp::Timestamp;
use crate::view::{Property, RequestView};
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

/// The longest document, in bytes.
pub const LONGEST_DOCUMENT: usize = 1024 * 1024;

/// Health probes, which should never get a fault. Applies unless the document has an `exclude` of its own.
pub const DEFAULT_EXCLUDE: &str = r#"[
    {"headers": [{"name": "user-agent", "string_match": {"prefix": "kube-probe/"}}]},
    {"headers": [{"name": "user-agent", "string_match": {"prefix": "GoogleHC/"}}]},
    {"headers": [{"name": "user-agent", "string_match": {"prefix": "ELB-HealthChecker/"}}]},
    {"headers": [{"name": "user-agent", "string_match": {"prefix": "Envoy/HC"}}]},
    {"path": {"prefix": "/grpc.health.v1.Health/"}},
    {"headers": [{"name": "x-envoy-upstream-healthchecked-cluster"}]}
]"#;

/// A document that has passed every check.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    document: Document,
    /// In force if the document has no `exclude` of its own.
    default_exclude: Vec<Predicate>,
    rules: RuleSet,
}

impl Plan {
    /// Reads a document from JSON text. Empty text, whitespace and `{}` are the document that does nothing.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn from_json(text: &[u8]) -> Result<Self, Vec<Diagnostic>> {
        if text.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::default());
        }
        // The JSON tree is dropped before the rules are indexed: a worker's memory never shrinks.
        let document = Decoder::decode(&parse(text)?)?;
        Self::of(document)
    }

    /// Reads a document that has been parsed already (from YAML, or out of a manifest).
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn from_value(document: &Json) -> Result<Self, Vec<Diagnostic>> {
        Self::of(Decoder::decode(document)?)
    }

    /// Returns the plan that does nothing, as `{"mode": "off"}`.
    pub fn off() -> Self {
        let document = Document { mode: Some(Mode::Off), ..Document::default() };
        Self { document, ..Self::default() }
    }

    fn of(document: Document) -> Result<Self, Vec<Diagnostic>> {
        let default_exclude = parse(DEFAULT_EXCLUDE.as_bytes()).and_then(|list| Decoder::decode(&list))?;
        let mut plan = Self { document, default_exclude, rules: RuleSet::default() };
        plan.settle(&|_| None);
        Ok(plan)
    }

    /// Evaluates what depends only on the proxy. Without this call, no `node` predicate holds.
    pub fn settle(&mut self, proxy: &dyn Fn(Property<'_>) -> Option<Vec<u8>>) {
        self.document.exclude.iter().flatten().for_each(|predicate| predicate.settle(proxy));
        let mode = self.mode();
        if let Some(rules) = &self.document.rules {
            rules.settle(proxy);
            self.rules = RuleSet::new(rules.clone(), mode, |position, _| RuleId(position));
        }
    }

    pub fn mode(&self) -> Mode {
        self.document.mode.unwrap_or_default()
    }

    /// Returns the filter chain that the module runs in.
    pub fn placement(&self) -> Placement {
        self.document.placement.unwrap_or_default()
    }

    /// The rules, in the order of the document; a [`RuleId`] is a place in it.
    pub fn rules(&self) -> &[Rule] {
        self.document.rules.as_ref().map_or(&[], Rules::as_slice)
    }

    /// The rules that can do something.
    pub fn live_rules(&self) -> &RuleSet {
        &self.rules
    }

    /// The document, to be printed.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// The limits for all rules together.
    pub fn limits(&self) -> Option<Limits> {
        self.document.limits
    }

    /// Reports the reply headers that are left out, each with the rule that sets or removes it: see
    /// [`crate::value::header::is_reserved`].
    pub fn left_out(&self, tell: &mut dyn FnMut(&str, &str)) {
        for rule in self.rules() {
            rule.action.reply_headers(&mut |header| {
                if is_reserved(header) {
                    tell(rule.name.as_str(), header);
                }
            });
        }
    }

    /// Returns when injection stops automatically.
    pub fn stop_when(&self) -> Option<&StopWhen> {
        self.document.stop_when.as_ref()
    }

    /// Returns whether the response of an exchange with a fault gets the evidence header.
    pub fn reports_in_header(&self) -> bool {
        self.document.report.as_ref().and_then(|report| report.response_header).unwrap_or(true)
    }

    /// Returns whether an exchange with a fault gets filter state for access logs.
    pub fn reports_in_filter_state(&self) -> bool {
        self.document.report.as_ref().and_then(|report| report.filter_state).unwrap_or(true)
    }

    /// Returns whether rules are also read from the metadata of routes.
    pub fn reads_routes(&self) -> bool {
        self.document.per_route == Some(true) && self.mode() != Mode::Off
    }

    /// Returns whether no request can get a fault.
    pub fn is_idle(&self) -> bool {
        self.rules.is_empty() && !self.reads_routes()
    }

    /// Returns when injection ends for good: `None` if one of the rules has no end, or if routes have rules too.
    pub fn end(&self) -> Option<Timestamp> {
        if self.reads_routes() { None } else { self.rules.end() }
    }

    /// Returns whether the request is excluded from all rules.
    pub fn excludes(&self, request: &dyn RequestView) -> bool {
        self.exclusions().iter().any(|predicate| predicate.matches(request))
    }

    /// Returns the exclusions: the document's `exclude`, or [`DEFAULT_EXCLUDE`].
    pub fn exclusions(&self) -> &[Predicate] {
        self.document.exclude.as_ref().unwrap_or(&self.default_exclude)
    }
}

/// Parses JSON text within the size limit of a document.
pub(crate) fn parse(text: &[u8]) -> Result<Json, Vec<Diagnostic>> {
    if text.len() > LONGEST_DOCUMENT {
        return Err(vec![Diagnostic {
            severity: Severity::Error,
            code: Code::TooLong,
            path: Path::default(),
            position: None,
            message: "document too long".into(),
            label: format!("{} bytes, at most {LONGEST_DOCUMENT} are allowed", text.len()),
            help: None,
        }]);
    }
    // JSON first: text that begins with a line break may look like protobuf.
    Json::parse(text).or_else(|mistake| match wire::is_struct(text) {
        true => wire::json(text).ok_or_else(|| vec![wire::unreadable_struct()]),
        false => Err(vec![mistake]),
    })
}
