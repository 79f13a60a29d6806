//! Istio's three mechanisms: WasmPlugin, TrafficExtension, EnvoyFilter.

pub mod envoy_filter;
pub mod extension;
mod patch;

use super::given::{Label, Name};
use super::yaml::{Map, Yaml};
use super::{Misfit, misfit};

/// The traffic of a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Side {
    /// Requests to the workload, in its sidecar.
    Inbound,
    /// Calls from the workload, in its sidecar.
    Outbound,
    /// Traffic through a gateway.
    Gateway,
    /// Traffic through a waypoint of the ambient mesh.
    Waypoint,
}

/// The proxies, and which part of their traffic.
#[derive(Debug, clap::Args)]
pub struct Workloads {
    /// The namespace of the resource and of its workloads.
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub namespace: Name,
    /// A label of the pods; if repeated, all must match.
    #[arg(long, value_name = "KEY=VALUE")]
    pub workload: Vec<Label>,
    /// A Gateway of the Gateway API, or a waypoint, by its name.
    #[arg(long, value_name = "NAME", conflicts_with = "workload")]
    pub gateway: Option<Name>,
    /// A service, by its name or host.
    #[arg(long, value_name = "NAME")]
    pub service: Option<Name>,
    /// The side of the proxy.
    #[arg(long, value_name = "SIDE", default_value = "inbound")]
    pub side: Side,
    /// The ports of the traffic; all if absent.
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Vec<u16>,
}

impl Workloads {
    fn metadata(&self, name: &Name) -> Map {
        Map::new().field("name", &name.0).field("namespace", &self.namespace.0)
    }

    fn labels(&self) -> Map {
        self.workload.iter().fold(Map::new(), |map, label| map.field(&label.key, &label.value))
    }

    /// The service as the mesh names it.
    fn host(&self) -> Option<String> {
        let Name(service) = self.service.as_ref()?;
        let full = || format!("{service}.{}.svc.cluster.local", self.namespace);
        Some(if service.contains('.') { service.clone() } else { full() })
    }

    fn target_refs(kind: &str, name: &Name) -> Yaml {
        let group = if kind == "Gateway" { Yaml::from("gateway.networking.k8s.io") } else { Yaml::from("") };
        vec![Map::new().field("group", group).field("kind", kind).field("name", &name.0)].into()
    }

    /// Refuses options that silently fail on waypoints.
    fn check_waypoint(&self) -> Result<(), Misfit> {
        if self.side != Side::Waypoint {
            return Ok(());
        }
        if !self.port.is_empty() {
            return misfit("a waypoint's filters never match a `--port`: name the `--service` instead");
        }
        if !self.workload.is_empty() {
            return misfit(
                "a waypoint cannot be selected by labels: name it with `--gateway`, or a `--service` behind it",
            );
        }
        Ok(())
    }

    /// Returns a warning about the scope of a resource without labels.
    fn scope_warning(&self) -> Option<String> {
        if !self.workload.is_empty() || self.gateway.is_some() || self.side == Side::Waypoint {
            return None;
        }
        Some(if self.namespace.0 == "istio-system" {
            "without `--workload`, this applies to every proxy in the mesh, as `istio-system` is usually its root namespace".into()
        } else {
            format!("without `--workload`, this applies to every proxy in the namespace `{}`", self.namespace)
        })
    }
}
