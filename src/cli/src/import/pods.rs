//! The pods that an experiment is for. A document applies to the proxies that get it; the manifest that carries it
//! selects those.

use super::built::Built;
use super::condition::Condition;
use super::findings::Findings;
use super::place::{Node, Place};

/// Pods by their namespaces and labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Pods {
    place: Place,
    namespaces: Vec<String>,
    labels: Vec<(String, String)>,
}

impl Pods {
    /// Selects pods in these namespaces, with all of these labels. If both are empty, all pods.
    pub fn new(place: &Place, namespaces: Vec<String>, labels: Vec<(String, String)>) -> Self {
        Self { place: place.clone(), namespaces, labels }
    }

    /// Reads a list of namespaces.
    pub fn namespaces(node: &Node<'_>, findings: &mut Findings) -> Vec<String> {
        let elements = findings.list(node);
        elements.iter().filter_map(|element| findings.text(element).map(str::to_owned)).collect()
    }

    /// Reads a map of labels.
    pub fn labels(node: &Node<'_>, findings: &mut Findings) -> Vec<(String, String)> {
        let entries = findings.map(node);
        let label = |(name, value): (&str, Node<'_>), findings: &mut Findings| {
            findings.text(&value).map(|value| (name.to_owned(), value.to_owned()))
        };
        entries.into_iter().filter_map(|entry| label(entry, findings)).collect()
    }

    /// Returns whether both select the same pods.
    pub fn same(&self, other: &Self) -> bool {
        (&self.namespaces, &self.labels) == (&other.namespaces, &other.labels)
    }

    /// Returns the condition for a rule if `select` is set; otherwise adds a note on which pods need the document.
    pub fn condition(&self, select: bool, findings: &mut Findings) -> Condition {
        if self.namespaces.is_empty() && self.labels.is_empty() {
            return Condition::default();
        }
        if !select {
            findings.note(&self.place, format!("a document cannot select pods: push it to {self}, or write them into it with `--select-pods`"));
            return Condition::default();
        }
        let namespaces = self.namespaces.iter().map(|namespace| {
            Condition::new(
                "node",
                Built::object([("namespace", Built::object([("exact", Built::text(namespace))]))]),
            )
        });
        let labels = self.labels.iter().map(|(name, value)| (name.clone(), Built::text(value)));
        let labels = Built::object(labels.collect::<Vec<_>>());
        let mut node = Vec::new();
        let mut condition = Condition::default();
        match self.namespaces.as_slice() {
            [] => {}
            [one] => node.push(("namespace", Built::object([("exact", Built::text(one))]))),
            _ => condition = Condition::any(namespaces.collect()).unwrap_or_default(),
        }
        if !self.labels.is_empty() {
            node.push(("labels", labels));
        }
        if !node.is_empty() {
            condition = Condition::new("node", Built::object(node).from(&self.place)).and(condition);
        }
        condition
    }
}

impl std::fmt::Display for Pods {
    /// `the pods with app=web of namespace shop`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the pods")?;
        for (index, (name, value)) in self.labels.iter().enumerate() {
            write!(f, "{} {name}={value}", if index == 0 { " with" } else { " and" })?;
        }
        for (index, namespace) in self.namespaces.iter().enumerate() {
            write!(f, "{} {namespace}", if index == 0 { " of namespace" } else { " or" })?;
        }
        Ok(())
    }
}
