//! The hosts of a `VirtualService`: the names that requests use.

use crate::import::built::Built;
use crate::import::condition::Condition;

const CLUSTER_DOMAIN: &str = ".svc.cluster.local";

/// A host, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// `*`, which matches any host.
    Any,
    /// `*.example.com`, stored without the asterisk.
    Wildcard(String),
    /// A service of the cluster: `reviews` or `reviews.shop.svc.cluster.local`.
    Service { name: String, namespace: String },
    /// Any other name, such as `reviews.example.com`.
    Exact(String),
}

impl Host {
    /// Parses a host from a manifest in `namespace`: names without a dot are services of that namespace.
    pub fn new(text: &str, namespace: &str) -> Self {
        let text = text.to_ascii_lowercase();
        if text == "*" {
            return Self::Any;
        }
        if let Some(suffix) = text.strip_prefix('*') {
            return Self::Wildcard(suffix.into());
        }
        let service = text.strip_suffix(CLUSTER_DOMAIN).and_then(|service| service.split_once('.'));
        match service {
            Some((name, namespace)) if !namespace.contains('.') => {
                Self::Service { name: name.into(), namespace: namespace.into() }
            }
            _ if !text.contains('.') => Self::Service { name: text, namespace: namespace.into() },
            _ => Self::Exact(text),
        }
    }

    /// Returns the full name, if it has one.
    fn full_name(&self) -> Option<String> {
        match self {
            Self::Any | Self::Wildcard(_) => None,
            Self::Service { name, namespace } => Some(format!("{name}.{namespace}{CLUSTER_DOMAIN}")),
            Self::Exact(name) => Some(name.clone()),
        }
    }

    /// Returns whether this is a wildcard that covers the other, more specific host: a proxy prefers the other.
    pub fn gives_way_to(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, other) => *other != Self::Any,
            (Self::Wildcard(own), Self::Wildcard(its)) => {
                its.len() > own.len() && its.ends_with(own.as_str())
            }
            (Self::Wildcard(own), other) => {
                other.full_name().is_some_and(|name| name.len() > own.len() && name.ends_with(own.as_str()))
            }
            _ => false,
        }
    }

    /// Returns the conditions for requests to it. Sidecars know the short names of services, gateways do not.
    pub fn conditions(&self, in_mesh: bool) -> Vec<Condition> {
        match self {
            Self::Any => vec![Condition::default()],
            Self::Wildcard(suffix) => vec![authority("suffix", suffix)],
            Self::Service { name, namespace } if in_mesh => {
                let literal = |text: &str| text.replace('.', "\\.");
                let regex =
                    format!("(?i){}\\.{}(\\.svc(\\.cluster\\.local)?)?", literal(name), literal(namespace));
                let long = Built::object([("safe_regex", Built::text(regex))]);
                vec![Condition::new("authority", long), authority("exact", name).and(in_namespace(namespace))]
            }
            Self::Service { .. } | Self::Exact(_) => {
                self.full_name().iter().map(|name| authority("exact", name)).collect()
            }
        }
    }
}

fn authority(how: &str, text: &str) -> Condition {
    let matcher = Built::object([(how, Built::text(text)), ("ignore_case", Built::yes())]);
    Condition::new("authority", matcher)
}

/// Returns a condition for the proxies of a namespace.
pub fn in_namespace(namespace: &str) -> Condition {
    let exact = Built::object([("exact", Built::text(namespace))]);
    Condition::new("node", Built::object([("namespace", exact)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_prefers_the_more_specific_of_two_hosts() {
        let host = |text: &str| Host::new(text, "shop");
        let prefers = |less: &str, more: &str| host(less).gives_way_to(&host(more));
        assert!(prefers("*", "*.example.com"));
        assert!(prefers("*.example.com", "*.api.example.com"));
        assert!(prefers("*.example.com", "API.example.com"));
        assert!(prefers("*.local", "reviews"));
        assert!(!prefers("*.example.com", "example.com"));
        assert!(!prefers("*.example.com", "*.example.com"));
        assert!(!prefers("api.example.com", "api.example.com"));
        assert!(!prefers("*", "*"));
    }

    #[test]
    fn a_name_with_a_dot_is_taken_as_it_is_unless_it_is_a_services_full_name() {
        let service = |namespace: &str| Host::Service { name: "reviews".into(), namespace: namespace.into() };
        assert_eq!(Host::new("reviews", "shop"), service("shop"));
        assert_eq!(Host::new("reviews.other.svc.cluster.local", "shop"), service("other"));
        assert_eq!(Host::new("reviews.other", "shop"), Host::Exact("reviews.other".into()));
        assert_eq!(
            Host::new("a.b.c.svc.cluster.local", "shop"),
            Host::Exact("a.b.c.svc.cluster.local".into())
        );
    }
}
