//! Conditions on the proxy itself. They are evaluated once, when the document arrives.

use crate::decode::json::Json;
use crate::decode::{Decode, Decoder, Refused, object, schema};
use crate::predicate::string::StringMatcher;
use crate::view::Property;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::Cell;
use serde::{Serialize, Serializer};

object! {
    /// A condition on the proxy. All fields must hold.
    #[derive(Debug, Clone)]
    pub struct NodeFields {
        /// Matches the node id of the proxy.
        pub id: Option<StringMatcher>,
        /// Matches the node's own cluster, not the route's.
        pub cluster: Option<StringMatcher>,
        /// Labels under `LABELS` in the node's metadata, where Istio puts them; all must be equal.
        pub labels: Option<Labels>,
        /// Matches the namespace, which is `NAMESPACE` in the node's metadata.
        pub namespace: Option<StringMatcher>,
    }
}

/// A condition on the proxy, and its result.
#[derive(Debug, Clone)]
pub struct NodeMatcher {
    fields: NodeFields,
    /// The result, set in place: rules are shared, and a copy would double their memory.
    holds: Cell<bool>,
}

impl NodeMatcher {
    /// Returns whether the condition holds. Before [`Self::settle`], it does not.
    pub fn matches(&self) -> bool {
        self.holds.get()
    }

    pub fn fields(&self) -> &NodeFields {
        &self.fields
    }

    /// Evaluates the conditions, and stores the result for [`Self::matches`].
    pub fn settle(&self, proxy: &dyn Fn(Property<'_>) -> Option<Vec<u8>>) {
        let is = |matcher: &Option<StringMatcher>, property| {
            matcher
                .as_ref()
                .is_none_or(|matcher| proxy(property).is_some_and(|value| matcher.matches(&value)))
        };
        let labelled = |(name, value): &(String, String)| {
            proxy(Property::NodeLabel(name)).is_some_and(|found| found == value.as_bytes())
        };
        let holds = is(&self.fields.id, Property::NodeId)
            && is(&self.fields.cluster, Property::NodeCluster)
            && is(&self.fields.namespace, Property::NodeNamespace)
            && self.fields.labels.iter().flat_map(|labels| &labels.0).all(labelled);
        self.holds.set(holds);
    }
}

impl Decode for NodeMatcher {
    const EXPECTED: &'static str = NodeFields::EXPECTED;

    schema!(|definitions| NodeFields::schema(definitions));

    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
        NodeFields::decode(json, decoder).map(|fields| Self { fields, holds: Cell::new(false) })
    }
}

impl Serialize for NodeMatcher {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.fields.serialize(serializer)
    }
}

#[derive(Debug, Clone)]
pub struct Labels(Vec<(String, String)>);

impl Labels {
    /// Names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl Decode for Labels {
    const EXPECTED: &'static str = "an object of labels such as `{\"app\": \"cart\"}`";

    schema!(|_| serde_json::json!({
        "type": "object",
        "additionalProperties": { "type": "string" },
        "examples": [{ "app": "cart" }],
    }));

    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
        let Json::Object(fields) = json else {
            return decoder.wrong_type("labels", json, Self::EXPECTED);
        };
        let labels: Vec<Result<(String, String), Refused>> = fields
            .iter()
            .map(|(name, value)| {
                let value = decoder.field(name, |d| String::decode(value, d));
                value.map(|value| (name.clone(), value))
            })
            .collect();
        labels.into_iter().collect::<Result<_, _>>().map(Self)
    }
}

impl Serialize for Labels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}
