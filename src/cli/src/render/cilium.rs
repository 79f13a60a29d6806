//! Cilium's CiliumEnvoyConfig, for one namespace or the whole cluster.
//!
//! The listener never changes: an edit to a listener reaches open connections only as they drain, an edit to a route
//! table reaches them at once. So the rules are in the routes. Everything here is built into Cilium's Envoy; a test has
//! the list.

use super::faults::Faults;
use super::filter::{self, Code, metadata, wasm};
use super::given::{Common, Label, ModulePath, Name, Ungated};
use super::yaml::{Map, Yaml};
use super::{Misfit, ROUTE_IS_CHOSEN_ANEW, Rendered, misfit, resource};

/// The module's path if it is mounted as the README of `cilium/` shows.
const USUAL_PATH: &str = "/var/lib/wasm/brownout.wasm";

#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    pub common: Common,
    #[command(flatten)]
    ungated: Ungated,
    /// The namespace of the service, and of the resource unless it is cluster-wide.
    #[arg(long, value_name = "NAME", default_value = "default")]
    namespace: Name,
    /// The service whose traffic gets the faults.
    #[arg(long, value_name = "NAME")]
    service: Name,
    /// The port of the service.
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// Apply the rules only to requests whose path begins with this; all if absent.
    #[arg(long, value_name = "PATH", value_parser = super::given::absolute)]
    prefix: Vec<String>,
    /// Render a CiliumClusterwideEnvoyConfig.
    #[arg(long)]
    clusterwide: bool,
    /// A label of the nodes that get the resource.
    #[arg(long, value_name = "KEY=VALUE", requires = "clusterwide")]
    node: Vec<Label>,
    #[command(flatten)]
    module: ModulePath,
}

impl Arguments {
    pub(super) fn render(&self, faults: &Faults) -> Result<Rendered, Misfit> {
        self.ungated.check("Cilium's Envoy is built without the composite filter, which a gate needs")?;
        if self.prefix.iter().any(|prefix| prefix == "/") {
            return misfit("`--prefix /` matches every request: leave it out");
        }
        let labels = |map: Map, label: &Label| map.field(&label.key, &label.value);
        let nodes = self.node.iter().fold(Map::new(), labels);
        let nodes = (!self.node.is_empty()).then(|| Map::new().field("matchLabels", nodes));
        let spec = Map::new()
            .maybe("nodeSelector", nodes)
            .field("services", vec![self.redirected()])
            .field("resources", vec![self.listener(faults), self.routes(faults), self.cluster(faults)]);
        let kind = if self.clusterwide { "CiliumClusterwideEnvoyConfig" } else { "CiliumEnvoyConfig" };
        let about = "Brownout in Cilium's Envoy, Cilium 1.15 and later.";
        let manifest = resource(about, "cilium.io/v2", kind, self.metadata(), spec);
        Ok(Rendered::new(&manifest)
            .warn(
                faults.answers_with(403),
                "Hubble shows an injected 403 as a denial by policy: use another status",
            )
            .warn(faults.changes_requests(), ROUTE_IS_CHOSEN_ANEW))
    }

    fn metadata(&self) -> Map {
        let namespace = (!self.clusterwide).then_some(&self.namespace.0);
        let annotations =
            Map::new().field("cec.cilium.io/use-original-source-address", Yaml::Quoted("false".into()));
        Map::new()
            .field("name", &self.common.name.0)
            .maybe("namespace", namespace)
            .comment("The right value for traffic between services; `true` is for traffic that leaves the cluster.")
            .field("annotations", annotations)
    }

    fn redirected(&self) -> Map {
        Map::new()
            .field("name", &self.service.0)
            .field("namespace", &self.namespace.0)
            .field("ports", vec![Yaml::from(self.port)])
            .field("listener", "brownout")
    }

    /// Returns Cilium's name for the service's endpoints. The agent leaves a name with a `/` unchanged.
    fn backend(&self) -> String {
        format!("{}/{}:{}", self.namespace, self.service, self.port)
    }

    fn filter(&self, faults: &Faults) -> Map {
        let path = self.module.module_path.clone().unwrap_or_else(|| USUAL_PATH.into());
        let vm = format!("{}.{}", self.namespace, self.common.name);
        let config = wasm(&self.common.name.0, &faults.without_rules(), &Code::File(path), Some(&vm));
        let about = if faults.is_upstream() {
            "The document without its rules."
        } else {
            "The document without its rules. Leave it as it is while requests flow: an edit here reaches open\nconnections only as they drain, which takes up to ten minutes."
        };
        Map::new().comment(about).field("name", "envoy.filters.http.wasm").field("typed_config", config)
    }

    fn listener(&self, faults: &Faults) -> Map {
        let ours = (!faults.is_upstream()).then(|| self.filter(faults));
        let filters: Vec<Map> = ours.into_iter().chain([filter::router()]).collect();
        let manager = Map::new()
            .field("@type", filter::HTTP.1)
            .field("stat_prefix", &self.common.name.0)
            .field("rds", Map::new().field("route_config_name", "brownout"))
            .field("use_remote_address", true)
            .field("skip_xff_append", true)
            .comment("How long a reset is delayed. At 0, a client that is still sending might be cut off before it reads the response.")
            .field("delayed_close_timeout", filter::DELAYED_CLOSE)
            .comment("A held request is idle; the default would end it after five minutes.")
            .field("stream_idle_timeout", "0s")
            .field("upgrade_configs", vec![Map::new().field("upgrade_type", "websocket")])
            .field("http_filters", filters);
        let filter = Map::new().field("name", filter::HTTP.0).field("typed_config", manager);
        Map::new()
            .field("@type", "type.googleapis.com/envoy.config.listener.v3.Listener")
            .field("name", "brownout")
            .field("filter_chains", vec![Map::new().field("filters", vec![filter])])
    }

    fn routes(&self, faults: &Faults) -> Map {
        let rules = faults.rules_only();
        let route = |name: &str, prefix: &str, faulted: bool| {
            let action = Map::new()
                .field("cluster", self.backend())
                .comment("No timeout, as without Brownout; the default is 15 seconds.")
                .field("timeout", "0s");
            let map = Map::new()
                .field("name", name)
                .field("match", Map::new().field("prefix", prefix))
                .field("route", action);
            let why = "The rules. Every edit reaches open connections at once. To stop: {\"rules\": []}; delete later.";
            if faulted { map.comment(why).field("metadata", metadata(&rules)) } else { map }
        };
        let mut routes: Vec<Map> = Vec::new();
        for (index, prefix) in self.prefix.iter().enumerate() {
            routes.push(route(&format!("faulted-{}", index + 1), prefix, true));
        }
        routes.push(route("rest", "/", routes.is_empty()));
        let host = Map::new()
            .field("name", &self.service.0)
            .field("domains", vec![Yaml::from("*")])
            .field("routes", routes);
        Map::new()
            .field("@type", "type.googleapis.com/envoy.config.route.v3.RouteConfiguration")
            .field("name", "brownout")
            .field("virtual_hosts", vec![host])
    }

    fn cluster(&self, faults: &Faults) -> Map {
        let options = if faults.is_upstream() {
            filter::upstream_options(self.filter(faults), filter::as_downstream())
        } else {
            filter::protocol_options(filter::as_downstream())
        };
        Map::new()
            .field("@type", "type.googleapis.com/envoy.config.cluster.v3.Cluster")
            .field("name", self.backend())
            .field("connect_timeout", "5s")
            .field("lb_policy", "ROUND_ROBIN")
            .field("type", "EDS")
            .field("typed_extension_protocol_options", options)
    }
}
