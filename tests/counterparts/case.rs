//! A field with its counterpart, and exchanges that show it.

use brownout_cli::import::{self, Imported, Rejected, mapping::Table};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use support::client::{Cut, Reply, Request};
use support::upstream::Answer;

/// The tool that the fields belong to.
#[derive(Debug, Clone, Copy)]
pub enum Tool {
    /// Fields of an `HTTPChaos` object.
    ChaosMesh,
    /// Variables of the `pod-http-*` experiments.
    Litmus,
    /// Fields of a rule with `l7proto: chaos`.
    Cilium,
}

/// A field of another tool, and the requests that show its effect.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// As in the importer's table.
    pub field: String,
    /// Equivalent fields of a rule.
    pub counterpart: Vec<String>,
    /// For Chaos Mesh: `spec`, without the fields that every case has.
    spec: Option<Map<String, Value>>,
    /// For Litmus: the environment variables.
    env: Option<BTreeMap<String, String>>,
    /// For Cilium: the rule, an entry of `l7`.
    rule: Option<Value>,
    pub requests: Vec<Exchange>,
}

/// A request and what becomes of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// Method and path with query.
    pub send: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: String,
    /// The answer that the upstream is asked for.
    #[serde(default)]
    answer: Answer,
    /// The number of times it is sent; 1 if absent.
    #[serde(default = "once")]
    pub times: usize,
    pub expect: Expected,
}

fn once() -> usize {
    1
}

/// The expected result. If empty: the upstream's answer, without delay.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expected {
    /// The status, unless it is the upstream's.
    status: Option<u16>,
    /// The status is one of these.
    one_of: Vec<u16>,
    /// Headers with all their values.
    headers: BTreeMap<String, String>,
    /// Headers that are not there.
    without: Vec<String>,
    /// The body, unless it is the upstream's.
    body: Option<String>,
    /// The least time it takes, in milliseconds.
    held: u64,
    /// The stream is cut off.
    cut: bool,
    /// True if the request must arrive at the upstream, which is the default.
    arrives: bool,
    /// Text that the request contains when it arrives, as `Answer::ECHO` writes it.
    arrived: Vec<String>,
    /// Text that it must not contain.
    arrived_without: Vec<String>,
}

impl Default for Expected {
    fn default() -> Self {
        Self {
            status: None,
            one_of: Vec::new(),
            headers: BTreeMap::new(),
            without: Vec::new(),
            body: None,
            held: 0,
            cut: false,
            arrives: true,
            arrived: Vec::new(),
            arrived_without: Vec::new(),
        }
    }
}

impl Tool {
    pub const ALL: [Self; 3] = [Self::ChaosMesh, Self::Litmus, Self::Cilium];

    /// Its name for people, and the name of its file.
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::ChaosMesh => ("Chaos Mesh", "chaos_mesh"),
            Self::Litmus => ("Litmus", "litmus"),
            Self::Cilium => ("Cilium", "cilium"),
        }
    }

    /// Returns what becomes of each of its fields.
    pub fn table(self) -> Table {
        match self {
            Self::ChaosMesh => import::chaos_mesh::FIELDS,
            Self::Litmus => import::litmus::FIELDS,
            Self::Cilium => import::cilium::FIELDS,
        }
    }

    pub fn file(self) -> String {
        format!("tests/scenarios/counterparts/{}.yaml", self.names().1)
    }

    pub fn cases(self) -> Vec<Case> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(self.file());
        let text = std::fs::read_to_string(&path).expect("the scenarios");
        serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }
}

impl Case {
    /// The object of the other tool, as JSON.
    fn input(&self, tool: Tool) -> Value {
        match tool {
            Tool::ChaosMesh => {
                let mut spec = self.spec.clone().expect("a `spec`");
                spec.extend([
                    ("mode".into(), json!("all")),
                    ("selector".into(), json!({})),
                    ("port".into(), json!(80)),
                ]);
                json!({
                    "apiVersion": "chaos-mesh.org/v1alpha1", "kind": "HTTPChaos", "metadata": { "name": "case" }, "spec": spec,
                })
            }
            Tool::Litmus => {
                let experiment = self.field.split('.').next().unwrap_or_default();
                let env = self.env.as_ref().expect("variables");
                let env: Vec<Value> =
                    env.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
                json!({
                    "apiVersion": "litmuschaos.io/v1alpha1", "kind": "ChaosEngine", "metadata": { "name": "case" },
                    "spec": { "experiments": [{ "name": experiment, "spec": { "components": { "env": env } } }] },
                })
            }
            Tool::Cilium => {
                json!({ "rules": { "l7proto": "chaos", "l7": [self.rule.as_ref().expect("a `rule`")] } })
            }
        }
    }

    /// Returns the part of the other tool's object that is specific to this case.
    pub fn written(&self) -> String {
        let spec = self.spec.as_ref().map(|spec| json!(spec));
        let written = spec.or_else(|| self.env.as_ref().map(|env| json!(env))).or_else(|| self.rule.clone());
        written.unwrap_or_default().to_string()
    }

    /// Returns the document that the importer converts it to.
    pub fn document(&self, tool: Tool) -> Value {
        let text = self.input(tool).to_string();
        let imported: Result<Imported, Rejected> = match tool {
            Tool::ChaosMesh => import::chaos_mesh(&text),
            Tool::Litmus => import::litmus(&text),
            Tool::Cilium => import::cilium(&text),
        };
        imported.unwrap_or_else(|rejected| panic!("{text}\n{rejected}")).document
    }
}

impl Exchange {
    /// The request, which asks the upstream for its answer.
    pub fn request(&self) -> Request {
        let (method, path) = self.send.split_once(' ').expect("`send` is a method and a path");
        let mut request = Request::new(method.parse().expect("a method"), path);
        request.body = self.body.clone().into();
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let answer = Answer { echo: true, ..self.answer.clone() };
        request.header(Answer::HEADER, answer.to_header())
    }
}

impl Expected {
    /// Returns an error that describes what is wrong.
    pub fn check(&self, result: Result<Reply, Cut>, arrived: bool) -> Result<(), String> {
        equal("whether it arrives", &arrived, &self.arrives)?;
        let reply = match result {
            Ok(reply) if self.cut => return Err(format!("not cut: {reply:?}")),
            Ok(reply) => reply,
            Err(cut) if self.cut => return self.in_time(cut.after),
            Err(cut) => return Err(cut.to_string()),
        };
        self.in_time(reply.headers_after)?;
        self.replied(&reply)
    }

    fn in_time(&self, after: Duration) -> Result<(), String> {
        let least = Duration::from_millis(self.held);
        if after < least { Err(format!("after {after:?}, expected {least:?}")) } else { Ok(()) }
    }

    fn replied(&self, reply: &Reply) -> Result<(), String> {
        let usual = Answer::default();
        let status = reply.status.as_u16();
        if self.one_of.is_empty() {
            equal("status", &status, &self.status.unwrap_or(usual.status))?;
        } else if !self.one_of.contains(&status) {
            return Err(format!("status {status}, expected one of {:?}", self.one_of));
        }
        let all = |name: &str| {
            let values = reply.headers.get_all(name).iter();
            values
                .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
                .collect::<Vec<_>>()
                .join(", ")
        };
        for (name, value) in &self.headers {
            equal(name, &all(name), value)?;
        }
        for name in &self.without {
            equal(name, &reply.headers.contains_key(name), &false)?;
        }
        equal("body", &reply.text().as_str(), &self.body.as_deref().unwrap_or(&usual.body))?;
        let echo = all(Answer::ECHO).replace(Answer::HEADER, "asked");
        for part in &self.arrived {
            if !echo.contains(part) {
                return Err(format!("`{part}` is not in what arrived: {echo}"));
            }
        }
        match self.arrived_without.iter().find(|part| echo.contains(*part)) {
            Some(part) => Err(format!("`{part}` is in what arrived: {echo}")),
            None => Ok(()),
        }
    }
}

fn equal<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, expected: &T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what}: {found:?}, expected {expected:?}")) }
}
