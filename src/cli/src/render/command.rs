//! `brownout render`: manifests for a mesh, from a document.

use super::faults::Faults;
use super::istio::extension::Resource;
use super::istio::{envoy_filter, extension};
use super::{Misfit, Rendered, cilium, envoy, envoy_gateway, kuma};
use crate::terminal::{Done, mistaken, open, print, unusable, warn};
use std::path::Path;

/// Turn a document into manifests that a mesh applies.
///
/// YAML goes to standard output, warnings to standard error. docs/meshes.md explains which target to use, and how to
/// change and stop what is running.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    target: Target,
}

#[derive(Debug, clap::Subcommand)]
enum Target {
    /// Plain Envoy: a bootstrap and the files that go with it.
    #[command(
        after_help = "Example:\n  brownout render envoy faults.yaml > envoy.yaml\n  brownout render envoy faults.yaml --part filter > xds/brownout.yaml"
    )]
    Envoy(envoy::Arguments),
    /// Istio 1.12 and later, by image or file: sidecars, gateways, waypoints.
    #[command(
        after_help = "Example:\n  brownout render istio-wasmplugin faults.yaml --namespace demo --workload app=reviews --image registry.example/brownout:0.2.0 | kubectl apply -f -"
    )]
    IstioWasmplugin(extension::Arguments),
    /// Istio 1.30 and later: the successor of WasmPlugin.
    #[command(
        after_help = "Example:\n  brownout render istio-trafficextension faults.yaml --side waypoint --service reviews --image registry.example/brownout:0.2.0 | kubectl apply -f -"
    )]
    IstioTrafficextension(extension::Arguments),
    /// Istio, for what the others cannot do: rules on routes, the placement `upstream`, a file without a registry.
    #[command(
        after_help = "Example:\n  brownout render istio-envoyfilter faults.yaml --namespace demo --workload app=productpage --side outbound --service reviews --port 8080 --per-route | kubectl apply -f -"
    )]
    IstioEnvoyfilter(envoy_filter::Arguments),
    /// Cilium 1.15 and later.
    #[command(
        after_help = "Example:\n  brownout render cilium faults.yaml --namespace demo --service reviews --port 8080 | kubectl apply -f -"
    )]
    Cilium(cilium::Arguments),
    /// Envoy Gateway.
    #[command(
        after_help = "Example:\n  brownout render envoy-gateway faults.yaml --namespace demo --route reviews --image registry.example/brownout:0.2.0 | kubectl apply -f -"
    )]
    EnvoyGateway(envoy_gateway::Arguments),
    /// Kuma and Kong Mesh.
    #[command(
        after_help = "Example:\n  brownout render kuma faults.yaml --workload app=reviews | kubectl apply -f -"
    )]
    Kuma(kuma::Arguments),
}

impl Target {
    fn file(&self) -> &Path {
        match self {
            Self::Envoy(arguments) => &arguments.common.file,
            Self::IstioWasmplugin(arguments) | Self::IstioTrafficextension(arguments) => {
                &arguments.common.file
            }
            Self::IstioEnvoyfilter(arguments) => &arguments.common.file,
            Self::Cilium(arguments) => &arguments.common.file,
            Self::EnvoyGateway(arguments) => &arguments.common.file,
            Self::Kuma(arguments) => &arguments.common.file,
        }
    }

    fn render(&self, faults: &Faults) -> Result<Rendered, Misfit> {
        match self {
            Self::Envoy(arguments) => arguments.render(faults),
            Self::IstioWasmplugin(arguments) => arguments.render(Resource::WasmPlugin, faults),
            Self::IstioTrafficextension(arguments) => arguments.render(Resource::TrafficExtension, faults),
            Self::IstioEnvoyfilter(arguments) => arguments.render(faults),
            Self::Cilium(arguments) => arguments.render(faults),
            Self::EnvoyGateway(arguments) => arguments.render(faults),
            Self::Kuma(arguments) => arguments.render(faults),
        }
    }
}

/// Runs it: 0 when there is something to apply, 1 when the document is wrong, 2 when it cannot be read or does not fit
/// the target.
pub fn run(arguments: &Arguments) -> Done {
    let document = open(arguments.target.file())?;
    let faults = Faults::read(&document).map_err(|mistakes| mistaken(&document, &mistakes))?;
    let Rendered { text, warnings } = arguments.target.render(&faults).map_err(unusable)?;
    warnings.iter().for_each(warn);
    print(text);
    Ok(())
}
