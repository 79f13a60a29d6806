//! A control plane: aggregated discovery over gRPC, one proxy at a time.

use crate::resource::Resource;
use envoy_types::pb::envoy::service::discovery::v3::aggregated_discovery_service_server::{
    AggregatedDiscoveryService, AggregatedDiscoveryServiceServer,
};
use envoy_types::pb::envoy::service::discovery::v3::{
    DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse,
};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;
use support::deadline::within_patience;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};
use tokio_stream::wrappers::ReceiverStream;
use tonic::codegen::Service;
use tonic::{Request, Response, Status, Streaming};

/// The name of the cluster through which Envoy reaches it.
pub const CLUSTER: &str = "control-plane";

/// A running control plane. It ends when it is dropped.
pub struct ControlPlane {
    address: SocketAddr,
    state: Shared,
    serving: JoinHandle<()>,
}

/// Envoy's answer to a push.
#[derive(Debug, Clone)]
pub enum Answer {
    /// Envoy accepted it, with an ACK.
    Taken {
        /// The moment when the ACK arrived.
        at: Instant,
    },
    /// Envoy refused it, with a NACK.
    Refused,
}

type Sender = mpsc::Sender<Result<DiscoveryResponse, Status>>;
type Shared = Arc<Mutex<State>>;

#[derive(Default)]
struct State {
    /// The resource of each kind, and how often it has changed.
    resources: BTreeMap<String, (u64, Resource)>,
    proxy: Option<Sender>,
    /// The pushes that wait for an answer, by nonce.
    waiting: BTreeMap<String, oneshot::Sender<Answer>>,
}

impl ControlPlane {
    /// Starts one that has these resources.
    pub async fn start(resources: impl IntoIterator<Item = Resource>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let resources = resources.into_iter().map(|each| (each.kind().to_owned(), (1, each))).collect();
        let state = Shared::new(Mutex::new(State { resources, ..State::default() }));
        let service = AggregatedDiscoveryServiceServer::new(Discovery(Arc::clone(&state)));
        let serving = tokio::spawn(serve(listener, service));
        Self { address, state, serving }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the bootstrap field that makes Envoy use it.
    pub fn dynamic_resources() -> Value {
        json!({ "ads_config": {
            "api_type": "GRPC",
            "transport_api_version": "V3",
            "grpc_services": [{ "envoy_grpc": { "cluster_name": CLUSTER } }],
        } })
    }

    /// Returns the `ConfigSource` for it.
    pub fn source() -> Value {
        json!({ "resource_api_version": "V3", "ads": {} })
    }

    /// Replaces the resource of its kind, and waits for Envoy's answer.
    pub async fn push(&self, resource: Resource) -> Answer {
        let (waiting, answer) = oneshot::channel();
        let (response, proxy) = {
            let mut state = lock(&self.state);
            let kind = resource.kind().to_owned();
            let version = state.resources.get(&kind).map_or(1, |(version, _)| version + 1);
            let response = response(&kind, version, resource.clone());
            state.resources.insert(kind, (version, resource));
            state.waiting.insert(response.nonce.clone(), waiting);
            (response, state.proxy.clone().expect("an Envoy that listens"))
        };
        proxy.send(Ok(response)).await.expect("the Envoy still listens");
        within_patience("an answer to a push", answer).await.expect("the stream is still there")
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, service: AggregatedDiscoveryServiceServer<Discovery>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let service = service.clone();
        let answering = service_fn(move |request| service.clone().call(request));
        let connection = http2::Builder::new(TokioExecutor::new());
        // An error here means that Envoy is exiting.
        connections
            .spawn(async move { connection.serve_connection(TokioIo::new(stream), answering).await.ok() });
    }
}

fn lock(state: &Shared) -> MutexGuard<'_, State> {
    state.lock().expect("no one panicked")
}

fn response(kind: &str, version: u64, resource: Resource) -> DiscoveryResponse {
    DiscoveryResponse {
        version_info: version.to_string(),
        resources: vec![resource.into_any()],
        type_url: kind.to_owned(),
        nonce: format!("{version} of {kind}"),
        ..DiscoveryResponse::default()
    }
}

struct Discovery(Shared);

#[tonic::async_trait]
impl AggregatedDiscoveryService for Discovery {
    type StreamAggregatedResourcesStream = ReceiverStream<Result<DiscoveryResponse, Status>>;

    async fn stream_aggregated_resources(
        &self,
        request: Request<Streaming<DiscoveryRequest>>,
    ) -> Result<Response<Self::StreamAggregatedResourcesStream>, Status> {
        let (sender, receiver) = mpsc::channel(16);
        lock(&self.0).proxy = Some(sender.clone());
        let state = Arc::clone(&self.0);
        tokio::spawn(listen(request.into_inner(), sender, state));
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    type DeltaAggregatedResourcesStream = ReceiverStream<Result<DeltaDiscoveryResponse, Status>>;

    async fn delta_aggregated_resources(
        &self,
        _: Request<Streaming<DeltaDiscoveryRequest>>,
    ) -> Result<Response<Self::DeltaAggregatedResourcesStream>, Status> {
        Err(Status::unimplemented("ask for the state of the world"))
    }
}

async fn listen(mut requests: Streaming<DiscoveryRequest>, sender: Sender, state: Shared) {
    // An error here is Envoy that ends.
    while let Ok(Some(request)) = requests.message().await {
        let at = Instant::now();
        if request.response_nonce.is_empty() {
            let first = lock(&state).resources.get(&request.type_url).cloned();
            if let Some((version, resource)) = first {
                sender.send(Ok(response(&request.type_url, version, resource))).await.ok();
            }
        } else if let Some(waiting) = lock(&state).waiting.remove(&request.response_nonce) {
            let answer = match request.error_detail {
                None => Answer::Taken { at },
                Some(_) => Answer::Refused,
            };
            waiting.send(answer).ok();
        }
    }
}
