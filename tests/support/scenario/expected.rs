//! The expected outcome of a request, as client and upstream see it.

use crate::client::Request;
use crate::upstream::Answer;
use http::Method;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// The outcome of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It passes as it would without the module. In a file: `untouched`.
    Untouched,
    Taken(Box<Taken>),
}

/// A rule takes a request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Taken {
    rule: String,
    /// The time for which it is held; none if absent.
    #[serde(default, deserialize_with = "duration")]
    delay: Option<Duration>,
    /// The reply that it gets instead of the upstream's answer.
    reply: Option<ExpectedReply>,
    /// The faults injected into it, by name. If absent: `delay` if it is held, `abort` if it gets a reply.
    faults: Option<Vec<String>>,
    /// The stream is reset before any response header.
    #[serde(default)]
    reset: bool,
    /// Changes to the request before it arrives at the upstream.
    #[serde(default)]
    sent: SentRequest,
    /// Changes to the upstream's response before the client gets it.
    #[serde(default)]
    received: ReceivedResponse,
}

/// The parts of a request that a rule changes on its way to the upstream.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SentRequest {
    method: Option<String>,
    /// Its path, with the query.
    path: Option<String>,
    /// Headers by name; `null` for one that is gone.
    #[serde(default)]
    headers: BTreeMap<String, Option<String>>,
    body: Option<String>,
}

/// The parts of a response that a rule changes on its way to the client.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceivedResponse {
    status: Option<u16>,
    /// Headers by name; `null` for one that is gone.
    #[serde(default)]
    headers: BTreeMap<String, Option<String>>,
    body: Option<String>,
}

/// A reply that does not come from the upstream, as the client sees it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedReply {
    status: u16,
    /// The body. For HEAD, only its length is declared.
    #[serde(default)]
    body: String,
    /// All headers except `content-length`, `date`, `server` and ours.
    #[serde(default = "plain")]
    headers: BTreeMap<String, String>,
}

fn plain() -> BTreeMap<String, String> {
    [("content-type".into(), "text/plain".into())].into()
}

/// Everything that can be compared of one exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The response that the client gets; `None` if the stream is reset before any of it.
    pub response: Option<Response>,
    /// The request as the upstream gets it, if it gets one.
    pub request: Option<Arrived>,
    /// The time for which the request is held.
    pub delay: Duration,
    /// True if the request body is throttled, which takes a moment longer.
    pub is_slowed: bool,
}

/// A response as the client gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    /// All headers but `date`, `server` and what the upstream's connection needs.
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

/// A request as the upstream gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// The headers that the client has sent or a rule has changed.
    pub headers: BTreeMap<String, String>,
    pub body_length: usize,
}

impl Outcome {
    /// Returns the full expectation, given the request and the upstream's answer.
    pub fn expected(&self, request: &Request, answer: &Answer) -> Expected {
        match self {
            Self::Untouched => Expected::from_upstream(request, answer),
            Self::Taken(taken) => taken.expected(request, answer),
        }
    }
}

impl Taken {
    fn expected(&self, request: &Request, answer: &Answer) -> Expected {
        let mut expected = Expected::from_upstream(request, answer);
        expected.delay = self.delay.unwrap_or_default();
        if let Some(arrived) = &mut expected.request {
            let SentRequest { method, path, headers, body } = self.sent.clone();
            arrived.method = method.unwrap_or(arrived.method.clone());
            arrived.path = path.unwrap_or(arrived.path.clone());
            arrived.body_length = body.as_ref().map_or(arrived.body_length, String::len);
            change(&mut arrived.headers, headers);
        }
        if let Some(response) = &mut expected.response {
            let ReceivedResponse { status, headers, body } = self.received.clone();
            response.status = status.unwrap_or(response.status);
            if let Some(body) = body {
                response.headers.insert("content-length".into(), body.len().to_string());
                response.body = received_body(request, &body);
            }
            change(&mut response.headers, headers);
        }
        if let Some(reply) = &self.reply {
            expected.response = Some(reply.expected(request));
            expected.request = None;
        }
        if self.reset {
            (expected.response, expected.request) = (None, None);
        }
        let by_default = [(self.delay.is_some(), "delay"), (self.reply.is_some(), "abort")];
        let by_default = by_default.into_iter().filter(|(suffered, _)| *suffered);
        let faults = self.faults.clone().unwrap_or(by_default.map(|(_, name)| name.to_owned()).collect());
        expected.is_slowed = faults.iter().any(|fault| fault == "request_rate_limit");
        let evidence: Vec<&str> =
            [self.rule.as_str()].into_iter().chain(faults.iter().map(String::as_str)).collect();
        if let Some(response) = &mut expected.response {
            response.headers.insert("x-brownout".into(), evidence.join("; "));
        }
        expected
    }
}

fn change(headers: &mut BTreeMap<String, String>, changes: BTreeMap<String, Option<String>>) {
    for (name, value) in changes {
        match value {
            Some(value) => drop(headers.insert(name, value)),
            None => drop(headers.remove(&name)),
        }
    }
}

impl<'de> Deserialize<'de> for Outcome {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OutcomeVisitor)
    }
}

struct OutcomeVisitor;

impl<'de> Visitor<'de> for OutcomeVisitor {
    type Value = Outcome;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`untouched`, or a rule with what the client sees of it")
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<Outcome, E> {
        match word {
            "untouched" => Ok(Outcome::Untouched),
            other => Err(E::invalid_value(Unexpected::Str(other), &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Outcome, A::Error> {
        Taken::deserialize(MapAccessDeserializer::new(fields)).map(|taken| Outcome::Taken(Box::new(taken)))
    }
}

impl ExpectedReply {
    fn expected(&self, request: &Request) -> Response {
        let mut headers = self.headers.clone();
        if !self.body.is_empty() {
            headers.insert("content-length".into(), self.body.len().to_string());
        }
        Response { status: self.status, headers, body: received_body(request, &self.body) }
    }
}

impl Expected {
    fn from_upstream(request: &Request, answer: &Answer) -> Self {
        let mut headers = answer.headers.clone();
        headers.insert("content-length".into(), answer.body.len().to_string());
        let body = received_body(request, &answer.body);
        Self {
            response: Some(Response { status: answer.status, headers, body }),
            request: Some(Arrived::of(request)),
            delay: Duration::ZERO,
            is_slowed: false,
        }
    }
}

impl Arrived {
    /// The request as it is sent.
    fn of(request: &Request) -> Self {
        let mut headers: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in &request.headers {
            add(&mut headers, name.as_str(), value.as_bytes());
        }
        Self {
            method: request.method.to_string(),
            path: request.path.clone(),
            headers,
            body_length: request.body.len(),
        }
    }

    /// The same without the headers that `expected` does not name: clients and proxies add their own.
    pub fn beside(self, expected: Option<&Self>) -> Self {
        let is_named = |name: &String| expected.is_some_and(|expected| expected.headers.contains_key(name));
        Self { headers: self.headers.into_iter().filter(|(name, _)| is_named(name)).collect(), ..self }
    }
}

/// Adds a value to those of its name.
pub(super) fn add(headers: &mut BTreeMap<String, String>, name: &str, value: &[u8]) {
    let value = String::from_utf8_lossy(value);
    headers
        .entry(name.to_owned())
        .and_modify(|values| {
            values.push_str(", ");
            values.push_str(&value);
        })
        .or_insert_with(|| value.into_owned());
}

/// Returns the body that arrives: none for HEAD, whose reply only declares the length.
pub(super) fn received_body(request: &Request, body: &str) -> String {
    if request.method == Method::HEAD { String::new() } else { body.into() }
}

/// Reads a duration such as `200ms` or `2s`.
pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let parsed = match (number.parse(), unit) {
        (Ok(number), "ms") => Duration::from_millis(number),
        (Ok(number), "s") => Duration::from_secs(number),
        _ => return Err(de::Error::custom(format!("`{text}` is not a duration: write `200ms`"))),
    };
    Ok(Some(parsed))
}
