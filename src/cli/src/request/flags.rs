//! Requests from the arguments of a command.

use super::{Request, Unusable, Url, access_log, curl, har, read};
use brownout_core::view::Property;
use std::path::PathBuf;

/// The requests to use, from at most one of these sources.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct RequestArguments {
    /// The URL of a single request; -X and -H set its method and headers.
    #[arg(long, value_name = "URL", group = "source", help_heading = "Requests")]
    request: Option<String>,
    /// The method of --request.
    #[arg(
        short = 'X',
        long = "method",
        value_name = "METHOD",
        requires = "request",
        help_heading = "Requests"
    )]
    method: Option<String>,
    /// A header of --request: `name: value`. May be given several times.
    #[arg(
        short = 'H',
        long = "header",
        value_name = "HEADER",
        requires = "request",
        help_heading = "Requests"
    )]
    headers: Vec<String>,
    /// The request that a curl command line would send.
    #[arg(long, value_name = "COMMAND", group = "source", help_heading = "Requests")]
    curl: Option<String>,
    /// The requests of a HAR file, as browsers save it; `-` is standard input.
    #[arg(long, value_name = "FILE", group = "source", help_heading = "Requests")]
    har: Option<PathBuf>,
    /// The requests in an Envoy access log: JSON lines, Envoy's default format, or Istio's.
    #[arg(long, value_name = "FILE", group = "source", help_heading = "Requests")]
    access_log: Option<PathBuf>,
    #[command(flatten)]
    facts: Facts,
}

/// Facts that the proxy knows and a request does not contain.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Facts {
    /// The name of the route in use.
    #[arg(long, value_name = "NAME", help_heading = "What the proxy knows")]
    route: Option<String>,
    /// The name of its virtual host.
    #[arg(long, value_name = "NAME", help_heading = "What the proxy knows")]
    virtual_host: Option<String>,
    /// The cluster that the route leads to.
    #[arg(long, value_name = "NAME", help_heading = "What the proxy knows")]
    cluster: Option<String>,
    /// The address that the request comes from.
    #[arg(long, value_name = "IP", help_heading = "What the proxy knows")]
    source_ip: Option<std::net::IpAddr>,
    /// The first URI SAN of the peer's certificate.
    #[arg(long, value_name = "URI", help_heading = "What the proxy knows")]
    principal: Option<String>,
    /// The listener's direction.
    #[arg(long, value_name = "DIRECTION", help_heading = "What the proxy knows")]
    direction: Option<DirectionArgument>,
    /// The document in the route's metadata, for documents with `per_route`; JSON.
    #[arg(long, value_name = "FILE", help_heading = "What the proxy knows")]
    route_document: Option<PathBuf>,
    /// The proxy's node id.
    #[arg(long, value_name = "ID", help_heading = "What the proxy knows")]
    node_id: Option<String>,
    /// The proxy's cluster, as in its bootstrap.
    #[arg(long, value_name = "NAME", help_heading = "What the proxy knows")]
    node_cluster: Option<String>,
    /// The namespace in the proxy's metadata.
    #[arg(long, value_name = "NAME", help_heading = "What the proxy knows")]
    node_namespace: Option<String>,
    /// A label in the proxy's metadata: `name=value`. May be given several times.
    #[arg(long = "node-label", value_name = "LABEL", value_parser = label, help_heading = "What the proxy knows")]
    node_labels: Vec<(String, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum DirectionArgument {
    Inbound,
    Outbound,
}

fn label(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write `name=value`")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Returns the option that sets a fact which the request itself does not contain.
pub fn option_for(property: Property<'_>) -> &'static str {
    match property {
        Property::RouteName => "--route",
        Property::VirtualHostName => "--virtual-host",
        Property::ClusterName => "--cluster",
        Property::SourceAddress => "--source-ip",
        Property::PeerUriSan => "--principal",
        Property::ListenerDirection => "--direction",
        Property::NodeId => "--node-id",
        Property::NodeCluster => "--node-cluster",
        Property::NodeNamespace => "--node-namespace",
        Property::NodeLabel(_) => "--node-label",
        Property::RouteDocument | Property::VirtualHostDocument => "--route-document",
    }
}

impl RequestArguments {
    /// Returns the requests: `None` if the arguments name no source.
    ///
    /// # Errors
    /// Why there are none.
    pub fn requests(&self) -> Result<Option<Vec<Request>>, Unusable> {
        let found = match (&self.request, &self.curl, &self.har, &self.access_log) {
            (Some(url), ..) => vec![self.one_of_flags(url)?],
            (_, Some(line), ..) => vec![curl::parse(line)?],
            (_, _, Some(file), _) => not_empty(har::open(file)?, file)?,
            (_, _, _, Some(file)) => not_empty(access_log::open(file)?, file)?,
            _ => return Ok(None),
        };
        let of_route = self.facts.read_route_document()?;
        Ok(Some(found.into_iter().map(|request| self.facts.told(request, of_route.as_deref())).collect()))
    }

    /// Returns what the proxy knows.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    fn one_of_flags(&self, url: &str) -> Result<Request, Unusable> {
        let url = Url::parse(url).map_err(|reason| Unusable::wrong("--request", reason))?;
        let mut request = Request::new(self.method.as_deref().unwrap_or("GET"), &url);
        for header in &self.headers {
            let split = header.split_once(':').filter(|(name, _)| !name.trim().is_empty());
            let (name, value) = split.ok_or_else(|| {
                Unusable::wrong("-H", format!("`{header}` is not a header: write `name: value`"))
            })?;
            request.add(name.trim(), value.trim().as_bytes());
        }
        Ok(request)
    }
}

fn not_empty(requests: Vec<Request>, file: &std::path::Path) -> Result<Vec<Request>, Unusable> {
    if requests.is_empty() {
        Err(Unusable::wrong(file.display().to_string(), "contains no requests"))
    } else {
        Ok(requests)
    }
}

impl Facts {
    /// The text of the route's document.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn read_route_document(&self) -> Result<Option<String>, Unusable> {
        self.route_document.as_deref().map(|file| read(file).map(|(_, text)| text)).transpose()
    }

    /// Returns a request with these facts instead of its own.
    pub fn told(&self, mut request: Request, route_document: Option<&str>) -> Request {
        let direction = |direction: DirectionArgument| match direction {
            DirectionArgument::Inbound => 1_u64.to_le_bytes().to_vec(),
            DirectionArgument::Outbound => 2_u64.to_le_bytes().to_vec(),
        };
        let text = |value: &Option<String>| value.as_ref().map(|value| value.as_bytes().to_vec());
        let facts = [
            (Property::RouteName, text(&self.route)),
            (Property::VirtualHostName, text(&self.virtual_host)),
            (Property::ClusterName, text(&self.cluster)),
            (Property::SourceAddress, self.source_ip.map(|address| address.to_string().into_bytes())),
            (Property::PeerUriSan, text(&self.principal)),
            (Property::ListenerDirection, self.direction.map(direction)),
            (Property::RouteDocument, route_document.map(|text| text.as_bytes().to_vec())),
            (Property::NodeId, text(&self.node_id)),
            (Property::NodeCluster, text(&self.node_cluster)),
            (Property::NodeNamespace, text(&self.node_namespace)),
        ];
        for (property, value) in facts {
            if let Some(value) = value {
                request.know(property, value);
            }
        }
        if !self.node_labels.is_empty() {
            request.labels.clone_from(&self.node_labels);
        }
        request
    }
}
