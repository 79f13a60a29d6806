//! The command line of `brownout import`.

use super::{Choices, istio};
use crate::arguments::{Format, time};
use brownout_core::value::timestamp::Timestamp;
use std::path::PathBuf;

/// Turn another tool's faults into a document.
///
/// The document goes to standard output, notes about it to standard error. docs/import.md lists what each field
/// becomes.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    pub(super) kind: Tool,
}

#[derive(Debug, clap::Subcommand)]
pub(super) enum Tool {
    /// Import from Envoy's own fault filter, `envoy.filters.http.fault`.
    ///
    /// The input is an HTTPFault message, an HTTP filter with one, or a bootstrap, listener or route configuration with
    /// any number of them; YAML or JSON.
    #[command(
        after_help = "Example:\n  brownout import envoy bootstrap.yaml > faults.json && brownout check faults.json"
    )]
    Envoy {
        /// The configuration; `-` is standard input.
        file: PathBuf,
        #[command(flatten)]
        common: InputOptions,
    },
    /// Import Chaos Mesh's HTTPChaos, alone or in a Schedule or a Workflow.
    ///
    /// The input is any number of manifests, YAML or JSON; those of other kinds are skipped.
    #[command(
        after_help = "Example:\n  brownout import chaos-mesh chaos.yaml > faults.json && brownout check faults.json"
    )]
    ChaosMesh(Experiments),
    /// Import the chaos rules of Cilium's network policies, `l7proto: chaos`.
    ///
    /// The input is any number of policies, or the `rules` of one; YAML or JSON.
    #[command(
        after_help = "Example:\n  brownout import cilium policy.yaml > faults.json && brownout check faults.json"
    )]
    Cilium {
        /// Manifests; `-` is standard input.
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
        /// Affect as many responses as Cilium does, which draws twice: 0.8 gives 64 %. This is the default.
        #[arg(long, conflicts_with = "intended")]
        faithful: bool,
        /// Affect as many responses as the probability suggests: 0.8 gives 80 %.
        #[arg(long)]
        intended: bool,
        /// Add the headers in which Cilium reports what it did, `X-Cilium-Delay` and `X-Cilium-Modified-Status-Code`.
        #[arg(long)]
        cilium_headers: bool,
        /// Select pods in the rules, by the namespace and labels that their proxies report, as Istio's do.
        #[arg(long)]
        select_pods: bool,
        #[command(flatten)]
        common: InputOptions,
    },
    /// Import the gRPC disruptions of Datadog's chaos controller.
    ///
    /// The input is any number of Disruptions, YAML or JSON; manifests of other kinds are skipped.
    #[command(
        after_help = "Example:\n  brownout import datadog disruption.yaml > faults.json && brownout check faults.json"
    )]
    Datadog(Experiments),
    /// Import the faults of Envoy Gateway's BackendTrafficPolicies.
    ///
    /// The input is any number of manifests, YAML or JSON; those of other kinds are skipped.
    #[command(
        after_help = "Example:\n  brownout import envoy-gateway policy.yaml > faults.json && brownout check faults.json"
    )]
    EnvoyGateway(Policies),
    /// Import Kuma's MeshFaultInjections.
    ///
    /// The input is any number of policies, in Kubernetes's format or Kuma's own, YAML or JSON.
    #[command(
        after_help = "Example:\n  brownout import kuma policy.yaml > faults.json && brownout check faults.json"
    )]
    Kuma(Policies),
    /// Import Toxiproxy's toxics.
    ///
    /// The input is what its API returns for all proxies (`GET /proxies`) or for one, or toxics alone.
    #[command(
        after_help = "Example:\n  brownout import toxiproxy proxies.json --proxy shop > faults.json && brownout check faults.json"
    )]
    Toxiproxy {
        /// The JSON; `-` is standard input.
        file: PathBuf,
        /// Which of several proxies the document is for.
        #[arg(long, value_name = "NAME")]
        proxy: Option<String>,
        #[command(flatten)]
        common: InputOptions,
    },
    /// Import Litmus's pod-http experiments.
    ///
    /// The input is any number of ChaosEngines, YAML or JSON; manifests of other kinds are skipped.
    #[command(
        after_help = "Example:\n  brownout import litmus engine.yaml > faults.json && brownout check faults.json"
    )]
    Litmus(Experiments),
    /// Import the faults of Istio's VirtualServices.
    ///
    /// The input is any number of manifests, YAML or JSON; those of other kinds are skipped.
    #[command(
        after_help = "Example:\n  brownout import istio reviews.yaml > faults.json && brownout check faults.json"
    )]
    Istio {
        /// Manifests; `-` is standard input.
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
        /// The proxies that the document is for: `mesh` means all sidecars, any other name a gateway.
        #[arg(long, value_name = "NAME", default_value = istio::MESH)]
        gateway: String,
        /// The namespace of manifests that do not name one.
        #[arg(long, value_name = "NAME", default_value = "default")]
        namespace: String,
        #[command(flatten)]
        common: InputOptions,
    },
}

/// The arguments of importers that read a mesh's policies.
#[derive(Debug, clap::Args)]
pub(super) struct Policies {
    /// Manifests; `-` is standard input.
    #[arg(value_name = "FILE", required = true)]
    pub(super) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) common: InputOptions,
}

/// The arguments of importers that read a chaos tool's manifests.
#[derive(Debug, clap::Args)]
pub(super) struct Experiments {
    /// Manifests; `-` is standard input.
    #[arg(value_name = "FILE", required = true)]
    pub(super) files: Vec<PathBuf>,
    /// When the experiment starts, such as 2026-11-22T13:00:00Z: durations become `not_before` and `not_after`.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(super) starting_at: Option<Timestamp>,
    /// Select pods in the rules, by the namespace and labels that their proxies report, as Istio's do.
    #[arg(long)]
    pub(super) select_pods: bool,
    #[command(flatten)]
    pub(super) common: InputOptions,
}

impl Experiments {
    /// Returns the options that all importers of chaos tools share.
    pub(super) fn choices(&self) -> Choices {
        Choices { partial: self.common.partial, starting_at: self.starting_at, select_pods: self.select_pods }
    }
}

#[derive(Debug, clap::Args)]
pub(super) struct InputOptions {
    /// Leave out what cannot be imported, with a note, instead of failing.
    #[arg(long)]
    pub(super) partial: bool,
    /// The output format: `text`, or `json` for one object with document, notes and mistakes on standard output.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(super) format: Format,
}
