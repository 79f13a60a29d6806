//! HTTP/1.1, compared byte for byte on both sides.

use crate::bytes::Step::{self, Close, Echo, Say, Wait};
use crate::normal::normal;
use crate::stage::{PLAIN, Stage};
use support::deadline::within_patience;
use support::upstream::pattern;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A step of the client's script.
enum Part {
    /// Sends these bytes as they are.
    Says(Vec<u8>),
    /// Waits until it has received this, and signals the upstream.
    Hears(&'static str),
}

/// A client and an upstream that talk through Envoy.
struct Talk {
    name: &'static str,
    client: Vec<Part>,
    upstream: Vec<Step>,
}

/// The bytes that both sides have received, as `normal` shows them.
#[derive(Debug, PartialEq, Eq)]
struct Heard {
    client: String,
    upstream: Vec<String>,
}

impl Talk {
    /// One request, with a header whose value is not text.
    fn new(name: &'static str, request: &str, body: &[u8], upstream: Vec<Step>) -> Self {
        let (line, rest) = request.split_once("\r\n").unwrap_or((request, ""));
        let mut bytes = format!("{line}\r\nhost: a\r\nx-user: u\r\ncookie: c=1\r\nx-bytes: ").into_bytes();
        bytes.extend(b"\xff\xfe\r\n");
        bytes.extend(format!("{rest}connection: close\r\n\r\n").into_bytes());
        bytes.extend(body);
        Self { name, client: vec![Part::Says(bytes)], upstream }
    }

    fn raw(name: &'static str, bytes: &str) -> Self {
        Self { name, client: vec![Part::Says(bytes.into())], upstream: ok() }
    }

    fn get(name: &'static str, upstream: Vec<Step>) -> Self {
        Self::new(name, "GET /bytes?q=1 HTTP/1.1", b"", upstream)
    }

    async fn through(&self, stage: &Stage, listener: &str) -> Heard {
        stage.bytes.follow(&self.upstream);
        let mut stream = TcpStream::connect(stage.address(listener)).await.expect("Envoy listens");
        let mut heard = Vec::new();
        let talking = async {
            for part in &self.client {
                match part {
                    Part::Says(bytes) => stream.write_all(bytes).await.expect("Envoy listens"),
                    Part::Hears(what) => {
                        while !heard.windows(what.len()).any(|window| window == what.as_bytes()) {
                            let read = stream.read_buf(&mut heard).await.unwrap_or(0);
                            assert!(read > 0, "{}: {}", self.name, heard.escape_ascii());
                        }
                        stage.bytes.arrived();
                    }
                }
            }
            while let Ok(1..) = stream.read_buf(&mut heard).await {}
        };
        within_patience(&format!("{} through {listener}", self.name), talking).await;
        Heard { client: normal(&heard), upstream: stage.bytes.take() }
    }
}

fn say(text: &str) -> Step {
    Say(text.into())
}

fn ok() -> Vec<Step> {
    vec![say("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{\"a\":1}")]
}

fn large(chunked: bool) -> Vec<u8> {
    let body = pattern(0..LARGE);
    let mut bytes = Vec::new();
    if chunked {
        bytes.extend(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        for piece in body.chunks(100_000) {
            bytes.extend(format!("{:x}\r\n", piece.len()).into_bytes());
            bytes.extend(piece);
            bytes.extend(b"\r\n");
        }
        bytes.extend(b"0\r\n\r\n");
    } else {
        bytes.extend(format!("HTTP/1.1 200 OK\r\ncontent-length: {LARGE}\r\n\r\n").into_bytes());
        bytes.extend(&body);
    }
    bytes
}

const LARGE: usize = 5_000_000;
/// `hello` as gzip: compressed data is not text, and must not be inspected.
const GZIP: &[u8] =
    b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\x48\xcd\xc9\xc9\x07\x00\x86\xa6\x10\x36\x05\x00\x00\x00";

fn requests() -> Vec<Talk> {
    let with_length = |name, length: usize| {
        let head =
            format!("POST /bytes HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n");
        Talk::new(name, &head, &pattern(0..length), ok())
    };
    let chunked = |name, body: &[u8]| {
        Talk::new(name, "POST /bytes HTTP/1.1\r\ntransfer-encoding: chunked\r\n", body, ok())
    };
    vec![
        Talk::get("get", ok()),
        Talk::new(
            "head",
            "HEAD /bytes HTTP/1.1",
            b"",
            vec![say("HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n")],
        ),
        Talk::new("options", "OPTIONS * HTTP/1.1", b"", ok()),
        Talk::new("delete", "DELETE /bytes/%7Ea/../b//c;d?x=%20 HTTP/1.1", b"", ok()),
        Talk::new("own_method", "PROPFIND /bytes HTTP/1.1", b"", ok()),
        with_length("no_bytes", 0),
        with_length("one_byte", 1),
        with_length("sixteen_kilobytes", 16 * 1024),
        with_length("five_megabytes", LARGE),
        chunked("chunks", b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"),
        chunked("chunks_with_a_trailer", b"5\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n"),
        chunked("no_chunk", b"0\r\n\r\n"),
        Talk::new(
            "compressed",
            &format!("POST /bytes HTTP/1.1\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n", GZIP.len()),
            GZIP,
            ok(),
        ),
        Talk::new(
            "expects",
            "POST /bytes HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 2\r\n",
            b"hi",
            ok(),
        ),
        Talk::new("answered_by_envoy", "GET /direct HTTP/1.1", b"", ok()),
        Talk::new("nobody_there", "GET /nowhere HTTP/1.1", b"", ok()),
        Talk::raw("no_host", "GET /bytes HTTP/1.1\r\n\r\n"),
        Talk::raw("old", "GET /bytes HTTP/1.0\r\n\r\n"),
        Talk::raw("no_http", "hello\r\n\r\n"),
        Talk::raw(
            "two_in_a_row",
            "GET /bytes HTTP/1.1\r\nhost: a\r\n\r\nGET /bytes/2 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
        ),
        Talk::raw(
            "too_long",
            &format!("GET /bytes HTTP/1.1\r\nhost: a\r\nx-long: {}\r\n\r\n", "a".repeat(100_000)),
        ),
    ]
}

fn responses() -> Vec<Talk> {
    let compressed = [
        format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\nvary: accept-encoding\r\ncontent-length: {}\r\n\r\n", GZIP.len())
            .into_bytes(),
        GZIP.to_vec(),
    ];
    vec![
        Talk::get("empty", vec![say("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")]),
        Talk::get("no_content", vec![say("HTTP/1.1 204 No Content\r\n\r\n")]),
        Talk::get(
            "not_modified",
            vec![say("HTTP/1.1 304 Not Modified\r\ncontent-length: 7\r\netag: \"a\"\r\n\r\n")],
        ),
        Talk::get("own_words", vec![say("HTTP/1.1 404 Nowhere To Be Seen\r\ncontent-length: 2\r\n\r\nno")]),
        Talk::get("failure", vec![say("HTTP/1.1 500 Oh\r\ncontent-length: 2\r\nx-a: 1\r\nX-A: 2\r\n\r\nno")]),
        Talk::get(
            "odd_bytes",
            vec![Say(b"HTTP/1.1 200 OK\r\nx-odd: \xff\x80\r\ncontent-length: 2\r\n\r\n\xff\x00".to_vec())],
        ),
        Talk::get(
            "early_hints",
            [vec![say("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n")], ok()].concat(),
        ),
        Talk::get(
            "until_the_end",
            vec![say("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nwhatever comes"), Close],
        ),
        Talk::get(
            "in_chunks",
            vec![say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")],
        ),
        Talk::get("in_no_chunk", vec![say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n")]),
        Talk::get("zipped", vec![Say(compressed.concat())]),
        Talk::get("large", vec![Say(large(false))]),
        Talk::get("large_in_chunks", vec![Say(large(true))]),
        Talk::get("hangs_up", vec![Close]),
        Talk::get("hangs_up_in_the_head", vec![say("HTTP/1.1 200 OK\r\ncontent-le"), Close]),
        Talk::get("no_sense", vec![say("hello\r\n\r\n"), Close]),
        breaks_off("breaks_off", "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nso far"),
        breaks_off(
            "breaks_off_in_chunks",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n6\r\nso far\r\n",
        ),
    ]
}

fn breaks_off(name: &'static str, said: &str) -> Talk {
    let mut talk = Talk::get(name, vec![say(said), Wait, Close]);
    talk.client.push(Part::Hears("so far"));
    talk
}

fn upgrade() -> Talk {
    let asks = "GET /bytes HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    let grants = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    Talk {
        name: "websocket",
        client: vec![Part::Says(asks.into()), Part::Hears("\r\n\r\n"), Part::Says(b"\x00\xffabc".into())],
        upstream: vec![say(grants), Wait, Echo(5), Close],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn client_and_upstream_hear_the_same_bytes() {
    let stage = Stage::start().await;
    for talk in requests().into_iter().chain(responses()).chain([upgrade()]) {
        let expected = talk.through(&stage, PLAIN).await;
        for listener in stage.others() {
            let heard = talk.through(&stage, listener).await;
            assert!(heard == expected, "{} through {listener}: {heard:#?}\nnot {expected:#?}", talk.name);
        }
    }
    stage.has_only_counted().await;
}
