//! Throttles: how long they take, how evenly they flow, and what they cost, compared with Envoy's own.

use crate::stage::{document, rule};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use support::client::{Connection, Protocol, Reply, Request};
use support::envoy::{Bootstrap, Cluster, Envoy, Filter, Listener};
use support::upstream::{Answer, Stream, Upstream, pattern};
use tokio::task::{JoinHandle, JoinSet};

const OURS: &str = "ours";
const NATIVE: &str = "native";
/// The listeners that speak HTTP/2 to the upstream.
const OURS_HTTP2: &str = "ours-http2";
const NATIVE_HTTP2: &str = "native-http2";
/// The listener whose clients have a window of a MiB for each stream.
const WINDOW: &str = "window";
/// The rates that are tested, in KiB a second.
const RATES: [usize; 5] = [1, 10, 100, 1024, 10 * 1024];
/// The time that each body takes. Envoy's own limiter begins with 50 ms of tokens.
const TIME: Duration = Duration::from_secs(8);
/// Applies to the fastest of several: the others may have had to wait for CPU time.
const TOLERANCE: f64 = 0.05;
/// The longest lateness of any of them on a busy machine.
const LATENESS: Duration = Duration::from_secs(3);
/// The most that Envoy holds of a body over HTTP/1.1 before it applies backpressure: its buffer, and what it has read
/// beyond that before it stops reading.
const BURST: usize = 2 * 1024 * 1024;
/// The request header that tells Envoy's own filter the rate.
const NATIVE_RATE: &str = "x-envoy-fault-throughput-response";

struct RateStage {
    upstream: Upstream,
    envoy: Envoy,
}

impl RateStage {
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
        let [ours, native] = [Filter::brownout(&document(rules.into())), Filter::native_fault(native)];
        let http2 = json!({ "match": { "prefix": "/" }, "route": { "cluster": "http2", "timeout": "0s" } });
        let bootstrap = Bootstrap::new()
            .cluster(Cluster::of(&upstream))
            .cluster(Cluster::named("http2", upstream.address()).http2())
            .listener(Listener::named(OURS).filter(ours.clone()))
            .listener(Listener::named(NATIVE).filter(native.clone()))
            .listener(
                Listener::named(WINDOW)
                    .filter(ours.clone())
                    .field("http2_protocol_options", json!({ "initial_stream_window_size": 1024 * 1024 })),
            )
            .listener(Listener::named(OURS_HTTP2).filter(ours).routes(vec![http2.clone()]))
            .listener(Listener::named(NATIVE_HTTP2).filter(native).routes(vec![http2]));
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

/// Returns the longest time without any data of a body.
fn largest_gap(reply: &Reply) -> Duration {
    let before = std::iter::once(reply.headers_after).chain(reply.pieces.iter().map(|piece| piece.after));
    reply.pieces.iter().zip(before).map(|(piece, before)| piece.after - before).max().unwrap_or_default()
}

/// Returns how long the bodies took after the headers: the upstream needs a while to build a long one.
fn bodies(replies: &[Reply]) -> Vec<Duration> {
    replies.iter().map(|reply| reply.complete_after - reply.headers_after).collect()
}

/// Returns how long the exchanges took as a whole.
fn exchanges(replies: &[Reply]) -> Vec<Duration> {
    assert!(replies.iter().all(|reply| reply.status == 200), "{}", replies[0].status);
    replies.iter().map(|reply| reply.complete_after).collect()
}

/// The machine's own lateness: the most by which a timer of the test fired late during a period.
struct Timers(JoinHandle<()>, Arc<Mutex<Duration>>);

impl Timers {
    fn watched() -> Self {
        let latest = Arc::new(Mutex::new(Duration::ZERO));
        let noted = Arc::clone(&latest);
        let watching = async move {
            loop {
                let (begin, wait) = (Instant::now(), Duration::from_millis(50));
                tokio::time::sleep(wait).await;
                let late = begin.elapsed() - wait;
                let mut latest = noted.lock().expect("no one panicked");
                *latest = late.max(*latest);
            }
        };
        Self(tokio::spawn(watching), latest)
    }

    fn latest(&self) -> Duration {
        *self.1.lock().expect("no one panicked")
    }
}

impl Drop for Timers {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Asserts that the fastest of several took at most 5 % longer than it should, plus the lateness of timers. `others`:
/// bodies at the same rate through Envoy's own filter, on the same processors.
fn assert_time(what: &str, took: &[Duration], others: &[Duration], expected: Duration, timers: &Timers) {
    let quickest = took.iter().min().expect("several");
    let late =
        timers.latest() + others.iter().min().map_or(Duration::ZERO, |other| other.saturating_sub(expected));
    println!("{what}: {took:?}, timers {late:?} late");
    assert!(*quickest <= expected.mul_f64(1.0 + TOLERANCE) + late, "{what}: {took:?}, timers {late:?} late");
    assert!(took.iter().all(|took| *took <= expected + LATENESS), "{what}: {took:?}");
}

fn assert_download(what: &str, replies: &[Reply], others: &[Reply], expected: Duration, timers: &Timers) {
    assert!(exchanges(replies).iter().all(|took| *took >= expected), "{what}: {:?}", exchanges(replies));
    assert_time(what, &bodies(replies), &bodies(others), expected, timers);
}

fn assert_upload(what: &str, replies: &[Reply], expected: Duration, timers: &Timers) {
    assert!(exchanges(replies).iter().all(|took| *took >= expected), "{what}: {:?}", exchanges(replies));
    assert_time(what, &exchanges(replies), &[], expected, timers);
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

/// A protocol, a rate in KiB a second, and the replies that came at it: through our filter and through Envoy's.
type AtRate = (Protocol, usize, Vec<Reply>, Vec<Reply>);

/// Runs all rates at once, over both protocols, several times each where that is little work.
async fn all_rates(stage: &RateStage, answer: impl Fn(usize) -> Answer) -> Vec<AtRate> {
    let (ours, native) = (stage.envoy.address(OURS), stage.envoy.address(NATIVE));
    let mut all = JoinSet::new();
    for (protocol, kib) in each_rate() {
        let request = request(kib, &answer(bytes(kib)));
        all.spawn(async move {
            let ours = several(protocol, ours, request.clone(), times(kib));
            let (ours, native) = tokio::join!(ours, several(protocol, native, request, 1));
            (protocol, kib, ours, native)
        });
    }
    all.join_all().await
}

fn each_rate() -> impl Iterator<Item = (Protocol, usize)> {
    [Protocol::Http1, Protocol::Http2].into_iter().flat_map(|protocol| RATES.map(|kib| (protocol, kib)))
}

fn times(kib: usize) -> usize {
    if kib > 1024 { 1 } else { 2 }
}

/// Returns the body length that takes [`TIME`] at this rate in KiB/s.
fn bytes(kib: usize) -> usize {
    kib * 1024 * TIME.as_secs() as usize
}

fn smallest_gap(replies: &[Reply]) -> Duration {
    replies.iter().map(largest_gap).min().expect("several")
}

/// Asserts that what waits in Envoy is sent at the latest when its buffer is full. (Over HTTP/2 that is a stream's
/// window, which is as large as the largest of these bodies.)
fn assert_bursts(
    what: &str,
    protocol: Protocol,
    kib: usize,
    ours: &[Reply],
    native: &[Reply],
    timers: &Timers,
) {
    let burst = Duration::from_secs_f64(BURST as f64 / (kib as f64 * 1024.0));
    let longest = if protocol == Protocol::Http1 { burst.min(TIME) } else { TIME };
    let (ours, native) = (smallest_gap(ours), smallest_gap(native));
    println!("{what}: largest gap {ours:?}, Envoy's own {native:?}");
    // Envoy's own shows when its worker was late.
    let most = longest.mul_f64(1.0 + TOLERANCE) + native + timers.latest();
    assert!(ours <= most, "{what}: {ours:?}, at most {most:?}, Envoy's own {native:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_bodies_take_their_time_at_every_rate() {
    let stage = RateStage::start().await;
    let timers = Timers::watched();
    for (protocol, kib, ours, native) in all_rates(&stage, whole).await {
        let what = format!("{kib} KiB/s by {protocol:?}");
        assert_download(&what, &ours, &native, TIME, &timers);
        let expected = pattern(0..bytes(kib));
        assert!(ours.iter().chain(&native).all(|reply| reply.body == expected), "{what}");
        assert_bursts(&what, protocol, kib, &ours, &native, &timers);
    }
    stage.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_still_coming_in_take_their_time() {
    // It arrives no slower than the rate at which it may be sent.
    const PIECES: usize = 160;
    let stage = RateStage::start().await;
    let timers = Timers::watched();
    for (protocol, kib, ours, native) in all_rates(&stage, |bytes| streamed(bytes, PIECES, 40)).await {
        let what = format!("{kib} KiB/s by {protocol:?}");
        let bytes = bytes(kib) / PIECES * PIECES;
        let expected = Duration::from_secs_f64(bytes as f64 / (kib as f64 * 1024.0));
        assert_download(&what, &ours, &native, expected, &timers);
        assert!(ours.iter().chain(&native).all(|reply| reply.body == pattern(0..bytes)), "{what}");
        assert_bursts(&what, protocol, kib, &ours, &native, &timers);
    }
    stage.is_sound().await;
}

/// gRPC messages from a server that is a little too fast; the last one is sent together with what waits.
#[tokio::test(flavor = "multi_thread")]
async fn streams_over_http2_flow_as_evenly_as_by_envoys_own_limiter() {
    const RATES: [usize; 3] = [1, 10, 100];
    const PIECES: usize = 100;
    const EVERY_MS: usize = 40;
    let stage = RateStage::start().await;
    let timers = Timers::watched();
    let addresses = [OURS_HTTP2, NATIVE_HTTP2].map(|name| stage.envoy.address(name));
    let mut all = JoinSet::new();
    for kib in RATES {
        let piece = kib * 1024 * EVERY_MS * 105 / 100 / 1000;
        let headers = [("content-type".to_owned(), "application/grpc".to_owned())].into();
        let answer = Answer { headers, ..streamed(piece * PIECES, PIECES, EVERY_MS as u64) };
        let request = request(kib, &answer);
        all.spawn(async move {
            let [ours, native] = addresses.map(|at| several(Protocol::Http2, at, request.clone(), 3));
            let (ours, native) = tokio::join!(ours, native);
            (kib, ours, native)
        });
    }
    for (kib, ours, native) in all.join_all().await {
        let [ours, native] = [ours, native].map(|mut replies| {
            for reply in &mut replies {
                reply.pieces.pop();
            }
            smallest_gap(&replies)
        });
        let late = timers.latest();
        println!("{kib} KiB/s: largest gap {ours:?}, Envoy's own {native:?}, timers {late:?} late");
        assert!(
            ours <= native * 3 + late,
            "{kib} KiB/s: {ours:?}, Envoy's own {native:?}, timers {late:?} late"
        );
    }
    stage.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_take_their_time_at_every_rate() {
    let stage = RateStage::start().await;
    let timers = Timers::watched();
    let address = stage.envoy.address(OURS);
    let upload = |(protocol, kib)| {
        let request = Request::post(&format!("/up/{kib}"), pattern(0..bytes(kib)));
        async move { (protocol, kib, several(protocol, address, request, times(kib)).await) }
    };
    let all: JoinSet<_> = each_rate().map(upload).collect();
    for (protocol, kib, replies) in all.join_all().await {
        assert_upload(&format!("{kib} KiB/s by {protocol:?}"), &replies, TIME, &timers);
    }
    let mut lengths: Vec<_> =
        stage.upstream.take().iter().filter_map(|received| received.body_length).collect();
    lengths.sort_unstable();
    let mut expected: Vec<_> = each_rate().flat_map(|(_, kib)| vec![bytes(kib); times(kib)]).collect();
    expected.sort_unstable();
    assert_eq!(lengths, expected);
    stage.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_bytes_go_at_once() {
    const FREE: usize = 1_000_000;
    let stage = RateStage::start().await;
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
    let stage = RateStage::start().await;
    let timers = Timers::watched();
    let asked = |kib: &str| {
        Request::get("/asked").header(NATIVE_RATE, kib).header(Answer::HEADER, whole(20_480).to_header())
    };
    let replies = several(Protocol::Http1, stage.envoy.address(OURS), asked("20"), 2).await;
    assert_download("20 KiB/s", &replies, &[], Duration::from_secs(1), &timers);
    for none in ["0", "fast", ""] {
        let replies = several(Protocol::Http1, stage.envoy.address(OURS), asked(none), 1).await;
        assert_eq!((replies[0].header("x-brownout"), replies[0].body.len()), (None, 20_480), "{none:?}");
    }
    stage.is_sound().await;
}

/// Returns the memory, in bytes, per concurrent download. What waits is bounded, however much there is: the upstream
/// gets backpressure.
async fn memory_of_each(stage: &RateStage, protocol: Protocol, listener: &str, downloads: usize) -> u64 {
    let address = stage.envoy.address(listener);
    let before = stage.envoy.memory();
    let request = request(100, &streamed(50_000_000, 1000, 0));
    let one = |request: Request| async move {
        let mut connection = Connection::open(protocol, address).await;
        let early = tokio::time::timeout(Duration::from_secs(4), connection.send(request)).await;
        assert!(early.is_err(), "50 MB in a moment");
    };
    let all: JoinSet<_> = (0..downloads).map(|_| one(request.clone())).collect();
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
    let each = most.saturating_sub(before) / downloads as u64;
    println!("{} KiB for each download by {protocol:?} and {listener}", each / 1024);
    each
}

async fn a_hundred_downloads_cost_little_memory(protocol: Protocol, listener: &str) {
    /// The most bytes per download: Envoy's buffers, on both sides and between the filters, and what the module keeps.
    const EACH: u64 = 5 * 1024 * 1024;
    let stage = RateStage::start().await;
    let each = memory_of_each(&stage, protocol, listener, 100).await;
    assert!(each <= EACH, "{each} bytes for each download");
    stage.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_downloads_of_fifty_megabytes_cost_little_memory() {
    a_hundred_downloads_cost_little_memory(Protocol::Http1, OURS).await;
}

/// The same over HTTP/2, where Envoy buffers as much as a stream's window lets the client send: 16 MiB by default.
#[tokio::test(flavor = "multi_thread")]
async fn by_http2_they_cost_as_much_as_a_window_is_large() {
    a_hundred_downloads_cost_little_memory(Protocol::Http2, WINDOW).await;
}
