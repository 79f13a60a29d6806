//! The peers that are measured: each is a listener of one Envoy, with one filter or none before the same routes.

use crate::{command, documents, empty};
use serde_json::{Value, json};
use std::time::Duration;
use support::envoy::{Configuration, Filter, Listener};

const WASM: &str = "envoy.extensions.filters.http.wasm.v3.Wasm";

/// The path that Envoy answers itself.
const DIRECT: &str = "/direct";
/// The path that the upstream answers.
const PROXIED: &str = "/proxied";
const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// The delay of each held request.
pub const DELAY: Duration = Duration::from_millis(100);
/// The delay of a crowd: long enough for all requests to arrive before the first is due.
pub const LONG_DELAY: Duration = Duration::from_secs(5);

/// A task: peers with the same task differ only in their filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// A request without a body, which Envoy answers itself.
    Direct,
    /// A body of 1 KiB to the upstream and back.
    Small,
    /// A body of 1 MiB to the upstream and back.
    Large,
    /// A request that is held, over HTTP/2.
    Held,
}

/// A listener, and what to ask it.
pub struct Peer {
    /// Its name in the results and the name of its listener.
    pub key: &'static str,
    /// Its title in tables and charts.
    pub title: &'static str,
    pub task: Task,
    filter: Option<Filter>,
    /// The expected status of the reply.
    pub status: u16,
    disabled_on_route: bool,
}

impl Peer {
    fn new(key: &'static str, title: &'static str, task: Task, filter: Option<Filter>) -> Self {
        Self { key, title, task, filter, status: 200, disabled_on_route: false }
    }

    fn ours(key: &'static str, title: &'static str, task: Task, document: &Value) -> Self {
        Self::new(key, title, task, Some(Filter::brownout(&Configuration::document(document))))
    }

    /// Sets the status expected of the reply.
    fn status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    pub fn listener(&self) -> Listener {
        let mut direct = json!({ "match": { "path": DIRECT }, "direct_response": { "status": 200 } });
        if self.disabled_on_route {
            direct["typed_per_filter_config"] = json!({ "brownout": {
                "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig",
                "disabled": true,
                "config": {},
            } });
        }
        let routes = vec![
            direct,
            json!({ "match": { "path": PROXIED }, "route": { "cluster": "upstream", "timeout": "0s" } }),
            // What clients of HTTP/2 ask for.
            json!({ "match": { "path": "/" }, "direct_response": { "status": 200 } }),
        ];
        listener(self.key, self.filter.clone()).routes(routes)
    }

    /// Returns the bytes of its request, similar to a browser's behind a gateway.
    pub fn request(&self) -> Vec<u8> {
        let (line, length) = match self.task {
            Task::Direct | Task::Held => (format!("GET {DIRECT}"), None),
            Task::Small => (format!("POST {PROXIED}"), Some(KIB)),
            Task::Large => (format!("POST {PROXIED}"), Some(MIB)),
        };
        let mut request = format!(
            "{line} HTTP/1.1\r\nhost: shop.example\r\nuser-agent: bench/1.0\r\naccept: */*\r\n\
            accept-encoding: gzip\r\nx-user: bob\r\ncookie: session=0123456789abcdef\r\n"
        );
        if let Some(length) = length {
            request.push_str(&format!("content-length: {length}\r\n"));
        }
        let mut request = (request + "\r\n").into_bytes();
        request.resize(request.len() + length.unwrap_or(0), b'x');
        request
    }
}

/// Returns the peers that are measured in rounds. The gate is included only if the command that renders it is built.
pub fn all() -> Vec<Peer> {
    let abort = json!({ "abort": { "http_status": 503, "percentage": { "numerator": 100 } } });
    let mut peers = vec![
        Peer::new("none", "no filter", Task::Direct, None),
        Peer::new("empty", "empty module of the SDK", Task::Direct, Some(empty::filter())),
        Peer::new("native", "native fault filter, not matching", Task::Direct, Some(native(&abort, true))),
        Peer::new("lua", "Lua, one header", Task::Direct, Some(lua())),
        Peer::ours("no-rules", "Brownout, `rules: []`", Task::Direct, &documents::no_rules()),
        Peer::ours("off", "Brownout, `mode: off`", Task::Direct, &documents::off()),
        Peer::ours("one-header", "Brownout, one header rule", Task::Direct, &documents::one_header()),
        Peer::ours("rules-100", "Brownout, 100 rules", Task::Direct, &documents::many(100)),
        Peer::ours("rules-1000", "Brownout, 1,000 rules", Task::Direct, &documents::many(1000)),
        Peer::ours("rules-10000", "Brownout, 10,000 rules", Task::Direct, &documents::many(10_000)),
        disabled(),
        Peer::ours("shadow", "Brownout, shadow, all match", Task::Direct, &documents::matched("shadow", 100)),
        Peer::ours("inject-none", "Brownout, inject at 0 %", Task::Direct, &documents::matched("inject", 0)),
        Peer::new("native-abort", "native fault filter, abort", Task::Direct, Some(native(&abort, false)))
            .status(503),
        Peer::ours(
            "abort",
            "Brownout, abort",
            Task::Direct,
            &documents::always(json!({ "abort": { "http_status": 503 } })),
        )
        .status(503),
    ];
    peers.extend(command::gated(&documents::one_header()).map(|filter| {
        let title = "Brownout, one header rule, behind its gate";
        Peer::new("gate", title, Task::Direct, Some(Filter::verbatim(filter)))
    }));
    for (task, keys, titles) in [
        (
            Task::Small,
            ["small-none", "small-empty", "small-one-header"],
            ["1 KiB, no filter", "1 KiB, empty module", "1 KiB, Brownout, one header rule"],
        ),
        (
            Task::Large,
            ["large-none", "large-empty", "large-one-header"],
            ["1 MiB, no filter", "1 MiB, empty module", "1 MiB, Brownout, one header rule"],
        ),
    ] {
        peers.push(Peer::new(keys[0], titles[0], task, None));
        peers.push(Peer::new(keys[1], titles[1], task, Some(empty::filter())));
        peers.push(Peer::ours(keys[2], titles[2], task, &documents::one_header()));
    }
    peers
}

/// Returns the peers that hold requests: native and ours, for [`DELAY`] and for [`LONG_DELAY`].
pub fn holding() -> Vec<Peer> {
    let fault = |delay: Duration| {
        let delay = format!("{}.{:03}s", delay.as_secs(), delay.subsec_millis());
        let native = json!({ "delay": { "fixed_delay": delay, "percentage": { "numerator": 100 } } });
        (Some(self::native(&native, false)), documents::always(json!({ "delay": { "fixed_delay": delay } })))
    };
    let ((native, ours), (native_long, ours_long)) = (fault(DELAY), fault(LONG_DELAY));
    vec![
        Peer::new("native-delay", "native fault filter", Task::Held, native),
        Peer::ours("delay", "Brownout", Task::Held, &ours),
        Peer::new("native-crowd", "native fault filter", Task::Held, native_long),
        Peer::ours("crowd", "Brownout", Task::Held, &ours_long),
    ]
}

/// Envoy's own filter, for [`documents::HEADER`] or for every request.
fn native(fault: &Value, for_another: bool) -> Filter {
    let mut fault = fault.clone();
    if for_another {
        let (name, value) = documents::HEADER;
        fault["headers"] = json!([{ "name": name, "string_match": { "exact": value } }]);
    }
    Filter::native_fault(fault)
}

fn lua() -> Filter {
    let (name, value) = documents::HEADER;
    let code = format!(
        "function envoy_on_request(handle)\n\
           if handle:headers():get(\"{name}\") == \"{value}\" then\n\
             handle:respond({{[\":status\"] = \"503\"}}, \"\")\n\
           end\n\
         end\n"
    );
    let message = "envoy.extensions.filters.http.lua.v3.Lua";
    Filter::typed(
        "envoy.filters.http.lua",
        message,
        json!({ "default_source_code": { "inline_string": code } }),
    )
}

/// Returns a listener without an access log, which answers directly until it gets other routes.
pub fn listener(name: &str, filter: Option<Filter>) -> Listener {
    let answer = json!({ "match": { "prefix": "/" }, "direct_response": { "status": 200 } });
    let listener = Listener::named(name).field("access_log", json!([])).routes(vec![answer]);
    filter.into_iter().fold(listener, Listener::filter)
}

/// A module by its path, without configuration.
pub fn module(name: &str, path: &std::path::Path) -> Filter {
    let plugin = json!({
        "name": name,
        "failure_policy": "FAIL_OPEN",
        "vm_config": { "runtime": "envoy.wasm.runtime.v8", "code": { "local": { "filename": path } } },
    });
    Filter::typed(name, WASM, json!({ "config": plugin }))
}

fn disabled() -> Peer {
    let title = "Brownout, disabled on the route";
    let peer = Peer::ours("disabled", title, Task::Direct, &documents::one_header());
    Peer { disabled_on_route: true, ..peer }
}
