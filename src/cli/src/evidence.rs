//! What an Envoy needs in its own configuration to show what the module did, ready to be copied or rendered.

/// A list for `stats_config.stats_tags` of the bootstrap, in YAML: in Prometheus, `rule` and `fault` become labels.
pub const STATS_TAGS: &str = include_str!("../../../envoy/stats_tags.yaml");

/// An entry for `access_log` of an `HttpConnectionManager`, in YAML: a line of JSON for each exchange, with its rule.
pub const ACCESS_LOG: &str = include_str!("../../../envoy/access_log.yaml");
