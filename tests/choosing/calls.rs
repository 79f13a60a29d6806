//! gRPC calls with a third-party client and server.

use crate::stage::{MAIN, Stage, discovered, rules};
use http::uri::PathAndQuery;
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use support::client::{Connection, Protocol, Request};
use support::envoy::{Bootstrap, Cluster, Listener};
use support::grpc::Plain;
use tokio::net::{TcpListener, TcpStream};
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::{Code, Status};

/// Answers every call with its own message.
#[derive(Clone)]
struct Echo;

impl Service<tonic::Request<Vec<u8>>> for Echo {
    type Response = tonic::Response<Vec<u8>>;
    type Error = Status;
    type Future = Ready<Result<Self::Response, Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: tonic::Request<Vec<u8>>) -> Self::Future {
        ready(Ok(tonic::Response::new(request.into_inner())))
    }
}

async fn serve() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let address = listener.local_addr().expect("a bound socket has an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let echo = service_fn(|request: http::Request<Incoming>| async {
                let mut server = tonic::server::Grpc::new(Plain);
                Ok::<_, Infallible>(server.unary(Echo, request.map(Body::new)).await)
            });
            let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(server.serve_connection(TokioIo::new(stream), echo));
        }
    });
    address
}

/// An HTTP/2 connection as the transport of a tonic client.
struct Channel(http2::SendRequest<Body>);

impl Service<http::Request<Body>> for Channel {
    type Response = http::Response<Incoming>;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, hyper::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), hyper::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(self.0.send_request(request))
    }
}

async fn client(address: SocketAddr) -> tonic::client::Grpc<Channel> {
    let stream = TcpStream::connect(address).await.expect("Envoy listens");
    let (sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("HTTP/2");
    tokio::spawn(connection);
    let origin = format!("http://{address}").parse().expect("a URI");
    tonic::client::Grpc::with_origin(Channel(sender), origin)
}

async fn call(address: SocketAddr, path: &'static str) -> Result<tonic::Response<Vec<u8>>, Status> {
    let mut client = client(address).await;
    client.ready().await.expect("a connection");
    let message = tonic::Request::new(b"message".to_vec());
    client.unary(message, PathAndQuery::from_static(path), Plain).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_and_the_method_of_a_call() {
    const DELAY: Duration = Duration::from_millis(100);
    let document = rules([
        json!({
            "name": "pay",
            "match": { "grpc": { "service": { "exact": "shop.v1.Checkout" }, "method": { "exact": "Pay" } } },
            "percentage": 100,
            "abort": { "grpc_status": "RESOURCE_EXHAUSTED", "body": "too many payments: 100 %" },
        }),
        json!({
            "name": "catalog",
            "match": { "grpc": { "service": { "prefix": "shop.v1.Cata" } } },
            "percentage": 100,
            "delay": { "fixed_delay": "100ms" },
        }),
        json!({
            "name": "any-list",
            "match": { "grpc": { "method": { "exact": "List" } } },
            "percentage": 100,
            "abort": { "http_status": 503 },
        }),
        json!({
            "name": "health",
            "match": { "grpc": { "service": { "prefix": "grpc.health" } } },
            "percentage": 100,
            "abort": { "grpc_status": 2 },
        }),
    ]);
    let bootstrap = Bootstrap::new().cluster(Cluster::named("calls", serve().await).http2());
    let route = json!({ "match": { "prefix": "/" }, "route": { "cluster": "calls" } });
    let listener = Listener::named(MAIN).filter(discovered(&document)).routes(vec![route]);
    let stage = Stage::from(bootstrap, [listener]).await;
    let address = stage.address();

    let status = call(address, "/shop.v1.Checkout/Pay").await.expect_err("it is aborted");
    assert_eq!(
        (status.code(), status.message()),
        (Code::ResourceExhausted, "too many payments: 100 %"),
        "{status:?}"
    );
    let reply = call(address, "/shop.v1.Checkout/Refund").await.expect("it passes");
    assert_eq!(
        (reply.get_ref().as_slice(), reply.metadata().get("x-brownout")),
        (b"message".as_slice(), None)
    );

    let begin = Instant::now();
    let reply = call(address, "/shop.v1.Catalog/List").await.expect("it is only late");
    assert!(begin.elapsed() >= DELAY);
    assert_eq!(reply.get_ref(), b"message");
    assert_eq!(reply.metadata().get("x-brownout").expect("evidence"), "catalog; delay");

    // 503 is UNAVAILABLE in gRPC.
    let status = call(address, "/shop.v1.Users/List").await.expect_err("it is aborted");
    assert_eq!((status.code(), status.message()), (Code::Unavailable, "fault filter abort"));
    // Health checks are excluded unless the document says otherwise.
    call(address, "/grpc.health.v1.Health/Check").await.expect("it passes");

    // A request to the same path that is not gRPC.
    let mut connection = Connection::open(Protocol::Http2, address).await;
    for kind in ["application/json", "application/grpc-web", "application/grpcx"] {
        let request = Request::post("/shop.v1.Checkout/Pay", "{}").header("content-type", kind);
        let reply = stage.answer(&mut connection, request).await;
        assert_eq!(crate::stage::rule(&reply), None, "{kind}");
    }
    stage.is_sound().await;
}
