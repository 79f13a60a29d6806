//! Kubernetes objects, as people write them and as `kubectl` prints them.

use super::built::Built;
use super::findings::Findings;
use super::place::Node;
use super::sources::Sources;
use brownout_core::decode::diagnostic::Code;

/// An object of a kind that an importer reads.
#[derive(Debug, Clone)]
pub struct Resource<'a> {
    /// The whole object, not only its `spec`.
    pub node: Node<'a>,
    pub kind: &'a str,
    /// Its name; without one, its kind.
    pub name: &'a str,
    /// Its namespace, if it names one.
    pub namespace: Option<&'a str>,
}

/// The API group and the kinds that an importer reads.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// The group, without a version.
    pub group: &'static str,
    /// The kinds, the most common one first.
    pub kinds: &'static [&'static str],
    /// The `apiVersion` that error messages suggest.
    pub version: &'static str,
    /// The tool that injects these faults.
    pub tool: &'static str,
}

impl<'a> Resource<'a> {
    /// Returns the objects of the wanted kinds, including those in lists. Others are left out with a note.
    pub fn all(sources: &'a Sources, wanted: Wanted, findings: &mut Findings) -> Vec<Self> {
        let nodes = sources.nodes().into_iter().flat_map(items);
        nodes.filter_map(|node| Self::read(node, wanted, findings)).collect()
    }

    fn read(node: Node<'a>, wanted: Wanted, findings: &mut Findings) -> Option<Self> {
        let text = |name: &str| node.field(name).and_then(|field| field.text());
        let group = text("api_version").and_then(|version| version.split_once('/')).map(|(group, _)| group);
        // Kuma's own form has a `type`, and its name outside.
        if let Some(kind) = text("type").filter(|kind| wanted.kinds.contains(kind))
            && text("kind").is_none()
        {
            return Some(Self {
                kind,
                name: text("name").unwrap_or(kind),
                namespace: None,
                node: node.clone(),
            });
        }
        let Some(kind) = text("kind") else {
            let label = format!("expected `apiVersion: {}` and `kind: {}`", wanted.version, wanted.kinds[0]);
            findings.wrong(&node.place, Code::MissingField, "not a manifest", label);
            return None;
        };
        if group != Some(wanted.group) || !wanted.kinds.contains(&kind) {
            let note = format!("left out: a `{kind}` has no faults that {} injects", wanted.tool);
            findings.note(&node.place, note);
            return None;
        }
        let metadata = |name: &str| node.at(&["metadata", name]).and_then(|field| field.text());
        let name = metadata("name").or_else(|| metadata("generate_name")).unwrap_or(kind);
        Some(Self { kind, name, namespace: metadata("namespace"), node: node.clone() })
    }

    /// Returns its `spec`; a missing one is a mistake.
    pub fn spec(&self, findings: &mut Findings) -> Option<Node<'a>> {
        let spec = self.node.field("spec");
        if spec.is_none() {
            findings.wrong(&self.node.place, Code::MissingField, "missing field `spec`", "");
        }
        spec
    }

    /// Returns the value of an annotation.
    pub fn annotation(&self, name: &str) -> Option<Node<'a>> {
        let annotations = self.node.at(&["metadata", "annotations"])?;
        annotations.entries().into_iter().find(|(given, _)| *given == name).map(|(_, node)| node)
    }

    /// Returns its name, prefixed with its namespace.
    pub fn full_name(&self) -> String {
        self.namespace.map_or_else(|| self.name.to_owned(), |namespace| format!("{namespace}/{}", self.name))
    }
}

/// Returns the document's `experiment`: the name of the object, if there is only one, and the comment at the start of
/// the input as the reason.
pub fn experiment(sources: &Sources, manifests: &[Resource<'_>]) -> Option<Built> {
    let mut fields = Vec::new();
    if let [manifest] = manifests {
        fields.push(("id", Built::text(manifest.full_name())));
    }
    fields.extend(sources.comment().map(|comment| ("reason", Built::text(comment))));
    (!fields.is_empty()).then(|| Built::object(fields))
}

/// Returns the objects of a list, as `kubectl get` prints it.
fn items(node: Node<'_>) -> Vec<Node<'_>> {
    match node.field("items") {
        Some(list) => list.elements().into_iter().flat_map(items).collect(),
        None => vec![node],
    }
}
