//! Envoy configuration that shows what the module did, ready to copy or render.

/// A list for `stats_config.stats_tags` of the bootstrap, in YAML: in Prometheus, `rule` and `fault` become labels.
pub const STATS_TAGS: &str = include_str!("../../../envoy/stats_tags.yaml");

/// An entry for `access_log` of an `HttpConnectionManager`, in YAML: one JSON line per exchange, with its rule.
pub const ACCESS_LOG: &str = include_str!("../../../envoy/access_log.yaml");
