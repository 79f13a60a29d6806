//! The scenario files of `tests/scenarios`.

use super::expected::Outcome;
use super::expected::duration;
use crate::client::{Protocol, Request};
use crate::envoy::{Configuration, Stats};
use crate::upstream::Answer;
use brownout_core::value::timestamp::Timestamp;
use brownout_core::view::Property;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A scenario as written in a file of `tests/scenarios`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// One sentence on what the scenario shows.
    pub about: String,
    /// The document. Absent: see `configuration`.
    document: Option<Value>,
    /// The configuration that the module gets instead of a document.
    configuration: Option<Configured>,
    /// The paths of all mistakes in any order, if the document must be refused.
    #[serde(default)]
    pub refused: Vec<String>,
    /// The wall clock when the document arrives, in RFC 3339. Only the engine is asked: no proxy's clock can be set.
    #[serde(default, deserialize_with = "timestamp")]
    pub now: Option<Timestamp>,
    /// The requests, each sent when the one before is answered, unless it `overlaps`.
    #[serde(default)]
    pub requests: Vec<Exchange>,
    /// Whether `stop_when` stops the document in the end.
    #[serde(default)]
    stopped: bool,
    /// The expected counters by rule. Those not named must stay 0.
    #[serde(default)]
    counted: BTreeMap<String, BTreeMap<String, u64>>,
}

/// A configuration that is not a document.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Configured {
    /// The plugin has no `configuration`.
    Absent,
    /// A verbatim text, which may not be a document.
    Text(String),
}

/// A request and its outcome.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// Method and path with query: `GET /cart?id=1`.
    pub send: String,
    /// Either `http1` or `http2`; `http1` if absent.
    #[serde(default)]
    protocol: Spoken,
    /// The authority; `backend.example` if absent.
    authority: Option<String>,
    /// Headers in order, one name in each: `[{x-user: alice}, {x-user: bob}]`.
    #[serde(default)]
    headers: Vec<BTreeMap<String, String>>,
    /// The body; none if absent.
    #[serde(default)]
    body: String,
    /// The time that passes before it is sent.
    #[serde(default, deserialize_with = "duration")]
    pub after: Option<Duration>,
    /// Whether it is sent while those before it may still wait, on a connection of its own. Its path must be another.
    #[serde(default)]
    pub overlaps: bool,
    /// Facts that only the proxy knows, by name. No client can state them: only the engine is asked.
    #[serde(default)]
    pub facts: BTreeMap<Fact, String>,
    /// The upstream's answer, if the request reaches it.
    pub upstream: Option<Answer>,
    /// The number of times it is sent; 1 if absent.
    #[serde(default = "once")]
    pub times: usize,
    /// `untouched`, or the rule and what the client sees of it.
    pub expect: Outcome,
}

/// Something that a proxy knows about a request, or about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// The name of the route.
    Route,
    /// The name of the virtual host.
    VirtualHost,
    /// The name of the cluster.
    Cluster,
    /// The address of the client, with the port.
    Source,
    /// The first URI SAN of the client's certificate.
    Principal,
    /// The listener's direction: `inbound` or `outbound`.
    Direction,
    /// The document in the route's metadata.
    RouteDocument,
    /// The document in the virtual host's metadata.
    VirtualHostDocument,
    NodeId,
    NodeCluster,
    NodeNamespace,
    /// A label of the proxy: `app=reviews`.
    NodeLabel,
}

impl Fact {
    /// The property that it is, and its value.
    pub fn property(self, value: &str) -> (Property<'static>, Vec<u8>) {
        let property = match self {
            Self::Route => Property::RouteName,
            Self::VirtualHost => Property::VirtualHostName,
            Self::Cluster => Property::ClusterName,
            Self::Source => Property::SourceAddress,
            Self::Principal => Property::PeerUriSan,
            Self::Direction => {
                let number = 1 + u64::from(value == "outbound");
                return (Property::ListenerDirection, number.to_le_bytes().into());
            }
            Self::RouteDocument => Property::RouteDocument,
            Self::VirtualHostDocument => Property::VirtualHostDocument,
            Self::NodeId => Property::NodeId,
            Self::NodeCluster => Property::NodeCluster,
            Self::NodeNamespace => Property::NodeNamespace,
            Self::NodeLabel => {
                let (label, value) = value.split_once('=').expect("a label is `key=value`");
                let label: &'static str = Box::leak(label.to_owned().into_boxed_str());
                return (Property::NodeLabel(label), value.as_bytes().to_vec());
            }
        };
        (property, value.as_bytes().to_vec())
    }
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Spoken {
    #[default]
    Http1,
    Http2,
}

fn once() -> usize {
    1
}

fn timestamp<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Timestamp::parse(&text).map(Some).ok_or_else(|| D::Error::custom("a time in RFC 3339 is expected"))
}

impl Scenario {
    /// Reads a file.
    ///
    /// # Panics
    /// When it is not a valid scenario; the message shows where.
    pub fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).expect("a scenario file");
        let scenario: Self = serde_saphyr::from_str(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", path.file_name().unwrap_or_default().display()));
        assert!(
            scenario.document.is_some() != scenario.configuration.is_some(),
            "{}: a scenario has either a `document` or a `configuration`",
            path.display()
        );
        scenario
    }

    /// All scenario files, by name.
    ///
    /// # Panics
    /// When there are none.
    pub fn files() -> Vec<(String, PathBuf)> {
        let entries =
            std::fs::read_dir(crate::repository::scenarios()).expect("the directory of the scenarios");
        let mut files: Vec<_> = entries
            .map(|entry| entry.expect("a readable directory").path())
            .filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
            .map(|path| (path.file_stem().unwrap_or_default().to_string_lossy().into_owned(), path))
            .collect();
        files.sort();
        assert!(!files.is_empty(), "no scenarios");
        files
    }

    /// Returns whether only the engine can be told what the scenario says.
    pub fn is_for_the_engine_alone(&self) -> bool {
        self.now.is_some() || self.requests.iter().any(|exchange| !exchange.facts.is_empty())
    }

    /// Returns the requests in groups: those of a group overlap.
    pub fn groups(&self) -> Vec<Vec<&Exchange>> {
        let mut groups: Vec<Vec<&Exchange>> = Vec::new();
        for exchange in self.requests.iter().flat_map(|one| std::iter::repeat_n(one, one.times)) {
            match groups.last_mut().filter(|_| exchange.overlaps) {
                Some(group) => group.push(exchange),
                None => groups.push(vec![exchange]),
            }
        }
        groups
    }

    /// The configuration that the module gets.
    pub fn configuration(&self) -> Configuration {
        match (&self.document, &self.configuration) {
            (Some(document), _) => Configuration::document(document),
            (None, Some(Configured::Text(text))) => Configuration::Text(text.clone()),
            (None, _) => Configuration::Absent,
        }
    }

    /// Returns the expected counters: by rule, and the sums over all rules.
    pub fn counted(&self) -> Stats {
        let mut all: BTreeMap<String, u64> =
            self.stopped.then(|| ("stopped".into(), 1)).into_iter().collect();
        for (rule, counters) in &self.counted {
            for (counter, value) in counters {
                all.insert(format!("rule.{rule}.{counter}"), *value);
                *all.entry(counter.clone()).or_default() += value;
            }
        }
        all.into_iter().collect()
    }
}

impl Exchange {
    /// The protocol in which it is sent.
    pub fn protocol(&self) -> Protocol {
        match self.protocol {
            Spoken::Http1 => Protocol::Http1,
            Spoken::Http2 => Protocol::Http2,
        }
    }

    /// The request.
    ///
    /// # Panics
    /// When the file does not describe one.
    pub fn request(&self) -> Request {
        let (method, path) = self.send.split_once(' ').expect("`send` is a method and a path");
        let mut request = Request::new(method.parse().expect("a method"), path);
        request.body = self.body.clone().into();
        if let Some(authority) = &self.authority {
            request = request.authority(authority);
        }
        for (name, value) in self.headers.iter().flatten() {
            request = request.header(name, value);
        }
        request
    }

    /// Returns what the upstream answers.
    pub fn answer(&self) -> Answer {
        self.upstream.clone().unwrap_or_default()
    }
}
