//! The scope of a fault filter configuration. For each request, Envoy uses only the most specific one: that of the
//! weighted cluster, the route, the virtual host, the route configuration, the filter.

use super::fault::HttpFault;
use crate::import::built::Built;
use crate::import::condition::Condition;
use crate::import::place::Place;

/// A level, the most specific first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// One of a route's weighted clusters.
    WeightedCluster,
    Route,
    VirtualHost,
    RouteConfiguration,
    /// The filter in its chain.
    Filter,
}

/// The names of what a configuration is attached to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScopeNames {
    /// The name of the route configuration.
    pub configuration: Option<String>,
    pub virtual_host: Option<String>,
    pub route: Option<String>,
    /// The name of the weighted cluster.
    pub cluster: Option<String>,
}

/// A configuration and its scope.
#[derive(Debug)]
pub struct Scope {
    pub level: Level,
    pub names: ScopeNames,
    pub fault: HttpFault,
}

impl Scope {
    /// Returns the condition for a request to be in its scope.
    pub fn condition(&self) -> Condition {
        let ScopeNames { virtual_host, route, cluster, .. } = &self.names;
        let parts = [("virtual_host", virtual_host), ("route", route), ("cluster", cluster)];
        let mut condition = Condition::default();
        for (field, name) in parts {
            if let Some(name) = name {
                let exact = Built::object([("exact", Built::text(name.as_str()))]);
                condition = condition.and(Condition::new(field, exact.from(&self.fault.place)));
            }
        }
        condition
    }

    /// Returns whether this less specific scope contains every request of `other`.
    fn contains(&self, other: &Self) -> bool {
        let covers = |own: &Option<String>, its: &Option<String>| own.is_none() || own == its;
        self.level > other.level
            && covers(&self.names.virtual_host, &other.names.virtual_host)
            && covers(&self.names.route, &other.names.route)
    }

    /// Returns whether its rule takes every request in its scope, so that later rules get none of them.
    fn takes_all(&self) -> bool {
        !self.fault.is_nothing() && self.fault.condition.is_always()
    }

    /// Returns the wanted name of the rule.
    pub fn wanted_name(&self) -> String {
        let ScopeNames { configuration, virtual_host, route, cluster } = &self.names;
        let name = |name: &Option<String>| name.clone().unwrap_or_default();
        match self.level {
            Level::WeightedCluster => format!("{}-{}", name(route), name(cluster)),
            Level::Route => name(route),
            Level::VirtualHost => name(virtual_host),
            Level::RouteConfiguration => configuration.clone().unwrap_or_else(|| "routes".into()),
            Level::Filter => "fault".into(),
        }
    }

    /// Returns the rule's condition, given the scopes of the whole configuration.
    pub fn condition_among(&self, scopes: &[Self]) -> Condition {
        // Rules of more specific scopes come first. Where they do not take every request, the rest must not fall to this
        // one: Envoy would not fall back either.
        let hidden = scopes.iter().filter(|other| self.contains(other) && !other.takes_all());
        let own = self.condition().and(self.fault.condition.clone());
        own.and(Condition::none(hidden.map(Self::condition).collect()))
    }

    /// Returns its place in the input.
    pub fn place(&self) -> &Place {
        &self.fault.place
    }
}
