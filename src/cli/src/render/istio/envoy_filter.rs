//! EnvoyFilter, for what Istio's own resources cannot express, such as routes and clusters.

use super::super::faults::Faults;
use super::super::filter::{self, Code, FAILS_WITHOUT_MODULE, metadata, wasm};
use super::super::gate::Gate;
use super::super::given::{Common, Digest, Gated, ModulePath, ModuleSource, Sharing};
use super::super::yaml::Map;
use super::super::{Misfit, ROUTE_IS_CHOSEN_ANEW, Rendered, misfit, resource};
use super::patch::{self, Context};
use super::{Side, Workloads};

/// The module's path if it is mounted as the README of `istio/` shows.
const USUAL_PATH: &str = "/var/local/wasm/brownout.wasm";

#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    pub common: Common,
    #[command(flatten)]
    place: Workloads,
    #[command(flatten)]
    image: ModuleSource,
    #[command(flatten)]
    module: ModulePath,
    #[command(flatten)]
    sharing: Sharing,
    #[command(flatten)]
    gated: Gated,
    /// Put the rules into the metadata of routes, so that each route has its own.
    #[arg(long)]
    per_route: bool,
    /// The routes that get the rules: an HTTP route's name in a VirtualService, or `default` where it has none.
    #[arg(long, value_name = "NAME", default_value = "default", requires = "per_route")]
    route: Vec<String>,
    /// Keep requests on all other routes out of the module.
    #[arg(long, requires = "per_route")]
    only: bool,
    /// The virtual host of the routes, as Envoy names it: `HOST:PORT`. Derived from the service and port if given.
    #[arg(long, value_name = "NAME", requires = "per_route")]
    virtual_host: Option<String>,
}

impl Arguments {
    pub(in super::super) fn render(&self, faults: &Faults) -> Result<Rendered, Misfit> {
        self.place.check_waypoint()?;
        let context = self.context();
        self.check_only(faults)?;
        let name = self.filter_name();
        let document = if self.per_route { faults.without_rules() } else { faults.whole() };
        let gate = self.gate(faults)?;
        let wasm = wasm(&name, &document, &self.code()?, self.sharing.vm_id(&name));
        let config = if let Some(gate) = &gate { gate.around(&name, wasm) } else { wasm };
        let mut patches = vec![patch::extension_config(context, &name, config)];
        if faults.is_upstream() {
            let (host, port) = self.upstream()?;
            patches.push(patch::cluster(context, &host, port, &name));
        } else {
            patches.extend(
                self.ports().map(|port| patch::http_filter(context, port, &name, self.gated, self.only)),
            );
            if faults.resets() {
                patches.extend(self.ports().map(|port| patch::closed_soon(context, port)));
            }
        }
        if self.per_route {
            patches.extend(self.routes(context, faults)?);
        }
        let spec = self
            .target()?
            .comment("Of several EnvoyFilters, the one with the lowest number comes first.")
            .field("priority", 10_i32)
            .comment("The first one is the document, on its own, so that an edit reaches open connections at once.")
            .field("configPatches", patches);
        let about = "Brownout in Istio, by EnvoyFilter.";
        let metadata = self.place.metadata(&self.common.name);
        let manifest = resource(about, "networking.istio.io/v1alpha3", "EnvoyFilter", metadata, spec);
        let mut rendered = self.warned(Rendered::new(&manifest), faults);
        rendered.warnings.extend(gate.and_then(|gate| gate.warning()));
        Ok(rendered)
    }

    fn gate(&self, faults: &Faults) -> Result<Option<Gate>, Misfit> {
        if self.gated.gate && self.image.image.is_some() {
            return misfit(
                "the agent does not fetch the image of a filter that is behind a gate: use `--module-path`, or leave `--gate` out",
            );
        }
        Gate::wanted(self.gated, self.per_route, faults)
    }

    /// Returns a name that is unique across namespaces, which share one space of resource names.
    fn filter_name(&self) -> String {
        format!("{}.{}", self.place.namespace, self.common.name)
    }

    /// An inbound listener has no other routes.
    fn check_only(&self, faults: &Faults) -> Result<(), Misfit> {
        if self.only && faults.is_upstream() {
            return misfit(
                "a route can bypass the module only in a listener, but the document's `placement` is `upstream`: leave `--only` out",
            );
        }
        if self.only && self.context() == "SIDECAR_INBOUND" {
            return misfit(
                "an inbound listener has a single route for each port, so `--only` would exclude nothing: leave it out",
            );
        }
        Ok(())
    }

    /// Returns Istio's context. Waypoints have none of their own and use the inbound one of sidecars.
    fn context(&self) -> Context {
        match self.place.side {
            Side::Inbound | Side::Waypoint => "SIDECAR_INBOUND",
            Side::Outbound => "SIDECAR_OUTBOUND",
            Side::Gateway => "GATEWAY",
        }
    }

    fn code(&self) -> Result<Code, Misfit> {
        match (&self.image.image, &self.image.digest, &self.module.module_path) {
            (None, _, path) => Ok(Code::File(path.clone().unwrap_or_else(|| USUAL_PATH.into()))),
            (Some(_), _, Some(_)) => {
                misfit("`--image` and `--module-path` exclude each other: leave one out")
            }
            (Some(image), Some(Digest(sha256)), None) => {
                Ok(Code::Fetched { url: format!("oci://{image}"), sha256: sha256.clone() })
            }
            (Some(_), None, None) => misfit(
                "an EnvoyFilter needs the `--digest` of its `--image`: Envoy accepts no remote module without one",
            ),
        }
    }

    fn target(&self) -> Result<Map, Misfit> {
        let place = &self.place;
        match (&place.gateway, place.side) {
            (Some(_), Side::Inbound | Side::Outbound) => {
                misfit("a gateway has no sidecar: use `--side gateway` or `--side waypoint` with `--gateway`")
            }
            (Some(gateway), _) => {
                Ok(Map::new().field("targetRefs", Workloads::target_refs("Gateway", gateway)))
            }
            (None, Side::Waypoint) => {
                misfit("name the waypoint with `--gateway`: an EnvoyFilter is for all services behind it")
            }
            (None, _) if place.workload.is_empty() => Ok(Map::new()),
            (None, _) => Ok(Map::new().field("workloadSelector", Map::new().field("labels", place.labels()))),
        }
    }

    /// The ports to match, or none for all of them.
    fn ports(&self) -> impl Iterator<Item = Option<u16>> {
        let all = self.place.port.is_empty().then_some(None);
        all.into_iter().chain(self.place.port.iter().copied().map(Some))
    }

    fn upstream(&self) -> Result<(String, u16), Misfit> {
        if !matches!(self.place.side, Side::Outbound | Side::Gateway) {
            return misfit(
                "the document's `placement` is `upstream`, which is the caller's side: use `--side outbound` or `--side gateway`",
            );
        }
        match (self.place.host(), self.place.port.as_slice()) {
            (Some(host), [port]) => Ok((host, *port)),
            _ => misfit(
                "the document's `placement` is `upstream`: name the `--service` that is called, and its `--port`",
            ),
        }
    }

    /// One patch for each route and port.
    fn routes(&self, context: Context, faults: &Faults) -> Result<Vec<Map>, Misfit> {
        let ports = &self.place.port;
        if ports.is_empty() && (self.virtual_host.is_none() || context == "SIDECAR_OUTBOUND") {
            return misfit("`--per-route` needs the `--port` of the routes");
        }
        let rules = faults.rules_only();
        let mut patches = Vec::new();
        for port in self.ports() {
            let host = self.virtual_host(context, port)?;
            let table = port.filter(|_| context == "SIDECAR_OUTBOUND").map(|port| port.to_string());
            for route in &self.route {
                let any = context == "SIDECAR_INBOUND";
                let found =
                    if any { Map::new().field("action", "ANY") } else { Map::new().field("name", route) };
                let enabled = self.only.then(|| filter::enabled(&self.filter_name()));
                let value =
                    Map::new().field("metadata", metadata(&rules)).maybe("typed_per_filter_config", enabled);
                patches.push(patch::route(context, table.as_deref(), &host, found, value));
            }
        }
        Ok(patches)
    }

    fn virtual_host(&self, context: Context, port: Option<u16>) -> Result<String, Misfit> {
        if let Some(name) = &self.virtual_host {
            return Ok(name.clone());
        }
        match (context, self.place.host(), port) {
            ("SIDECAR_INBOUND", _, Some(port)) => Ok(format!("inbound|http|{port}")),
            ("SIDECAR_OUTBOUND", Some(host), Some(port)) => Ok(format!("{host}:{port}")),
            ("SIDECAR_OUTBOUND", None, _) => {
                misfit("`--per-route` needs the `--service` that is called, or the `--virtual-host`")
            }
            _ => misfit(
                "`--per-route` on a gateway needs the `--virtual-host`: `istioctl proxy-config routes` shows its name",
            ),
        }
    }

    fn warned(&self, rendered: Rendered, faults: &Faults) -> Rendered {
        let all_calls = self.place.side == Side::Outbound
            && self.place.service.is_some()
            && !self.per_route
            && !faults.is_upstream();
        let inbound_routes = self.per_route && self.context() == "SIDECAR_INBOUND";
        let mut rendered = rendered
            .warn(all_calls, "the filter sees calls to all services: give the rules a `match` on `authority`, or use `--per-route`")
            .warn(inbound_routes, "an inbound listener has a single route for each port: `--per-route` selects nothing there")
            .warn(faults.is_upstream(), FAILS_WITHOUT_MODULE)
            .warn(faults.changes_requests(), ROUTE_IS_CHOSEN_ANEW);
        rendered.warnings.extend(self.place.scope_warning());
        rendered
    }
}
