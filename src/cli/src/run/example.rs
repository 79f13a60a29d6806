//! Requests to try: one that each rule takes, made up from the rule's own conditions, as `curl` lines.

use brownout_core::document::Rule;
use brownout_core::entropy::Entropy;
use brownout_core::plan::{Plan, RuleId};
use brownout_core::view::RequestView;
use serde_json::Value;
use std::net::SocketAddr;

/// A request to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    method: String,
    /// The host, where a rule asks for one.
    authority: Option<String>,
    path: String,
    headers: Vec<(String, String)>,
    /// What happens to it.
    pub effect: String,
}

/// One example for each rule that a made-up request reaches, before them `GET /`, and the effect of each as the engine
/// itself decides it.
pub fn examples(plan: &Plan) -> Vec<Example> {
    let mut examples = vec![Example::plain()];
    for rule in plan.rules() {
        let Some(example) = Example::of(rule) else { continue };
        if !examples.contains(&example) {
            examples.push(example);
        }
    }
    for example in &mut examples {
        example.effect = effect(plan, example);
    }
    examples
}

impl Example {
    fn plain() -> Self {
        Self {
            method: "GET".into(),
            authority: None,
            path: "/".into(),
            headers: Vec::new(),
            effect: String::new(),
        }
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

fn effect(plan: &Plan, example: &Example) -> String {
    let Some(decision) = plan.decide(example, &mut Always, &mut |_: RuleId| {}) else {
        return "passes".into();
    };
    let mut parts = Vec::new();
    if let Some(hold) = decision.effects.hold {
        parts.push(format!("waits {hold:?}"));
    }
    if let Some((_, reply)) = &decision.effects.end {
        parts.push(format!("gets {}", reply.status));
    }
    let name = plan.rule_name(decision.rule);
    let share = plan.rules().get(decision.rule.0).map(|rule| rule.percentage);
    let chance = share
        .filter(|share| !share.is_always())
        .map_or(String::new(), |share| format!(", {share} % of the time"));
    format!("{}{chance} ({name})", parts.join(", "))
}
