//! Throttles: how long they take, how evenly they flow, and what they cost, beside Envoy's own.

use crate::stage::{document, rule};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;
use support::client::{Connection, Protocol, Reply, Request};
use support::envoy::{Bootstrap, Cluster, Envoy, Filter, Listener};
use support::upstream::{Answer, Stream, Upstream, pattern};
use tokio::task::JoinSet;

const OURS: &str = "ours";
const NATIVE: &str = "native";
/// KiB a second.
const RATES: [usize; 5] = [1, 10, 100, 1024, 10 * 1024];
/// How long each body takes. Envoy's own limiter begins with 50 ms of tokens.
const TIME: Duration = Duration::from_secs(2);
/// What is asked of the quickest of several: others may have had to wait for a processor.
const TOLERANCE: f64 = 0.05;
/// And how much later that one may be on a busy machine.
const WAKING: Duration = Duration::from_millis(150);
/// How late any of them may be on a busy machine.
const LATENESS: Duration = Duration::from_secs(3);
/// The request header by which Envoy's own filter is told the rate.
const NATIVE_RATE: &str = "x-envoy-fault-throughput-response";

struct Stage {
    upstream: Upstream,
    envoy: Envoy,
}

impl Stage {
    async fn start() -> Self {
        let limit = |kib: &usize| json!({ "fixed_limit": { "limit_kbps": kib } });
        let mut rules: Vec<Value> = RATES
            .iter()
            .flat_map(|kib| {
                [
                    rule(&format!("down-{kib}"), &format!("/down/{kib}"), "response_rate_limit", limit(kib)),
                    rule(&format!("up-{kib}"), &format!("/up/{kib}"), "request_rate_limit", limit(kib)),
                ]
            })
            .collect();
        let mut after = limit(&100);
        after["after_bytes"] = json!(1_000_000);
        rules.push(rule("after", "/after", "response_rate_limit", after));
        rules.push(rule("asked", "/asked", "response_rate_limit", json!({ "header_limit": {} })));
        let upstream = Upstream::start().await;
        let native =
            json!({ "response_rate_limit": { "header_limit": {}, "percentage": { "numerator": 100 } } });
        let bootstrap = Bootstrap::new()
            .cluster(Cluster::of(&upstream))
            .listener(Listener::named(OURS).filter(Filter::brownout(&document(rules.into()))))
            .listener(Listener::named(NATIVE).filter(Filter::native_fault(native)));
        Self { envoy: Envoy::start(bootstrap).await, upstream }
    }

    async fn is_sound(&self) {
        assert!(self.envoy.is_alive(), "{}", self.envoy.log());
        self.envoy.until_active(0).await;
        let stats = self.envoy.stats().await;
        assert_eq!(stats.value("host_errors"), 0, "{stats}");
    }
}

fn request(kib: usize, answer: &Answer) -> Request {
    Request::get(&format!("/down/{kib}"))
        .header(NATIVE_RATE, kib.to_string())
        .header(Answer::HEADER, answer.to_header())
}

fn whole(bytes: usize) -> Answer {
    Answer { length: Some(bytes), ..Answer::default() }
}

fn streamed(bytes: usize, pieces: usize, every_ms: u64) -> Answer {
    Answer { stream: Some(Stream { pieces, bytes: bytes / pieces, every_ms }), ..Answer::default() }
}

/// The longest time in which nothing of a body came.
fn largest_gap(reply: &Reply) -> Duration {
    let before = std::iter::once(reply.headers_after).chain(reply.pieces.iter().map(|piece| piece.after));
    reply.pieces.iter().zip(before).map(|(piece, before)| piece.after - before).max().unwrap_or_default()
}

/// How long the bodies took, once the headers were there: the upstream takes a while to make a long one.
fn bodies(replies: &[Reply]) -> Vec<Duration> {
    replies.iter().map(|reply| reply.complete_after - reply.headers_after).collect()
}

/// How long the exchanges took as a whole.
fn exchanges(replies: &[Reply]) -> Vec<Duration> {
    assert!(replies.iter().all(|reply| reply.status == 200), "{}", replies[0].status);
    replies.iter().map(|reply| reply.complete_after).collect()
}

/// `others`: replies of the same rate by Envoy's own filter, which meet the same processors.
fn assert_download(what: &str, replies: &[Reply], others: &[Reply], expected: Duration) {
    assert!(exchanges(replies).iter().all(|took| *took >= expected), "{what}: {:?}", exchanges(replies));
    assert_time(what, &bodies(replies), &bodies(others), expected);
}

fn assert_upload(what: &str, replies: &[Reply], expected: Duration) {
    assert!(exchanges(replies).iter().all(|took| *took >= expected), "{what}: {:?}", exchanges(replies));
    assert_time(what, &exchanges(replies), &[], expected);
}

/// That it took no longer than it may.
fn assert_time(what: &str, took: &[Duration], others: &[Duration], expected: Duration) {
    let quickest = took.iter().min().expect("several");
    let others = others.iter().copied().min().unwrap_or_default();
    let right = (expected.max(others).mul_f64(1.0 + TOLERANCE) + WAKING).as_secs_f64();
    assert!(quickest.as_secs_f64() <= right, "{what}: {took:?}, Envoy's own {others:?}");
    assert!(took.iter().all(|took| *took <= expected + LATENESS), "{what}: {took:?}");
}

/// Sends the same request on several connections at once.
async fn several(protocol: Protocol, address: SocketAddr, request: Request, times: usize) -> Vec<Reply> {
    let one = |request: Request| async move {
        let mut connection = Connection::open(protocol, address).await;
        connection.send(request).await.unwrap_or_else(|cut| panic!("{cut}"))
    };
    let all: JoinSet<_> = (0..times).map(|_| one(request.clone())).collect();
    all.join_all().await
}

/// A rate in KiB a second, and the replies that came at it: through our filter and through Envoy's.
type AtRate = (usize, Vec<Reply>, Vec<Reply>);

/// Several of each, of all rates that take little work at once.
async fn all_rates(stage: &Stage, protocol: Protocol, answer: impl Fn(usize) -> Answer) -> Vec<AtRate> {
    let (ours, native) = (stage.envoy.address(OURS), stage.envoy.address(NATIVE));
    let at_rate = |kib: usize| {
        let request = request(kib, &answer(bytes(kib)));
        async move {
            let ours = several(protocol, ours, request.clone(), 2);
            let (ours, native) = tokio::join!(ours, several(protocol, native, request, 2));
            (kib, ours, native)
        }
    };
    let little: JoinSet<_> = RATES[..3].iter().copied().map(at_rate).collect();
    let mut all = little.join_all().await;
    // Our bursts and the client take turns at the processor: what is much work is done one after the other.
    for kib in &RATES[3..] {
        let request = request(*kib, &answer(bytes(*kib)));
        let ours = several(protocol, ours, request.clone(), 1).await;
        all.push((*kib, ours, several(protocol, native, request, 1).await));
    }
    all
}

/// How much of a body takes [`TIME`] at so many KiB a second.
fn bytes(kib: usize) -> usize {
    kib * 1024 * TIME.as_secs() as usize
}

fn smallest_gap(replies: &[Reply]) -> Duration {
    replies.iter().map(largest_gap).min().expect("several")
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_bodies_take_their_time_at_every_rate() {
    let stage = Stage::start().await;
    for protocol in [Protocol::Http1, Protocol::Http2] {
        for (kib, ours, native) in all_rates(&stage, protocol, whole).await {
            let what = format!("{kib} KiB/s by {protocol:?}");
            assert_download(&what, &ours, &native, TIME);
            let expected = pattern(0..bytes(kib));
            assert!(ours.iter().chain(&native).all(|reply| reply.body == expected), "{what}");
            println!(
                "{what}: {:?}, Envoy's own {:?}, largest gap {:?}, Envoy's own {:?}",
                bodies(&ours),
                bodies(&native),
                smallest_gap(&ours),
                smallest_gap(&native)
            );
        }
    }
    stage.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_still_coming_in_take_their_time_and_flow() {
    // While it comes in, no slower than it may go on.
    const PIECES: usize = 40;
    let stage = Stage::start().await;
    for protocol in [Protocol::Http1, Protocol::Http2] {
        for (kib, ours, native) in all_rates(&stage, protocol, |bytes| streamed(bytes, PIECES, 40)).await {
            let what = format!("{kib} KiB/s by {protocol:?}");
            let bytes = bytes(kib) / PIECES * PIECES;
            let expected = Duration::from_secs_f64(bytes as f64 / (kib as f64 * 1024.0));
            assert_download(&what, &ours, &native, expected);
            assert!(ours.iter().chain(&native).all(|reply| reply.body == pattern(0..bytes)), "{what}");
            println!(
                "{what}: largest gap {:?}, Envoy's own {:?}",
                smallest_gap(&ours),
                smallest_gap(&native)
            );
        }
    }
    stage.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_take_their_time_at_every_rate() {
    let stage = Stage::start().await;
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let address = stage.envoy.address(OURS);
        let upload = |kib: usize| {
            let request = Request::post(&format!("/up/{kib}"), pattern(0..bytes(kib)));
            async move { (kib, several(protocol, address, request, 2).await) }
        };
        let all: JoinSet<_> = RATES.into_iter().map(upload).collect();
        for (kib, replies) in all.join_all().await {
            assert_upload(&format!("{kib} KiB/s by {protocol:?}"), &replies, TIME);
        }
        let mut lengths: Vec<_> =
            stage.upstream.take().iter().filter_map(|received| received.body_length).collect();
        lengths.sort_unstable();
        assert_eq!(lengths, RATES.iter().flat_map(|kib| [bytes(*kib); 2]).collect::<Vec<_>>());
    }
    stage.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_bytes_go_at_once() {
    const FREE: usize = 1_000_000;
    let stage = Stage::start().await;
    for answer in [whole(FREE + 102_400), streamed(FREE + 102_400, 4, 0)] {
        let request = Request::get("/after").header(Answer::HEADER, answer.to_header());
        for protocol in [Protocol::Http1, Protocol::Http2] {
            let replies = several(protocol, stage.envoy.address(OURS), request.clone(), 2).await;
            assert!(replies.iter().all(|reply| reply.complete_after >= Duration::from_secs(1)));
            let length = FREE + 102_400;
            assert!(replies.iter().all(|reply| reply.body == pattern(0..length)));
        }
    }
    let request = Request::get("/after").header(Answer::HEADER, whole(FREE).to_header());
    let replies = several(Protocol::Http1, stage.envoy.address(OURS), request, 1).await;
    assert!(
        replies[0].complete_after < LATENESS && replies[0].body.len() == FREE,
        "{:?}",
        replies[0].complete_after
    );
    stage.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_may_say_how_fast() {
    let stage = Stage::start().await;
    let asked = |kib: &str| {
        Request::get("/asked").header(NATIVE_RATE, kib).header(Answer::HEADER, whole(20_480).to_header())
    };
    let replies = several(Protocol::Http1, stage.envoy.address(OURS), asked("20"), 2).await;
    assert_download("20 KiB/s", &replies, &[], Duration::from_secs(1));
    for none in ["0", "fast", ""] {
        let replies = several(Protocol::Http1, stage.envoy.address(OURS), asked(none), 1).await;
        assert_eq!((replies[0].header("x-brownout"), replies[0].body.len()), (None, 20_480), "{none:?}");
    }
    stage.is_sound().await;
}

/// What waits is bounded, however much there is: the upstream is held back.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_downloads_of_fifty_megabytes_cost_little_memory() {
    const DOWNLOADS: usize = 100;
    /// Bytes for each: Envoy's buffers, on both sides and between the filters, and what the module keeps.
    const EACH: u64 = 5 * 1024 * 1024;
    let stage = Stage::start().await;
    let address = stage.envoy.address(OURS);
    let before = stage.envoy.memory();
    let request = request(100, &streamed(50_000_000, 1000, 0));
    let one = |request: Request| async move {
        let mut connection = Connection::open(Protocol::Http1, address).await;
        let early = tokio::time::timeout(Duration::from_secs(4), connection.send(request)).await;
        assert!(early.is_err(), "50 MB in a moment");
    };
    let all: JoinSet<_> = (0..DOWNLOADS).map(|_| one(request.clone())).collect();
    let mut most = 0;
    let watching = async {
        loop {
            most = most.max(stage.envoy.memory());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::select! {
        () = watching => {}
        _ = all.join_all() => {}
    }
    let each = most.saturating_sub(before) / DOWNLOADS as u64;
    println!("{} KiB for each download", each / 1024);
    assert!(each <= EACH, "{each} bytes for each download");
    stage.is_sound().await;
}
