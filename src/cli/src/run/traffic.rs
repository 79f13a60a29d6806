//! Demo traffic: a few kinds of request, each again and again, and what became of them.

use std::io;
use std::net::SocketAddr;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::{Duration, Instant};

/// How often each kind of request is sent.
const EVERY: Duration = Duration::from_millis(2500);
/// How long a client of ours waits.
const PATIENCE: Duration = Duration::from_secs(30);

/// Method, path, and the value of `x-fault` or none.
type Kind = (&'static str, &'static str, Option<&'static str>);

/// What is sent: a request of each kind of the demo document, and one that passes.
const KINDS: [Kind; 5] = [
    ("GET", "/", None),
    ("GET", "/search?q=tea", None),
    ("POST", "/checkout", None),
    ("GET", "/", Some("abort")),
    ("GET", "/", Some("delay")),
];

/// What a client of the demo traffic saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// What it asked: `GET / x-fault: abort`.
    pub request: String,
    /// The status, or why there was none.
    pub result: Result<u16, String>,
    /// How long it took.
    pub took: Duration,
    /// What `x-brownout` said.
    pub fault: Option<String>,
}

/// Starts the traffic. It ends with the process, or when nobody listens to `seen` any more.
///
/// # Errors
/// When the system gives no thread.
pub fn start(proxy: SocketAddr, seen: &Sender<Seen>) -> io::Result<()> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .proxy(None)
        .http_status_as_error(false)
        .build()
        .into();
    let gap = EVERY / u32::try_from(KINDS.len()).unwrap_or(1);
    for (kind, place) in KINDS.into_iter().zip(0..) {
        let (agent, seen) = (agent.clone(), seen.clone());
        thread::Builder::new().name("demo-traffic".into()).spawn(move || {
            thread::sleep(gap * place);
            while seen.send(ask(&agent, proxy, kind)).is_ok() {
                thread::sleep(EVERY);
            }
        })?;
    }
    Ok(())
}

fn ask(agent: &ureq::Agent, proxy: SocketAddr, (method, path, header): Kind) -> Seen {
    let mut request = ureq::http::Request::builder().method(method).uri(format!("http://{proxy}{path}"));
    if let Some(value) = header {
        request = request.header("x-fault", value);
    }
    let started = Instant::now();
    let result = match request.body(()) {
        Ok(request) => agent.run(request),
        Err(error) => Err(error.into()),
    };
    let took = started.elapsed();
    let fault = result.as_ref().ok().and_then(|response| {
        response.headers().get("x-brownout").and_then(|value| value.to_str().ok()).map(str::to_owned)
    });
    let header = header.map_or(String::new(), |value| format!(" x-fault: {value}"));
    Seen {
        request: format!("{method} {path}{header}"),
        result: result.map(|response| response.status().as_u16()).map_err(|error| error.to_string()),
        took,
        fault,
    }
}
