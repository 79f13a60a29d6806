//! Requests to try, as `curl` lines: one for each rule, generated from the rule's conditions.

use crate::request::{Request, Url, invent};
use brownout_core::Engine;
use brownout_core::document::rule::Rule;
use brownout_core::engine::event::Event;
use brownout_core::entropy::Entropy;
use brownout_core::id::{ExchangeId, RuleId};
use brownout_core::plan::Plan;
use brownout_core::sim::{Finished, Head, Over, Proxy, UpstreamResponse};
use brownout_core::time::Instant;
use brownout_core::view::RequestView;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

/// A request that a user can try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example(Request);

/// Requests that a user can try, and the rules without one.
#[derive(Debug, Default)]
pub struct Examples {
    /// Each request with what the engine does to it.
    pub found: Vec<(Example, String)>,
    /// The rules without an example: their conditions cannot be met by a request, or an earlier rule takes it.
    pub without: Vec<String>,
}

/// Returns `GET /` and a request for each rule, where one can be generated. `json` is a document without mistakes.
pub fn examples(json: &str) -> Examples {
    let Ok(plan) = Plan::from_json(json.as_bytes()) else { return Examples::default() };
    let requests: Vec<Option<Example>> = plan.rules().iter().map(|rule| Example::of(rule, &plan)).collect();
    let mut proxy = Proxy::new(Engine::new(plan, Always));
    let (taken_by, effect) = self::effect(&mut proxy, 0, &Example::plain());
    let mut has_one: Vec<usize> = taken_by.into_iter().map(|rule| rule.0).collect();
    let mut examples = vec![(Example::plain(), effect)];
    for (request, id) in requests.into_iter().zip(1..) {
        let Some(request) = request else { continue };
        let (taken_by, effect) = self::effect(&mut proxy, id, &request);
        // Conditions that cannot be met here, or an earlier rule, may keep the request from its rule.
        let is_its_own = taken_by.is_some_and(|rule| rule.0 + 1 == id as usize);
        if is_its_own && examples.iter().all(|(other, _)| *other != request) {
            has_one.extend(taken_by.map(|rule| rule.0));
            examples.push((request, effect));
        }
    }
    let rules = proxy.engine.plan().rules().iter().enumerate();
    let without = rules.filter(|(number, _)| !has_one.contains(number));
    let without = without.map(|(_, rule)| rule.name.as_str().to_owned()).collect();
    Examples { found: examples, without }
}

/// The authority of a request that needs no specific one.
const ANY_AUTHORITY: &str = "example.com";

impl Example {
    fn plain() -> Self {
        let url =
            Url { scheme: "http".into(), authority: ANY_AUTHORITY.into(), path: "/".into(), user: None };
        Self(Request::new("GET", &url))
    }

    /// Returns `None` if no request was found that `curl` can send as it is: no client chooses its route, and gRPC needs
    /// more than headers.
    fn of(rule: &Rule, plan: &Plan) -> Option<Self> {
        let request = invent::request(rule.matches.as_ref(), &|request| plan.excludes(request))?;
        let can_be_sent = request.facts.is_empty() && request.labels.is_empty() && !request.is_grpc();
        can_be_sent.then_some(Self(request))
    }

    fn part(&self, name: &str) -> String {
        self.0.first_value(name).map(|value| String::from_utf8_lossy(&value).into_owned()).unwrap_or_default()
    }

    /// Returns its headers as a client sends them.
    fn headers(&self) -> impl Iterator<Item = (String, String)> {
        let host = Some(self.part(":authority")).filter(|host| host != ANY_AUTHORITY);
        let own = self.0.headers.iter().filter(|(name, _)| !name.starts_with(':'));
        let own = own.map(|(name, value)| (name.clone(), String::from_utf8_lossy(value).into_owned()));
        host.map(|host| ("host".to_owned(), host)).into_iter().chain(own)
    }

    /// Returns whether its method is safe: it asks the service to change nothing (RFC 9110, section 9.2.1).
    pub fn is_safe(&self) -> bool {
        matches!(self.part(":method").as_str(), "GET" | "HEAD")
    }

    /// Returns the request to send.
    pub fn request(&self, proxy: SocketAddr) -> Option<ureq::http::Request<()>> {
        let mut request = ureq::http::Request::builder()
            .method(self.part(":method").as_str())
            .uri(format!("http://{proxy}{}", self.part(":path")));
        for (name, value) in self.headers() {
            request = request.header(name, value);
        }
        request.body(()).ok()
    }

    /// Returns the `curl` line to paste into a shell.
    pub fn curl(&self, proxy: SocketAddr) -> String {
        let mut line = String::from("curl -i");
        let method = self.part(":method");
        if method != "GET" {
            line.push_str(&format!(" -X {}", quoted(&method)));
        }
        for (name, value) in self.headers() {
            line.push_str(&format!(" -H {}", quoted(&format!("{name}: {value}"))));
        }
        line + " " + &quoted(&format!("http://{proxy}{}", self.part(":path")))
    }
}

/// Quotes a text as one word of a POSIX shell.
fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@%+,".contains(&byte);
    if word.bytes().all(is_plain) { word.into() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// Entropy that makes every draw succeed unless its chance is zero.
#[derive(Debug)]
struct Always;

impl Entropy for Always {
    fn next_u64(&mut self) -> u64 {
        0
    }
}

/// Returns the rule that takes a request, if any, and a description of the effect.
fn effect(proxy: &mut Proxy<Always>, id: u32, example: &Example) -> (Option<RuleId>, String) {
    let success = UpstreamResponse { head: Head::response(200, []), body: Vec::new() };
    proxy.send(ExchangeId(id), &example.0, b"", &Rc::new(success));
    while proxy.next_release(Instant(Duration::MAX)) {}
    let mut rule = None;
    let mut parts = Vec::new();
    while let Some(event) = proxy.next_event() {
        match event {
            Event::Injected(taken_by) => rule = Some(taken_by),
            Event::Shadowed(taken_by) => {
                rule = Some(taken_by);
                parts.push("is only counted".to_owned());
            }
            Event::Delayed(hold) => parts.push(format!("waits {hold:?}")),
            Event::Fault { kind, .. } => parts.extend(kind.seen().map(str::to_owned)),
            _ => {}
        }
    }
    while let Some(Finished { flow, .. }) = proxy.next_finished() {
        match flow.as_ref().and_then(|flow| flow.over()) {
            Some(Over::Replied(reply)) => parts.push(format!("gets {}", reply.status)),
            Some(Over::Reset) => parts.push("is reset".into()),
            None => {}
        }
    }
    let Some(found) = rule.and_then(|rule| proxy.engine.plan().rules().get(rule.0)) else {
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
    fn no_request_is_made_up_for_what_no_client_can_say() {
        let document = r#"{"rules": [
            {"name": "a", "percentage": 1, "abort": {"http_status": 503}, "match": {"route": {"exact": "shop"}}},
            {"name": "b", "percentage": 100, "reset": {}, "match": {"path": {"safe_regex": "/b[0-9]"}}}
        ]}"#;
        let of_pattern = "curl -i http://127.0.0.1:1/b0 # is reset (b)";
        assert_eq!(lines(document), ["curl -i http://127.0.0.1:1/ # passes", of_pattern]);
        assert_eq!(examples(document).without, ["a"]);
    }
}
