//! The requests of a simulation.

use super::keys::Slot;
use crate::request::invent;
use crate::request::{Request, RequestArguments, Unusable, Url};
use brownout_core::Plan;
use brownout_core::document::mode::Mode;
use brownout_core::document::rule::Rule;
use brownout_core::document::sample::Key;
use brownout_core::view::RequestView;

/// One request of several that come in turn.
#[derive(Debug, Clone)]
pub struct Template {
    /// The rule it was made up for.
    pub rule: Option<String>,
    /// The request line, as it was at first.
    pub line: String,
    request: Request,
    slots: Vec<Slot>,
}

/// Requests that come in turn.
#[derive(Debug, Clone)]
pub struct Traffic {
    pub templates: Vec<Template>,
    /// Rules for which none could be made up.
    pub not_invented: Vec<String>,
    /// True if the user provided the requests.
    pub is_given: bool,
}

impl Traffic {
    /// Takes the user's requests, unchanged.
    pub fn given(requests: Vec<Request>) -> Self {
        let template =
            |request: Request| Template { rule: None, line: request.line(), request, slots: Vec::new() };
        let templates = requests.into_iter().map(template).collect();
        Self { templates, not_invented: Vec::new(), is_given: true }
    }

    /// One request for each rule that can do something.
    ///
    /// # Errors
    /// The document of the route cannot be read.
    pub fn invented(plan: &Plan, arguments: &RequestArguments) -> Result<Self, Unusable> {
        let mut traffic = Self { templates: Vec::new(), not_invented: Vec::new(), is_given: false };
        let of_route = arguments.facts().read_route_document()?;
        for rule in
            plan.rules().iter().filter(|rule| plan.mode().min(rule.mode.unwrap_or_default()) != Mode::Off)
        {
            let name = rule.name.as_str().to_owned();
            match invent::request(rule.matches.as_ref(), &|request| plan.excludes(request)) {
                Some(request) => {
                    let request = arguments.facts().told(request, of_route.as_deref());
                    let slots = slots(plan, rule, &request);
                    traffic.templates.push(Template {
                        rule: Some(name),
                        line: request.line(),
                        request,
                        slots,
                    });
                }
                None => traffic.not_invented.push(name),
            }
        }
        if traffic.templates.is_empty() {
            let url =
                Url { scheme: "http".into(), authority: "example.com".into(), path: "/".into(), user: None };
            let request = arguments.facts().told(Request::new("GET", &url), of_route.as_deref());
            traffic.templates.push(Template { rule: None, line: request.line(), request, slots: Vec::new() });
        }
        Ok(traffic)
    }

    /// Returns the `number`th request, with its keys filled in.
    pub fn next(&mut self, number: u32) -> &dyn RequestView {
        let index = number as usize % self.templates.len();
        let Template { request, slots, .. } = &mut self.templates[index];
        slots.iter().for_each(|slot| slot.fill(number, request));
        request
    }

    /// All that come in turn.
    pub fn requests(&self) -> impl Iterator<Item = &Request> {
        self.templates.iter().map(|template| &template.request)
    }
}

/// Returns the keys that the document's rules choose by, if the request still fulfils the rule with them.
fn slots(plan: &Plan, rule: &Rule, request: &Request) -> Vec<Slot> {
    let mut keys: Vec<&Key> = Vec::new();
    for key in plan.rules().iter().filter_map(|rule| rule.sample.as_ref()?.by.as_ref()) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    let mut slots: Vec<Slot> = Vec::new();
    let mut filled = request.clone();
    for key in keys {
        // Two parameters or two cookies would overwrite each other.
        let fits = |slot: &Slot| {
            let same = |other: &Slot| std::mem::discriminant(other) == std::mem::discriminant(slot);
            (matches!(slot, Slot::Header(_)) || !slots.iter().any(same)) && keeps(rule, slot, &filled)
        };
        if let Some(slot) = Slot::of(key, &filled).into_iter().find(fits) {
            slot.fill(1, &mut filled);
            slots.push(slot);
        }
    }
    slots
}

/// Returns whether the request still fulfils the rule, whatever the key.
fn keeps(rule: &Rule, slot: &Slot, request: &Request) -> bool {
    let Some(predicate) = &rule.matches else { return true };
    let settled = predicate.clone();
    settled.settle(&|property| request.property(property));
    [1, 999, 1_000_000].into_iter().all(|number| {
        let mut tried = request.clone();
        slot.fill(number, &mut tried);
        settled.matches(&tried)
    })
}
