//! Other ways in which an exchange ends while a fault is active: by the client, the upstream, or Envoy's own timeouts.

use crate::stage::{BROKEN, HTTP1, HTTP2, IDLE, IMPATIENT, Stage, asking, rule};
use serde_json::{Value, json};
use std::time::Duration;
use support::client::{Connection, Protocol, Raw, Request};
use support::deadline::until;
use support::upstream::{Answer, Stream, pattern};
use tokio::task::JoinSet;

/// A fault that takes time, and the exchange that it affects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slow {
    Delay,
    DelayAndAbort,
    Hang,
    ResponseDelay,
    ResponseDelayThenStatus,
    /// The whole body has arrived, and waits for its release.
    Download,
    /// The body is still arriving while it is being throttled.
    Stream,
    /// More than any buffer holds.
    LargeDownload,
    Upload,
    UploadAndDownload,
    /// Nothing is sent until the whole body has arrived, which never happens.
    Patch,
    /// The body never reaches that length.
    ResetAfter,
    TruncatedStream,
    /// Status and body are replaced, and the original body never ends.
    ReplacedStream,
}

const ALL: [Slow; 14] = [
    Slow::Delay,
    Slow::DelayAndAbort,
    Slow::Hang,
    Slow::ResponseDelay,
    Slow::ResponseDelayThenStatus,
    Slow::Download,
    Slow::Stream,
    Slow::LargeDownload,
    Slow::Upload,
    Slow::UploadAndDownload,
    Slow::Patch,
    Slow::ResetAfter,
    Slow::TruncatedStream,
    Slow::ReplacedStream,
];

/// The number of those that are held or throttled, and so counted as active: all but the last four.
const HELD: u64 = 10;

impl Slow {
    fn path(self) -> String {
        format!("/{self:?}")
    }

    fn faults(self, length: &str) -> Value {
        let rate = json!({ "fixed_limit": { "limit_kbps": 1 } });
        match self {
            Self::Delay => json!({ "delay": { "fixed_delay": length } }),
            Self::DelayAndAbort => {
                json!({ "delay": { "fixed_delay": length }, "abort": { "http_status": 503 } })
            }
            Self::Hang => json!({ "hang": { "max": length } }),
            Self::ResponseDelay => json!({ "response": { "delay": { "fixed_delay": length } } }),
            Self::ResponseDelayThenStatus => json!({ "response": {
                "delay": { "fixed_delay": length }, "status": 503, "body": { "replace": "closed" },
            } }),
            Self::Download | Self::Stream | Self::LargeDownload => json!({ "response_rate_limit": rate }),
            Self::Upload => json!({ "request_rate_limit": rate }),
            Self::UploadAndDownload => json!({ "request_rate_limit": rate, "response_rate_limit": rate }),
            Self::Patch => json!({ "response": { "body": { "merge_patch": { "a": 1 } } } }),
            Self::ResetAfter => json!({ "response": { "reset": { "after_bytes": 1_000_000_000 } } }),
            Self::TruncatedStream => json!({ "response": { "body": { "truncate_bytes": 1500 } } }),
            Self::ReplacedStream => json!({ "response": { "status": 500, "body": { "replace": "closed" } } }),
        }
    }

    fn request(self, breaks_off: bool) -> Request {
        let stream =
            Some(Stream { pieces: if breaks_off { 10 } else { 100_000 }, bytes: 1000, every_ms: 20 });
        let answer = match self {
            Self::Download => Answer { length: Some(8000), ..Answer::default() },
            Self::LargeDownload => Answer { length: Some(5_000_000), ..Answer::default() },
            Self::Stream | Self::ResetAfter | Self::TruncatedStream | Self::ReplacedStream => {
                Answer { stream, breaks_off, ..Answer::default() }
            }
            Self::Patch => Answer {
                stream,
                breaks_off,
                headers: [("content-type".to_owned(), "application/json".to_owned())].into(),
                ..Answer::default()
            },
            _ => Answer::default(),
        };
        let request = match self {
            Self::Upload | Self::UploadAndDownload => Request::post(&self.path(), pattern(0..100_000)),
            _ => Request::get(&self.path()),
        };
        asking(request, &answer)
    }
}

fn rules(length: &str) -> Value {
    let of = |slow: Slow| {
        let mut rule = rule(&format!("{slow:?}").to_ascii_lowercase(), &slow.path(), "abort", json!({}));
        let fields = rule.as_object_mut().expect("a rule");
        fields.remove("abort");
        fields.extend(slow.faults(length).as_object().cloned().expect("faults"));
        rule
    };
    ALL.map(of).into_iter().collect()
}

/// Sends a request of each on its own connection. Dropping the set disconnects the clients.
fn send_all(stage: &Stage, protocol: Protocol, listener: &str) -> JoinSet<()> {
    let address = stage.address(listener);
    let send = |slow: Slow| async move {
        let mut connection = Connection::open(protocol, address).await;
        if let Ok(reply) = connection.send(slow.request(false)).await {
            panic!("{slow:?}: {reply:?}");
        }
    };
    ALL.map(send).into_iter().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_leaves() {
    let stage = Stage::with(rules("60s")).await;
    for (protocol, listener) in [(Protocol::Http1, HTTP1), (Protocol::Http2, HTTP2), (Protocol::Http2, HTTP1)]
    {
        let mut sending = send_all(&stage, protocol, listener);
        stage.until_active(HELD).await;
        assert!(sending.try_join_next().is_none(), "one is over already");
        drop(sending);
        stage.until_active(0).await;
    }
    for slow in ALL {
        let mut client = Raw::open(stage.address(HTTP1)).await;
        send_raw(&mut client, &slow.request(false)).await;
        client.within(Duration::from_millis(100)).await;
        client.leave_abruptly();
    }
    stage.until_active(0).await;
    stage.is_sound().await;
}

/// Sends a request as HTTP/1.1, with its whole body.
async fn send_raw(client: &mut Raw, request: &Request) {
    let answer = request.headers[Answer::HEADER].to_str().expect("text");
    let head = format!(
        "{} {} HTTP/1.1\r\nhost: a\r\n{}: {answer}\r\n",
        request.method,
        request.path,
        Answer::HEADER
    );
    client.send(format!("{head}content-length: {}\r\n\r\n", request.body.len())).await;
    client.send(&request.body).await;
}

/// The end of one exchange, as its clients over HTTP/1.1 and HTTP/2 have seen it.
struct Seen {
    slow: Slow,
    /// Over HTTP/1.1, how many replies have begun.
    heads: usize,
    /// Over HTTP/2, whether the connection is still usable: frames for a stream that has ended would have closed it.
    goes_on: bool,
}

/// Sends every exchange at once, over HTTP/1.1 and HTTP/2, and waits until all are over.
async fn all_at_once(stage: &Stage, listener: &'static str, breaks_off: bool, time: Duration) -> Vec<Seen> {
    let address = stage.address(listener);
    let before = stage.envoy.access_log(listener).len();
    let all: JoinSet<_> = ALL
        .into_iter()
        .map(|slow| async move {
            let mut http2 = Connection::open(Protocol::Http2, address).await;
            let of_http2 = async {
                // It may be complete, cut, or still running: in each case the fault must end properly.
                tokio::time::timeout(time, http2.send(slow.request(breaks_off))).await.ok();
                http2.send(Request::get("/after")).await.is_ok()
            };
            let of_http1 = async {
                let mut client = Raw::open(address).await;
                send_raw(&mut client, &slow.request(breaks_off)).await;
                client.within(time).await.0
            };
            let (goes_on, seen) = tokio::join!(of_http2, of_http1);
            let heads = seen.windows(9).filter(|window| *window == b"HTTP/1.1 ").count();
            Seen { slow, heads, goes_on }
        })
        .collect();
    let seen = all.join_all().await;
    stage.until_active(0).await;
    until("an access log of each exchange", async || {
        // Two of each, and the request after it.
        let exchanges = stage.envoy.access_log(listener).len() - before;
        (exchanges == 3 * ALL.len()).then_some(())
    })
    .await;
    seen
}

fn none_is_answered_twice(seen: &[Seen]) {
    let wrong = seen.iter().filter(|seen| seen.heads > 1 || !seen.goes_on);
    let wrong: Vec<_> = wrong.map(|seen| (seen.slow, seen.heads, seen.goes_on)).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_upstream_breaks_off() {
    let stage = Stage::of(rules("1s"), [HTTP1, HTTP2, BROKEN]).await;
    for (listener, breaks_off) in [(HTTP1, true), (HTTP2, true), (BROKEN, false)] {
        let seen = all_at_once(&stage, listener, breaks_off, Duration::from_secs(3)).await;
        none_is_answered_twice(&seen);
    }
    stage.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn envoy_loses_its_patience() {
    let stage = Stage::of(rules("2s"), [HTTP1, IMPATIENT, IDLE]).await;
    for listener in [IMPATIENT, IDLE] {
        let seen = all_at_once(&stage, listener, false, Duration::from_secs(4)).await;
        none_is_answered_twice(&seen);
    }
    stage.is_sound().await;
}

/// Envoy is asked to exit while all of this is going on.
#[tokio::test(flavor = "multi_thread")]
async fn envoy_ends_in_the_midst_of_it() {
    let stage = Stage::of(rules("60s"), [HTTP1]).await;
    let sending = send_all(&stage, Protocol::Http1, HTTP1);
    stage.until_active(HELD).await;
    let status = stage.envoy.terminate().await;
    assert!(status.success(), "{status}\n{}", stage.envoy.log());
    sending.join_all().await;
}
