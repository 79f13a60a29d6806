//! A request and the proxy that it arrives at, for asking an imported document which rule takes it.

use brownout_core::Plan;
use brownout_core::view::{Property, RequestView};

/// Headers and properties; a property is named as in the messages below.
#[derive(Debug, Clone, Default)]
pub struct Request {
    headers: Vec<(String, String)>,
    properties: Vec<(String, Vec<u8>)>,
}

impl Request {
    /// A `GET` that an outbound listener takes.
    pub fn new(authority: &str, path: &str) -> Self {
        let headers = [(":method", "GET"), (":scheme", "http"), (":authority", authority), (":path", path)];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Self { headers, properties: vec![("direction".to_owned(), 2_u64.to_le_bytes().to_vec())] }
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(own, _)| !(own == name && name.starts_with(':')));
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a property: `route`, `virtual_host`, `cluster`, `namespace`, `direction` or `label/…`.
    #[must_use]
    pub fn property(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.properties.retain(|(own, _)| own != name);
        self.properties.push((name.to_owned(), value.into()));
        self
    }

    /// The first rule of a document that matches it.
    pub fn rule(&self, document: &serde_json::Value) -> Option<String> {
        let plan = Plan::from_json(document.to_string().as_bytes()).expect("the core takes it");
        let matching = plan.rules().iter().find(|rule| {
            let predicate = rule.matches.clone().unwrap_or_default();
            predicate.settle(&|property| RequestView::property(self, property));
            predicate.matches(self)
        });
        matching.map(|rule| rule.name.as_str().to_owned())
    }
}

impl RequestView for Request {
    fn any_value(&self, name: &str, test: &mut dyn FnMut(&[u8]) -> bool) -> Option<bool> {
        let mut values = self.headers.iter().filter(|(own, _)| own == name).peekable();
        values.peek()?;
        Some(values.any(|(_, value)| test(value.as_bytes())))
    }

    fn property(&self, property: Property<'_>) -> Option<Vec<u8>> {
        let name = match property {
            Property::RouteName => "route".to_owned(),
            Property::VirtualHostName => "virtual_host".to_owned(),
            Property::ClusterName => "cluster".to_owned(),
            Property::ListenerDirection => "direction".to_owned(),
            Property::NodeNamespace => "namespace".to_owned(),
            Property::NodeLabel(label) => format!("label/{label}"),
            _ => return None,
        };
        self.properties.iter().find(|(own, _)| *own == name).map(|(_, value)| value.clone())
    }
}
