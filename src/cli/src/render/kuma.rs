//! Kuma's and Kong Mesh's MeshProxyPatch.

use super::faults::Faults;
use super::filter::{self, Code, wasm};
use super::given::{Common, Label, ModulePath, Name, Sharing, Ungated};
use super::yaml::{self, Map, Yaml};
use super::{Misfit, ROUTE_IS_CHOSEN_ANEW, Rendered, misfit, resource};

const USUAL_PATH: &str = "/var/local/wasm/brownout.wasm";

/// The traffic of a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum PolicySide {
    /// Requests to the workload.
    Inbound,
    /// Calls from the workload.
    Outbound,
}

#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    pub common: Common,
    #[command(flatten)]
    ungated: Ungated,
    /// The namespace of the resource: the control plane's.
    #[arg(long, value_name = "NAME", default_value = "kuma-system")]
    namespace: Name,
    /// The mesh.
    #[arg(long, value_name = "NAME", default_value = "default")]
    mesh: Name,
    /// A label of the workload; if repeated, all must match.
    #[arg(long, value_name = "KEY=VALUE")]
    workload: Vec<Label>,
    /// The side of the proxy.
    #[arg(long, value_name = "SIDE", default_value = "inbound")]
    side: PolicySide,
    /// The name of the called cluster, as Kuma gives it to Envoy; for the placement `upstream`.
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    #[command(flatten)]
    module: ModulePath,
    #[command(flatten)]
    sharing: Sharing,
}

impl Arguments {
    pub(super) fn render(&self, faults: &Faults) -> Result<Rendered, Misfit> {
        self.ungated.check("a gate works only with the targets `envoy` and `istio-envoyfilter`")?;
        if self.cluster.is_some() && !faults.is_upstream() {
            return misfit(
                "`--cluster` is for the `placement` `upstream`, which the document does not have: add it, or leave `--cluster` out",
            );
        }
        let modification =
            if faults.is_upstream() { self.cluster(faults)? } else { self.http_filter(faults) };
        let labels = |map: Map, label: &Label| map.field(&label.key, &label.value);
        let labels = self.workload.iter().fold(Map::new(), labels);
        let target = if self.workload.is_empty() {
            Map::new().field("kind", "Mesh")
        } else {
            Map::new().field("kind", "Dataplane").field("labels", labels)
        };
        let patches = Map::new().field("appendModifications", vec![modification]);
        let spec = Map::new().field("targetRef", target).field("default", patches);
        let metadata = Map::new()
            .field("name", &self.common.name.0)
            .field("namespace", &self.namespace.0)
            .field("labels", Map::new().field("kuma.io/mesh", &self.mesh.0));
        let about = "Brownout in Kuma and Kong Mesh.";
        let manifest = resource(about, "kuma.io/v1alpha1", "MeshProxyPatch", metadata, spec);
        Ok(Rendered::new(&manifest)
            .warn(self.workload.is_empty(), "without `--workload`, this applies to every proxy in the mesh")
            .warn(!faults.is_upstream(), "Kuma delivers an edit with the listener: open connections keep the old document until they drain")
            .warn(faults.changes_requests(), ROUTE_IS_CHOSEN_ANEW))
    }

    fn filter(&self, faults: &Faults) -> Map {
        let path = self.module.module_path.clone().unwrap_or_else(|| USUAL_PATH.into());
        let name = &self.common.name.0;
        Map::new()
            .field("name", &self.common.name.0)
            .field("typed_config", wasm(name, &faults.whole(), &Code::File(path), self.sharing.vm_id(name)))
    }

    fn http_filter(&self, faults: &Faults) -> Map {
        let origin = if self.side == PolicySide::Inbound { "inbound" } else { "outbound" };
        let found = Map::new().field("name", "envoy.filters.http.router").field("origin", origin);
        let modification = Map::new()
            .field("operation", "AddBefore")
            .field("match", found)
            .field("value", Yaml::Block(yaml::text(&self.filter(faults))));
        Map::new().field("httpFilter", modification)
    }

    fn cluster(&self, faults: &Faults) -> Result<Map, Misfit> {
        let Some(cluster) = &self.cluster else {
            return misfit(
                "the document's `placement` is `upstream`: name the `--cluster` that is called; `kumactl inspect dataplane --type=clusters` shows them",
            );
        };
        if self.side == PolicySide::Inbound {
            return misfit(
                "the document's `placement` is `upstream`, which is the caller's side: use `--side outbound`",
            );
        }
        let options = filter::upstream_options(self.filter(faults), filter::as_downstream());
        let value = Map::new()
            .comment("This replaces how Kuma talks to the service: decide whether the client's HTTP version is right.")
            .field("typed_extension_protocol_options", options);
        let modification = Map::new()
            .field("operation", "Patch")
            .field("match", Map::new().field("name", cluster).field("origin", "outbound"))
            .field("value", Yaml::Block(yaml::text(&value)));
        Ok(Map::new().field("cluster", modification))
    }
}
