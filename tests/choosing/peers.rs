//! The peer's identity, by mutual TLS between two Envoys, as between two sidecars.

use crate::stage::{Stage, abort, discovered, rule, rules};
use brownout_core::document::sample::point;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType};
use serde_json::{Value, json};
use support::client::{Connection, Protocol, Request};
use support::envoy::{Bootstrap, Cluster, Listener};

const CART: &str = "spiffe://cluster.local/ns/shop/sa/cart";
const OTHER: &str = "spiffe://cluster.local/ns/bank/sa/other";

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new([]).expect("no names");
    // A certificate whose issuer has its own name counts as signed by itself.
    params.distinguished_name.push(DnType::CommonName, "authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a certificate")
}

/// A `TlsCertificate` with these names.
fn certificate(authority: &Authority, names: impl IntoIterator<Item = SanType>) -> Value {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new([]).expect("no names");
    params.subject_alt_names = names.into_iter().collect();
    let certificate = params.signed_by(&key, authority).expect("a certificate");
    json!({
        "certificate_chain": { "inline_string": certificate.pem() },
        "private_key": { "inline_string": key.serialize_pem() },
    })
}

fn uri(name: &str) -> SanType {
    SanType::URI(name.try_into().expect("ASCII"))
}

fn tls(context: &str, common: Value, required: Option<bool>) -> Value {
    let mut config = json!({
        "@type": format!("type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.{context}"),
        "common_tls_context": common,
    });
    if let Some(required) = required {
        config["require_client_certificate"] = json!(required);
    }
    json!({ "name": "envoy.transport_sockets.tls", "typed_config": config })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_principal_is_the_uri_in_the_peers_certificate() {
    let sticky = json!({
        "name": "sticky",
        "match": { "path": { "exact": "/sticky" } },
        "percentage": 50,
        "sample": { "by": { "principal": {} }, "salt": "s" },
        "abort": { "http_status": 503 },
    });
    let document = rules([
        sticky,
        abort(
            "pass",
            json!({ "path": { "exact": "/sticky" }, "source": { "principal": { "exact": "nobody" } } }),
        ),
        abort("cart", json!({ "path": { "exact": "/" }, "source": { "principal": { "exact": CART } } })),
        abort(
            "somebody",
            json!({ "path": { "exact": "/" }, "source": { "principal": { "prefix": "spiffe://" } } }),
        ),
        abort(
            "nobody",
            json!({
                "path": { "exact": "/" },
                "not": { "source": { "principal": { "safe_regex": ".*" } } },
            }),
        ),
    ]);
    let authority = authority();
    let trusted = json!({ "trusted_ca": { "inline_string": authority.pem() } });
    let name = SanType::DnsName("server.example".try_into().expect("ASCII"));
    let server = json!({
        "tls_certificates": [certificate(&authority, [name])],
        "validation_context": trusted,
    });
    // A client certificate is verified if present, but not required.
    let socket = tls("DownstreamTlsContext", server, Some(false));
    let secure = Listener::named("secure").filter(discovered(&document)).transport_socket(socket);
    let server = Stage::of(1, [secure, Listener::named("plain").filter(discovered(&document))]).await;

    let dns_only = SanType::DnsName("cart.example".try_into().expect("ASCII"));
    let clients = [
        ("cart", Some(vec![uri(CART)])),
        ("first-counts", Some(vec![uri(OTHER), uri(CART)])),
        ("other", Some(vec![uri(OTHER)])),
        ("dns-only", Some(vec![dns_only])),
        ("anonymous", None),
    ];
    let mut bootstrap = Bootstrap::new();
    let mut listeners = Vec::new();
    for (client, names) in clients {
        let certificates: Vec<_> = names.into_iter().map(|names| certificate(&authority, names)).collect();
        let common = json!({ "tls_certificates": certificates, "validation_context": trusted });
        let cluster = Cluster::named(client, server.envoy.address("secure"));
        bootstrap = bootstrap.cluster(cluster.transport_socket(tls("UpstreamTlsContext", common, None)));
        let route = json!({ "match": { "prefix": "/" }, "route": { "cluster": client } });
        listeners.push(Listener::named(client).routes(vec![route]));
    }
    let client = Stage::from(bootstrap, listeners).await;
    for (listener, expected) in [
        ("cart", "cart"),
        ("first-counts", "somebody"),
        ("other", "somebody"),
        ("dns-only", "nobody"),
        ("anonymous", "nobody"),
    ] {
        let mut connection = Connection::open(Protocol::Http1, client.envoy.address(listener)).await;
        let reply = client.answer(&mut connection, Request::get("/")).await;
        assert_eq!(rule(&reply).as_deref(), Some(expected), "{listener}: {}", reply.text());
    }
    assert_eq!(server.rule_for("plain", Request::get("/")).await.as_deref(), Some("nobody"));
    for (listener, principal) in [("cart", Some(CART)), ("other", Some(OTHER)), ("anonymous", None)] {
        let expected = principal.is_some_and(|name| point("s", name.as_bytes()) % 1_000_000 < 500_000);
        let rule = client.rule_for(listener, Request::get("/sticky")).await;
        assert_eq!(rule.is_some(), expected, "{listener}");
    }
    server.is_sound().await;
}
