//! Looks for connections on which a reply could be mistaken for another: pipelined requests of all kinds, compared byte
//! by byte.

use crate::changes::{Change, Shape};
use crate::stage::{HTTP1, HTTP2, Stage};
use http::Method;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use std::time::Duration;
use support::client::{Head, Raw};
use support::upstream::Answer;

/// The number of requests sent before the first reply is read.
const IN_ONE_GO: usize = 25;
/// The number of times that [`IN_ONE_GO`] requests are sent.
const ROUNDS: u64 = 12;
/// Long enough for unsolicited bytes to arrive.
const MOMENT: Duration = Duration::from_millis(50);

const METHODS: [Method; 3] = [Method::GET, Method::HEAD, Method::POST];

/// A request, and what it must return.
struct Asked {
    id: String,
    method: Method,
    change: Change,
    shape: Shape,
    chunked: bool,
}

impl Asked {
    fn any(chance: &mut Xoshiro256PlusPlus, id: String) -> Self {
        let length = [0, 1, 999, 1001, 1002, 40_000][chance.random_range(0..6)];
        let pieces = chance.random_bool(0.5).then(|| if length < 8 { 1 } else { chance.random_range(1..=3) });
        let status =
            if length == 0 && chance.random_bool(0.5) { [204, 304][chance.random_range(0..2)] } else { 200 };
        let length = pieces.map_or(length, |pieces| length / pieces * pieces);
        let pieces = pieces.filter(|_| status == 200);
        loop {
            let asked = Self {
                id: id.clone(),
                method: METHODS[chance.random_range(0..METHODS.len())].clone(),
                change: Change::ALL[chance.random_range(0..Change::ALL.len())],
                shape: Shape { status, pieces, ..Shape::of(length) },
                chunked: chance.random_bool(0.5),
            };
            if !asked.change.cuts(&asked.shape, &asked.method) {
                return asked;
            }
        }
    }

    fn bytes(&self, close: bool) -> Vec<u8> {
        let mut answer = self.shape.answer();
        answer.headers.insert("x-id".into(), self.id.clone());
        let mut text = format!("{} {} HTTP/1.1\r\nhost: a\r\n", self.method, self.change.path());
        text.push_str(&format!("{}: {}\r\n", Answer::HEADER, answer.to_header()));
        if close {
            text.push_str("connection: close\r\n");
        }
        text.push_str(match (&self.method, self.chunked) {
            (&Method::POST, true) => {
                "transfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n6\r\nsecond\r\n0\r\n\r\n"
            }
            (&Method::POST, false) => "content-length: 11\r\n\r\nfirstsecond",
            _ => "\r\n",
        });
        text.into_bytes()
    }

    fn check(&self, head: &Head, body: &[u8]) {
        let what = format!("{} {} {:?} {:?}", self.id, self.method, self.change, self.shape);
        let (status, expected) = self.change.expected(&self.shape, &self.method);
        assert_eq!(head.status, status, "{what}");
        let evidence = head.header("x-brownout").map(|value| String::from_utf8_lossy(value).into_owned());
        let rule = evidence.map(|evidence| evidence.split(';').next().unwrap_or_default().to_owned());
        if let Some(rule) = rule {
            assert_eq!(rule, format!("{:?}", self.change).to_ascii_lowercase(), "{what}");
        }
        if let Some(id) = head.header("x-id") {
            assert_eq!(id, self.id.as_bytes(), "{what}");
        }
        match expected {
            Some(expected) => {
                assert!(body == expected, "{what}: {} bytes, not {}", body.len(), expected.len())
            }
            None => assert_eq!(body.len(), self.shape.length, "{what}"),
        }
    }
}

/// Runs the rounds and returns the number of replies.
async fn hunt(stage: &Stage, listener: &str, seed: u64) -> usize {
    let mut chance = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut client = Raw::open(stage.address(listener)).await;
    let mut replies = 0;
    for round in 0..ROUNDS {
        let mut asked: Vec<_> = (0..IN_ONE_GO)
            .map(|number| Asked::any(&mut chance, format!("{seed}-{round}-{number}")))
            .collect();
        // Envoy closes connections with several unsent replies, as after an abort that is not the last.
        let last = asked.len() - 1;
        asked
            .iter_mut()
            .take(last)
            .filter(|asked| asked.change == Change::Abort)
            .for_each(|asked| asked.change = Change::None);
        let last = chance.random_bool(0.2).then_some(last);
        let all = asked.iter().enumerate();
        let bytes: Vec<_> = all.map(|(number, asked)| asked.bytes(Some(number) == last)).collect();
        client.send(bytes.concat()).await;
        let mut closes = false;
        for asked in &asked {
            let (head, body) = client.message(asked.method.as_str()).await;
            asked.check(&head, &body);
            replies += 1;
            // This is how Envoy ends a request that it answers itself before the body has arrived.
            closes = head.header("connection") == Some(b"close");
            if closes {
                break;
            }
        }
        if closes {
            assert!(client.closes().await, "after round {round}");
            client = Raw::open(stage.address(listener)).await;
        } else {
            assert_eq!(client.unasked(MOMENT).await, b"", "after round {round}");
        }
    }
    replies
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_all_kinds_in_one_go() {
    let stage = Stage::of(Change::rules(), [HTTP1, HTTP2]).await;
    let mut replies = 0;
    for seed in 0..4 {
        replies += hunt(&stage, HTTP1, seed).await;
        replies += hunt(&stage, HTTP2, seed).await;
    }
    println!("{replies} replies");
    assert!(replies >= 8 * ROUNDS as usize * IN_ONE_GO / 4, "{replies}");
    stage.is_sound().await;
}

/// A reply is cut by closing the connection, never by one that looks complete.
#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_is_cut_ends_the_connection() {
    let stage = Stage::of(Change::rules(), [HTTP1, HTTP2]).await;
    for (change, shape) in [
        (Change::Reset, Shape::of(0)),
        (Change::Reset, Shape::of(5000)),
        (Change::ResetAfter, Shape::of(1001)),
        (Change::ResetAfter, Shape::of(5000)),
        (Change::ResetAfter, Shape::in_pieces(5000, 5)),
        (Change::ResetAfter, Shape::in_pieces(1001, 1)),
    ] {
        for listener in [HTTP1, HTTP2] {
            let asked = Asked { id: "cut".into(), method: Method::GET, change, shape, chunked: false };
            let mut client = Raw::open(stage.address(listener)).await;
            // The second request is never answered: its reply could be mistaken for the rest of the first.
            client.send([asked.bytes(false), asked.bytes(false)].concat()).await;
            let all = client.rest().await;
            let text = String::from_utf8_lossy(&all);
            let heads = text.matches("HTTP/1.1 ").count();
            let whole = text.ends_with("0\r\n\r\n");
            assert_eq!(
                (heads <= 1, whole),
                (true, false),
                "{change:?} {shape:?} by {listener}: {} bytes",
                all.len()
            );
            if let (Change::ResetAfter, None) = (change, shape.pieces) {
                let body = text.split_once("\r\n\r\n").expect("a head").1.len();
                assert!(body <= 2 * 1000, "{change:?} {shape:?} by {listener}: {body} bytes");
            }
        }
    }
    stage.is_sound().await;
}

/// Each change on connections that the client has asked to close: the reply is complete, and then they end.
#[tokio::test(flavor = "multi_thread")]
async fn replies_on_connections_that_close() {
    let stage = Stage::of(Change::rules(), [HTTP1, HTTP2]).await;
    let shapes =
        [Shape::of(0), Shape::of(1), Shape::of(64 * 1024), Shape::in_pieces(5000, 5), Shape::bodiless(204)];
    for listener in [HTTP1, HTTP2] {
        for (change, shape) in Change::ALL.into_iter().flat_map(|change| shapes.map(|shape| (change, shape)))
        {
            for method in METHODS.into_iter().filter(|method| !change.cuts(&shape, method)) {
                let id = format!("close by {listener}");
                let asked = Asked { id, method, change, shape, chunked: true };
                let mut client = Raw::open(stage.address(listener)).await;
                client.send(asked.bytes(true)).await;
                let (head, body) = client.message(asked.method.as_str()).await;
                asked.check(&head, &body);
                assert!(client.closes().await, "{} {change:?} {shape:?}", asked.id);
            }
        }
    }
    stage.is_sound().await;
}

/// A client that waits for `100 Continue` before it sends the body gets its reply, and so does the next request.
#[tokio::test(flavor = "multi_thread")]
async fn replies_to_clients_that_wait_to_be_told_to_go_on() {
    let stage = Stage::of(Change::rules(), [HTTP1]).await;
    let shape = Shape::of(5000);
    for change in Change::ALL.into_iter().filter(|change| !change.cuts(&shape, &Method::POST)) {
        let asked = Asked { id: "wait".into(), method: Method::POST, change, shape, chunked: false };
        let whole = asked.bytes(false);
        let body = whole.len() - b"firstsecond".len();
        let (head, body) = whole.split_at(body);
        let head = String::from_utf8_lossy(head).replacen("\r\n", "\r\nexpect: 100-continue\r\n", 1);
        let mut client = Raw::open(stage.address(HTTP1)).await;
        for _ in 0..2 {
            client.send(&head).await;
            assert_eq!(client.head().await.status, 100, "{change:?}");
            // An abort is sent before the body arrives, and ends the connection.
            if change != Change::Abort {
                client.send(body).await;
            }
            let (head, body) = client.message("POST").await;
            asked.check(&head, &body);
            if head.header("connection") == Some(b"close") {
                assert!(client.closes().await, "{change:?}");
                client = Raw::open(stage.address(HTTP1)).await;
            }
        }
    }
    stage.is_sound().await;
}
