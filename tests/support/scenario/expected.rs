//! What a client is to see.

use crate::client::Request;
use crate::upstream::Answer;
use http::Method;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It passes as if we were not there. In a file: `untouched`.
    Untouched,
    /// A rule takes it.
    Taken(Taken),
}

/// A rule takes a request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Taken {
    /// The rule's name.
    rule: String,
    /// How long it is held.
    #[serde(default, deserialize_with = "duration")]
    delay: Option<Duration>,
    /// What it gets instead of the upstream's answer.
    reply: Option<Reply>,
    /// The rate limits on it. Its bodies arrive whole; how long they take is measured elsewhere.
    #[serde(default)]
    slowed: Vec<Slowed>,
}

/// A rate limit, by the name of its field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Slowed {
    /// Of the request's body.
    RequestRateLimit,
    /// Of the response's body.
    ResponseRateLimit,
}

/// A reply that does not come from the upstream, as the client sees it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    /// The HTTP status.
    status: u16,
    /// The body. With HEAD it is left out and only its length is told.
    #[serde(default)]
    body: String,
    /// All headers beside `content-length`, `date` and `server`, and ours.
    #[serde(default = "plain")]
    headers: BTreeMap<String, String>,
}

fn plain() -> BTreeMap<String, String> {
    [("content-type".into(), "text/plain".into())].into()
}

/// Everything that can be compared of one exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The HTTP status.
    pub status: u16,
    /// All headers but `date`, `server` and what the upstream's connection needs.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: String,
    /// Whether the upstream has received the request.
    pub reaches_upstream: bool,
    /// How long the request is held.
    pub delay: Duration,
}

impl Outcome {
    /// In full, given the request and what the upstream answers.
    pub fn expected(&self, request: &Request, answer: &Answer) -> Expected {
        match self {
            Self::Untouched => Expected::from_upstream(request, answer),
            Self::Taken(taken) => taken.expected(request, answer),
        }
    }
}

impl Taken {
    fn expected(&self, request: &Request, answer: &Answer) -> Expected {
        let mut expected = match &self.reply {
            Some(reply) => reply.expected(request),
            None => Expected::from_upstream(request, answer),
        };
        expected.delay = self.delay.unwrap_or_default();
        let faults = [
            (self.delay.is_some(), "; delay"),
            (self.reply.is_some(), "; abort"),
            (self.slowed.contains(&Slowed::RequestRateLimit), "; request_rate_limit"),
            (self.slowed.contains(&Slowed::ResponseRateLimit), "; response_rate_limit"),
        ];
        let faults = faults.iter().filter(|(suffered, _)| *suffered).map(|(_, name)| *name);
        let evidence = [self.rule.as_str()].into_iter().chain(faults).collect();
        expected.headers.insert("x-brownout".into(), evidence);
        expected
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
        Taken::deserialize(MapAccessDeserializer::new(fields)).map(Outcome::Taken)
    }
}

impl Reply {
    fn expected(&self, request: &Request) -> Expected {
        let mut headers = self.headers.clone();
        if !self.body.is_empty() {
            headers.insert("content-length".into(), self.body.len().to_string());
        }
        Expected {
            status: self.status,
            headers,
            body: received_body(request, &self.body),
            reaches_upstream: false,
            delay: Duration::ZERO,
        }
    }
}

impl Expected {
    fn from_upstream(request: &Request, answer: &Answer) -> Self {
        let mut headers = answer.headers.clone();
        headers.insert("content-length".into(), answer.body.len().to_string());
        Self {
            status: answer.status,
            headers,
            body: received_body(request, &answer.body),
            reaches_upstream: true,
            delay: Duration::ZERO,
        }
    }
}

/// A reply to HEAD tells how long its body would be and has none.
pub(super) fn received_body(request: &Request, body: &str) -> String {
    if request.method == Method::HEAD { String::new() } else { body.into() }
}

/// Reads `200ms` and `2s`.
fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let parsed = match (number.parse(), unit) {
        (Ok(number), "ms") => Duration::from_millis(number),
        (Ok(number), "s") => Duration::from_secs(number),
        _ => return Err(de::Error::custom(format!("`{text}` is no duration: write `200ms`"))),
    };
    Ok(Some(parsed))
}
