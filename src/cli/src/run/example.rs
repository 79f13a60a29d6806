//! Requests to try: one that each rule takes, made up from the rule's own conditions, as `curl` lines.

use brownout_core::Engine;
use brownout_core::document::rule::Rule;
use brownout_core::engine::event::Event;
use brownout_core::entropy::Entropy;
use brownout_core::id::ExchangeId;
use brownout_core::id::RuleId;
use brownout_core::kind::Kind;
use brownout_core::plan::Plan;
use brownout_core::step::{HeadersStep, Release};
use brownout_core::time::{Clock, Instant};
use brownout_core::view::{RequestView, ResponseView};
use serde_json::Value;
use std::net::SocketAddr;
use std::time::Duration;

/// A request to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    method: String,
    /// The host, where a rule asks for one.
    authority: Option<String>,
    path: String,
    headers: Vec<(String, String)>,
}

/// Requests to try.
#[derive(Debug, Default)]
pub struct Examples {
    /// Each with what the engine itself does to it.
    pub found: Vec<(Example, String)>,
    /// The rules that none was made up for: their conditions are of another kind, or an earlier rule takes it.
    pub without: Vec<String>,
}

/// `GET /`, and a request for each rule that one can be made up for. `json` is a document without mistakes.
pub fn examples(json: &str) -> Examples {
    let Ok(plan) = Plan::from_json(json.as_bytes()) else { return Examples::default() };
    let mut engine = Engine::new(plan, Always);
    let requests: Vec<Option<Example>> = engine.plan().rules().iter().map(Example::of).collect();
    let (taken_by, effect) = self::effect(&mut engine, 0, &Example::plain());
    let mut has_one: Vec<usize> = taken_by.into_iter().map(|rule| rule.0).collect();
    let mut examples = vec![(Example::plain(), effect)];
    for (request, id) in requests.into_iter().zip(1..) {
        let Some(request) = request else { continue };
        let (taken_by, effect) = self::effect(&mut engine, id, &request);
        // Conditions that nobody knows how to fulfil here, and earlier rules, keep it away.
        let is_its_own = taken_by.is_some_and(|rule| rule.0 + 1 == id as usize);
        if is_its_own && examples.iter().all(|(other, _)| *other != request) {
            has_one.extend(taken_by.map(|rule| rule.0));
            examples.push((request, effect));
        }
    }
    let rules = engine.plan().rules().iter().enumerate();
    let without = rules.filter(|(number, _)| !has_one.contains(number));
    let without = without.map(|(_, rule)| rule.name.as_str().to_owned()).collect();
    Examples { found: examples, without }
}

impl Example {
    fn plain() -> Self {
        Self { method: "GET".into(), authority: None, path: "/".into(), headers: Vec::new() }
    }

    /// `None` where the conditions are not of the kind that one can make a request from: a regular expression.
    fn of(rule: &Rule) -> Option<Self> {
        let mut example = Self::plain();
        let Some(predicate) = &rule.matches else { return Some(example) };
        let conditions = serde_json::to_value(predicate).ok()?;
        if let Some(path) = conditions.get("path") {
            let path = text(path)?;
            example.path = if path.starts_with('/') { path } else { format!("/{path}") };
        }
        if let Some(method) = conditions.get("methods").and_then(|methods| methods.get(0)) {
            example.method = method.as_str()?.into();
        }
        if let Some(authority) = conditions.get("authority") {
            example.authority = Some(text(authority)?);
        }
        for header in conditions.get("headers").and_then(Value::as_array).into_iter().flatten() {
            let name = header.get("name")?.as_str()?;
            if let Some(value) = header_value(header)? {
                example.headers.push((name.into(), value));
            }
        }
        Some(example)
    }

    /// Whether sending it asks the service to change nothing (RFC 9110, section 9.2.1).
    pub fn is_safe(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD")
    }

    /// The request, to be sent.
    pub fn request(&self, proxy: SocketAddr) -> Option<ureq::http::Request<()>> {
        let mut request = ureq::http::Request::builder()
            .method(self.method.as_str())
            .uri(format!("http://{proxy}{}", self.path));
        let host = self.authority.iter().map(|host| ("host".to_owned(), host.clone()));
        for (name, value) in host.chain(self.headers.iter().cloned()) {
            request = request.header(name, value);
        }
        request.body(()).ok()
    }

    /// The line to paste into a shell.
    pub fn curl(&self, proxy: SocketAddr) -> String {
        let mut line = String::from("curl -i");
        if self.method != "GET" {
            line.push_str(&format!(" -X {}", quoted(&self.method)));
        }
        let host = self.authority.iter().map(|host| ("host".to_owned(), host.clone()));
        for (name, value) in host.chain(self.headers.iter().cloned()) {
            line.push_str(&format!(" -H {}", quoted(&format!("{name}: {value}"))));
        }
        line + " " + &quoted(&format!("http://{proxy}{}", self.path))
    }
}

/// Outer `None`: no idea. Inner `None`: the header has to be missing.
#[allow(clippy::option_option, reason = "no idea and no header are different things")]
fn header_value(header: &Value) -> Option<Option<String>> {
    if header.get("invert_match").and_then(Value::as_bool) == Some(true) {
        return Some(None);
    }
    match (header.get("present_match").and_then(Value::as_bool), header.get("string_match")) {
        (Some(false), _) => Some(None),
        (Some(true), _) | (None, None) => Some(Some("1".into())),
        (None, Some(matcher)) => text(matcher).map(Some),
    }
}

/// A text that a string matcher takes.
fn text(matcher: &Value) -> Option<String> {
    let value = ["exact", "prefix", "suffix", "contains"].iter().find_map(|kind| matcher.get(kind))?;
    value.as_str().map(str::to_owned)
}

/// As one word of a POSIX shell.
fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@%+,".contains(&byte);
    if word.bytes().all(is_plain) { word.into() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

impl RequestView for Example {
    fn any_value(&self, name: &str, test: &mut dyn FnMut(&[u8]) -> bool) -> Option<bool> {
        match name {
            ":method" => Some(test(self.method.as_bytes())),
            ":path" => Some(test(self.path.as_bytes())),
            ":authority" => Some(test(self.authority.as_deref().unwrap_or("127.0.0.1").as_bytes())),
            _ => {
                let mut values =
                    self.headers.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name)).peekable();
                values.peek()?;
                Some(values.any(|(_, value)| test(value.as_bytes())))
            }
        }
    }
}

/// Takes every draw that can be taken at all.
struct Always;

impl Entropy for Always {
    fn next_u64(&mut self) -> u64 {
        0
    }
}

/// Moments are of no account here.
struct Timeless;

impl Clock for Timeless {
    fn now(&self) -> Option<Instant> {
        Some(Instant::default())
    }
}

/// A plain response.
struct Success;

impl ResponseView for Success {
    fn any_value(&self, name: &str, test: &mut dyn FnMut(&[u8]) -> bool) -> Option<bool> {
        (name == ":status").then(|| test(b"200"))
    }

    fn each_header(&self, visit: &mut dyn FnMut(&[u8], &[u8])) -> bool {
        visit(b":status", b"200");
        true
    }

    fn has_body(&self) -> bool {
        true
    }
}

/// What a fault looks like that neither a wait nor an end shows.
fn sight(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Delay | Kind::Abort | Kind::Reset => None,
        Kind::Hang => Some("hangs"),
        Kind::Request => Some("is changed"),
        Kind::RequestRateLimit => Some("is sent slowly"),
        Kind::Response => Some("has its response changed"),
        Kind::ResponseRateLimit => Some("is answered slowly"),
    }
}

/// Which rule takes a request, if any, and in words what happens then.
fn effect(engine: &mut Engine<Always>, id: u32, request: &Example) -> (Option<RuleId>, String) {
    let id = ExchangeId(id);
    let mut end = match engine.on_request_headers(id, request, &Timeless) {
        HeadersStep::Hold(_) => match engine.next_due(Instant(Duration::MAX)) {
            Some((_, Release::Reply(_, reply))) => Some(HeadersStep::Reply(reply)),
            Some((_, Release::Reset)) => Some(HeadersStep::Reset),
            _ => None,
        },
        step => Some(step),
    };
    if !matches!(end, Some(HeadersStep::Reply(_) | HeadersStep::Reset)) {
        end = Some(engine.on_response_headers(id, &Success, &Timeless));
    }
    let mut rule = None;
    let mut parts = Vec::new();
    while let Some(event) = engine.next_event() {
        match event {
            Event::Injected(taken_by) => rule = Some(taken_by),
            Event::Shadowed(taken_by) => {
                rule = Some(taken_by);
                parts.push("is only counted".to_owned());
            }
            Event::Delayed(hold) => parts.push(format!("waits {hold:?}")),
            Event::Fault { kind, .. } => parts.extend(sight(kind).map(str::to_owned)),
            _ => {}
        }
    }
    engine.end(id);
    match end {
        Some(HeadersStep::Reply(reply)) => parts.push(format!("gets {}", reply.status)),
        Some(HeadersStep::Reset) => parts.push("is reset".into()),
        _ => {}
    }
    let Some(found) = rule.and_then(|rule| engine.plan().rules().get(rule.0)) else {
        return (None, "passes".into());
    };
    if !found.percentage.is_always() {
        parts.push(format!("{} % of the time", found.percentage));
    }
    (rule, format!("{} ({})", parts.join(", "), found.name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::examples;

    fn lines(document: &str) -> Vec<String> {
        let proxy = "127.0.0.1:1".parse().expect("an address");
        examples(document)
            .found
            .into_iter()
            .map(|(example, effect)| format!("{} # {effect}", example.curl(proxy)))
            .collect()
    }

    #[test]
    fn a_request_is_made_up_from_the_conditions_of_each_rule() {
        let document = r#"{"rules": [
            {"name": "a", "percentage": 2.5, "abort": {"http_status": 503},
             "match": {"methods": ["DELETE"], "path": {"prefix": "/it's"}, "authority": {"exact": "shop.test"}}},
            {"name": "b", "percentage": 100, "delay": {"fixed_delay": "250ms"}, "abort": {"http_status": 500},
             "match": {"headers": [{"name": "x-user", "string_match": {"suffix": "son"}}, {"name": "x-any"}]}}
        ]}"#;
        let expected = [
            "curl -i http://127.0.0.1:1/ # passes",
            r"curl -i -X DELETE -H 'host: shop.test' 'http://127.0.0.1:1/it'\''s' # gets 503, 2.5 % of the time (a)",
            "curl -i -H 'x-user: son' -H 'x-any: 1' http://127.0.0.1:1/ # waits 250ms, gets 500 (b)",
        ];
        assert_eq!(lines(document), expected);
    }

    #[test]
    fn a_rule_for_every_request_is_said_of_the_plainest_one() {
        let document = r#"{"mode": "shadow", "rules": [
            {"name": "all", "percentage": 100, "abort": {"http_status": 503}},
            {"name": "never-reached", "percentage": 100, "abort": {"http_status": 500}, "match": {"path": {"exact": "/a"}}}
        ]}"#;
        assert_eq!(lines(document), ["curl -i http://127.0.0.1:1/ # is only counted (all)"]);
    }

    #[test]
    fn no_request_is_made_up_for_a_regular_expression() {
        let document = r#"{"rules": [
            {"name": "a", "percentage": 1, "abort": {"http_status": 503}, "match": {"path": {"safe_regex": "/a+"}}}
        ]}"#;
        assert_eq!(lines(document), ["curl -i http://127.0.0.1:1/ # passes"]);
        assert_eq!(examples(document).without, ["a"]);
    }
}
