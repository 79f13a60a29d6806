//! WasmPlugin and TrafficExtension: the same fields in two resources.

use super::super::faults::Faults;
use super::super::given::{Common, Digest, ModulePath, ModuleSource, Name, Ungated};
use super::super::yaml::{Map, Yaml};
use super::super::{Misfit, ROUTE_IS_CHOSEN_ANEW, Rendered, misfit, resource};
use super::{Side, Workloads};

/// The kind of Istio resource to render.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// Istio 1.12 and later.
    WasmPlugin,
    /// Istio 1.30 and later.
    TrafficExtension,
}

#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    pub common: Common,
    #[command(flatten)]
    ungated: Ungated,
    #[command(flatten)]
    place: Workloads,
    #[command(flatten)]
    image: ModuleSource,
    #[command(flatten)]
    module: ModulePath,
    /// The secret for pulling the image.
    #[arg(long, value_name = "NAME", requires = "image")]
    pull_secret: Option<Name>,
}

impl Arguments {
    pub(in super::super) fn render(&self, kind: Resource, faults: &Faults) -> Result<Rendered, Misfit> {
        self.ungated.check(
            "this resource cannot configure Envoy's own filters, which a gate needs; `istio-envoyfilter` can",
        )?;
        if faults.is_upstream() {
            return misfit(
                "this resource puts filters only into listeners, but the document's `placement` is `upstream`: use `istio-envoyfilter`",
            );
        }
        self.place.check_waypoint()?;
        let url = self.url()?;
        let spec = self.matching(phase(self.target()?));
        let (about, name, spec) = match kind {
            Resource::WasmPlugin => {
                ("Brownout in Istio 1.12 and later.", "WasmPlugin", self.plugin(spec, &url, faults))
            }
            Resource::TrafficExtension => {
                let wasm = self.plugin(Map::new(), &url, faults);
                ("Brownout in Istio 1.30 and later.", "TrafficExtension", spec.field("wasm", wasm))
            }
        };
        let metadata = self.place.metadata(&self.common.name);
        let manifest = resource(about, "extensions.istio.io/v1alpha1", name, metadata, spec);
        Ok(self.warned(Rendered::new(&manifest), faults))
    }

    fn url(&self) -> Result<String, Misfit> {
        match (&self.image.image, &self.module.module_path) {
            (Some(image), None) => Ok(format!("oci://{image}")),
            (_, Some(_)) => misfit(
                "with this resource, if the module's file is missing, the proxy answers 500 to every request, whatever `failStrategy` says: use `--image`, or `istio-envoyfilter`, which lets requests pass then",
            ),
            (None, None) => misfit("give the module's image with `--image`"),
        }
    }

    /// Returns the target of the resource.
    fn target(&self) -> Result<Map, Misfit> {
        let place = &self.place;
        Ok(match (&place.gateway, &place.service, place.side) {
            (Some(_), Some(_), _) => return misfit("`--gateway` and `--service` exclude each other: leave one out"),
            (Some(gateway), None, Side::Gateway | Side::Waypoint) => {
                Map::new().field("targetRefs", Workloads::target_refs("Gateway", gateway))
            }
            (None, Some(service), Side::Waypoint) => Map::new()
                .comment("In the waypoint's own namespace: Istio 1.29.4 and 1.30.0 crash over a service of another one.")
                .field("targetRefs", Workloads::target_refs("Service", service)),
            (Some(_), None, Side::Inbound | Side::Outbound) => {
                return misfit("a gateway has no sidecar: use `--side gateway` or `--side waypoint` with `--gateway`");
            }
            (None, Some(_), _) => {
                return misfit("only a waypoint can select a `--service`: choose pods with `--workload`, or use `--side waypoint`");
            }
            (None, None, Side::Waypoint) => {
                return misfit("name the waypoint with `--gateway`, or a `--service` behind it");
            }
            (None, None, _) if place.workload.is_empty() => Map::new(),
            (None, None, _) => {
                Map::new().field("selector", Map::new().field("matchLabels", place.labels()))
            }
        })
    }

    fn matching(&self, spec: Map) -> Map {
        let mode = match self.place.side {
            // There, neither a mode nor a port ever matches.
            Side::Waypoint => return spec,
            Side::Inbound => "SERVER",
            Side::Outbound | Side::Gateway => "CLIENT",
        };
        let ports = self.place.port.iter().map(|port| Map::new().field("number", *port)).collect::<Vec<_>>();
        let one = Map::new().field("mode", mode).maybe("ports", (!ports.is_empty()).then_some(ports));
        let why =
            "Without a mode, a sidecar has the filter in both directions, and traffic is faulted twice.";
        spec.comment(why).field("match", vec![one])
    }

    fn plugin(&self, map: Map, url: &str, faults: &Faults) -> Map {
        let sha256 = self.image.digest.as_ref().map(|Digest(digits)| Yaml::Quoted(digits.clone()));
        let policy = self.image.image.as_ref().map(|_| "IfNotPresent");
        map.field("url", url)
            .maybe("sha256", sha256)
            .maybe("imagePullPolicy", policy)
            .maybe("imagePullSecret", self.pull_secret.as_ref().map(|name| &name.0))
            .comment("Without this line, a module that cannot be fetched takes the workload down.")
            .field("failStrategy", "FAIL_OPEN")
            .field("pluginName", "brownout")
            .comment("The document. An edit reaches open connections at once. To stop: `mode: \"off\"`, in quotes; delete later.")
            .field("pluginConfig", &faults.whole())
    }

    fn warned(&self, rendered: Rendered, faults: &Faults) -> Rendered {
        let mut rendered = rendered
            .warn(faults.has_large_numbers(), "whole numbers above 9007199254740992 lose digits on their way through `pluginConfig`")
            .warn(faults.resets(), "HTTP/1.1 clients notice a reset one second late, because this resource cannot set the connection manager's `delayed_close_timeout`; `istio-envoyfilter` does")
            .warn(faults.changes_requests(), ROUTE_IS_CHOSEN_ANEW);
        rendered.warnings.extend(self.place.scope_warning());
        rendered.warnings.extend(self.image.warning());
        rendered
    }
}

fn phase(spec: Map) -> Map {
    spec.comment(
        "After authorization, and in front of Istio's own telemetry, which therefore sees what is injected.",
    )
    .field("phase", "STATS")
}
