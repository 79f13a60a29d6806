//! The host's property paths for the facts that the core asks for.
//!
//! Only paths under `xds` exist for routes, listeners and the node: Envoy dropped their older names in 1.33.

use crate::host;
use brownout_core::view::Property;

/// Reads a fact. A fact that is empty, or that the host does not have or cannot serialize, is absent.
pub fn read(property: Property<'_>) -> Option<Vec<u8>> {
    let path: &[&str] = match property {
        Property::RouteName => &["xds", "route_name"],
        Property::VirtualHostName => &["xds", "virtual_host_name"],
        Property::ClusterName => &["xds", "cluster_name"],
        Property::SourceAddress => &["source", "address"],
        Property::PeerUriSan => &["connection", "uri_san_peer_certificate"],
        Property::ListenerDirection => &["xds", "listener_direction"],
        Property::RouteDocument => &["xds", "route_metadata", "filter_metadata", "brownout", "json"],
        Property::VirtualHostDocument => {
            &["xds", "virtual_host_metadata", "filter_metadata", "brownout", "json"]
        }
        Property::NodeId => &["xds", "node", "id"],
        Property::NodeCluster => &["xds", "node", "cluster"],
        Property::NodeNamespace => &["xds", "node", "metadata", "NAMESPACE"],
        Property::NodeLabel(label) => &["xds", "node", "metadata", "LABELS", label],
    };
    host::property(path.join("\0").as_bytes()).ok().flatten().filter(|value| !value.is_empty())
}

/// Reads the name of the plugin that is being configured.
pub fn plugin_name() -> Option<Vec<u8>> {
    host::property(b"plugin_name").ok().flatten()
}

/// Reads a number, which the host writes as 64 bits, little endian.
pub fn number(path: &[&str]) -> host::Result<Option<u64>> {
    let value = host::property(path.join("\0").as_bytes())?;
    Ok(value.and_then(|bytes| Some(u64::from_le_bytes(bytes.try_into().ok()?))))
}
