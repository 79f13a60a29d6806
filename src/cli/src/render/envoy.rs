//! Plain Envoy: a bootstrap, and the files through which its filter and routes can change at runtime.

use super::faults::Faults;
use super::filter::{self, Code, metadata, wasm};
use super::gate::Gate;
use super::given::{Common, Gated, ModulePath, Sharing, absolute};
use super::yaml::{self, Map, Yaml};
use super::{Misfit, ROUTE_IS_CHOSEN_ANEW, Rendered, misfit};
use crate::{document, evidence};
use brownout_core::decode::json::Json;
use std::net::SocketAddr;
use std::str::FromStr;

const USUAL_PATH: &str = "/etc/envoy/brownout.wasm";

/// One of the files that `render envoy` can print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// The configuration that Envoy starts with; it names the other files.
    Bootstrap,
    /// `brownout.yaml`: the module and its document.
    Filter,
    /// `routes.yaml`: the routes with their rules, for `--per-route`.
    Routes,
}

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Service {
    host: String,
    port: u16,
}

impl FromStr for Service {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
        match parts {
            Some((host, port)) if !host.is_empty() && port > 0 => {
                Ok(Self { host: host.trim_matches(['[', ']']).into(), port })
            }
            _ => Err("expected a host and a port, such as `127.0.0.1:8080`".into()),
        }
    }
}

#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    pub common: Common,
    /// The file to print.
    #[arg(long, value_name = "PART", default_value = "bootstrap")]
    part: Part,
    /// The address that Envoy listens on.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:10000")]
    listen: SocketAddr,
    /// The address of the service behind Envoy.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8080")]
    upstream: Service,
    /// The directory of the other files, as Envoy sees it.
    #[arg(long, value_name = "PATH", default_value = "/etc/envoy/xds", value_parser = absolute)]
    folder: String,
    /// Put the rules into the metadata of the route.
    #[arg(long)]
    per_route: bool,
    /// Send only requests whose path begins with this through the module; all if absent.
    #[arg(long, value_name = "PATH", value_parser = absolute)]
    prefix: Vec<String>,
    #[command(flatten)]
    gated: Gated,
    #[command(flatten)]
    module: ModulePath,
    #[command(flatten)]
    sharing: Sharing,
}

impl Arguments {
    pub(super) fn render(&self, faults: &Faults) -> Result<Rendered, Misfit> {
        let gate = Gate::wanted(self.gated, self.per_route, faults)?;
        self.check_prefixes(faults)?;
        let map = match self.part {
            Part::Bootstrap => self.bootstrap(faults),
            Part::Filter => self.discovery(&format!("The module and its document, for {}/brownout.yaml. Move a new version into place (`mv`): Envoy sees that, and\nrequests that are being held finish under the old one.", self.folder), self.extension(faults, gate.as_ref())),
            Part::Routes if self.per_route => self.discovery(&format!("The routes and their rules, for {}/routes.yaml.", self.folder), self.routes(faults)),
            Part::Routes => return misfit("without `--per-route`, the routes are in the bootstrap"),
        };
        let warnings = gate.iter().filter_map(Gate::warning).collect();
        let rendered = Rendered { text: yaml::text(&map), warnings };
        let rendered = rendered.warn(faults.is_upstream(), filter::FAILS_WITHOUT_MODULE);
        Ok(rendered.warn(faults.changes_requests(), ROUTE_IS_CHOSEN_ANEW))
    }

    fn check_prefixes(&self, faults: &Faults) -> Result<(), Misfit> {
        if self.prefix.iter().any(|prefix| prefix == "/") {
            return misfit("`--prefix /` matches every request: leave it out");
        }
        if faults.is_upstream() && !self.prefix.is_empty() {
            return misfit(
                "a route can bypass the module only in a listener, but the document's `placement` is `upstream`: leave `--prefix` out",
            );
        }
        Ok(())
    }

    fn discovery(&self, about: &str, resource: Map) -> Map {
        Map::new()
            .comment(about)
            .field("version_info", Yaml::Quoted("1".into()))
            .field("resources", vec![resource])
    }

    fn extension(&self, faults: &Faults, gate: Option<&Gate>) -> Map {
        let document = if self.per_route { faults.without_rules() } else { faults.whole() };
        let path = self.module.module_path.clone().unwrap_or_else(|| USUAL_PATH.into());
        let name = &self.common.name.0;
        let wasm = wasm(name, &document, &Code::File(path), self.sharing.vm_id(name));
        let config = if let Some(gate) = gate { gate.around(name, wasm) } else { wasm };
        Map::new()
            .field("@type", "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig")
            .field("name", name)
            .field("typed_config", config)
    }

    fn source(&self, file: &str) -> Map {
        let path = Map::new()
            .field("path", format!("{}/{file}", self.folder))
            .comment(
                "Sees files that are moved into place, and the symbolic links of a Kubernetes ConfigMap.",
            )
            .field("watched_directory", Map::new().field("path", &self.folder));
        Map::new().field("resource_api_version", "V3").field("path_config_source", path)
    }

    fn bootstrap(&self, faults: &Faults) -> Map {
        let admin = socket_address("127.0.0.1", 9901);
        let node = Map::new().field("id", "brownout").field("cluster", "brownout");
        let resources = Map::new()
            .field("listeners", vec![self.listener(faults)])
            .field("clusters", vec![self.cluster(faults)]);
        Map::new()
            .comment("Envoy with Brownout before one service. Beside it: `--part filter`, as brownout.yaml.")
            .field("node", node)
            .field("admin", Map::new().field("address", admin))
            .comment("Rule and fault are labels: brownout_rule_injected{rule=\"slow\",fault=\"delay\"}.")
            .field("stats_config", Map::new().field("stats_tags", tags()))
            .field("static_resources", resources)
    }

    fn listener(&self, faults: &Faults) -> Map {
        let ours = (!faults.is_upstream())
            .then(|| filter::discovered(&self.common.name.0, self.source("brownout.yaml"), self.gated));
        let manager = Map::new()
            .field("@type", filter::HTTP.1)
            .field("stat_prefix", "front")
            .field("upgrade_configs", vec![Map::new().field("upgrade_type", "websocket")])
            .comment("A held request is idle; the default would end it after five minutes.")
            .field("stream_idle_timeout", "0s")
            .comment("How long a reset is delayed. At 0, a client that is still sending might be cut off before it reads the response.")
            .field("delayed_close_timeout", filter::DELAYED_CLOSE);
        let manager = if self.per_route {
            let rds = Map::new()
                .field("route_config_name", "front")
                .field("config_source", self.source("routes.yaml"));
            manager.field("rds", rds)
        } else {
            manager.field("route_config", self.table(None))
        };
        let manager =
            manager.field("http_filters", ours.into_iter().chain([filter::router()]).collect::<Vec<_>>());
        let filter = Map::new().field("name", filter::HTTP.0).field("typed_config", manager);
        Map::new()
            .field("name", "front")
            .field("address", socket_address(&self.listen.ip().to_string(), self.listen.port()))
            .comment("What rules call `direction`.")
            .field("traffic_direction", if faults.is_upstream() { "OUTBOUND" } else { "INBOUND" })
            .field("filter_chains", vec![Map::new().field("filters", vec![filter])])
    }

    fn routes(&self, faults: &Faults) -> Map {
        self.table(Some(metadata(&faults.rules_only())))
    }

    fn table(&self, rules: Option<Map>) -> Map {
        let kind = rules.is_some().then_some("type.googleapis.com/envoy.config.route.v3.RouteConfiguration");
        let routes = if self.prefix.is_empty() {
            vec![route("service", "/").maybe("metadata", rules)]
        } else {
            let faulted = self.prefix.iter().enumerate().map(|(index, prefix)| {
                route(&format!("faulted-{}", index + 1), prefix).maybe("metadata", rules.clone())
            });
            let rest = route("rest", "/")
                .comment("All other requests bypass the module.")
                .field("typed_per_filter_config", filter::disabled(&self.common.name.0));
            faulted.chain([rest]).collect()
        };
        let host = Map::new()
            .field("name", "service")
            .field("domains", vec![Yaml::from("*")])
            .field("routes", routes);
        Map::new().maybe("@type", kind).field("name", "front").field("virtual_hosts", vec![host])
    }

    fn cluster(&self, faults: &Faults) -> Map {
        let options = if faults.is_upstream() {
            filter::upstream_options(
                filter::discovered_upstream(&self.common.name.0, self.source("brownout.yaml")),
                filter::as_downstream(),
            )
        } else {
            filter::protocol_options(filter::as_downstream())
        };
        let Service { host, port } = &self.upstream;
        let endpoint = Map::new().field("address", socket_address(host, *port));
        let endpoints = Map::new().field("lb_endpoints", vec![Map::new().field("endpoint", endpoint)]);
        let assignment = Map::new().field("cluster_name", "service").field("endpoints", vec![endpoints]);
        Map::new()
            .field("name", "service")
            .comment("A name is looked up; an address is one too.")
            .field("type", "STRICT_DNS")
            .field("connect_timeout", "5s")
            .field("load_assignment", assignment)
            .field("typed_extension_protocol_options", options)
    }
}

fn route(name: &str, prefix: &str) -> Map {
    let action = Map::new()
        .field("cluster", "service")
        .comment("Decide: a held request of the placement `upstream` counts against this, and retries need a policy here.")
        .field("timeout", "0s");
    Map::new().field("name", name).field("match", Map::new().field("prefix", prefix)).field("route", action)
}

/// Returns the tags that make rule and fault labels, for Prometheus and others: the file in `envoy/`, which operators
/// also use alone.
fn tags() -> Yaml {
    let file = document::yaml::read(evidence::STATS_TAGS);
    // The file is part of this program, and a test reads what is printed.
    let tags = file.ok().flatten().and_then(|tags| Json::parse(tags.text().as_bytes()).ok());
    tags.map_or_else(|| Yaml::List(Vec::new()), |tags| Yaml::from(&tags))
}

fn socket_address(host: &str, port: u16) -> Map {
    Map::new().field("socket_address", Map::new().field("address", host).field("port_value", port))
}
