//! The import table for an `HTTPChaos`, with one row per field.

use crate::import::mapping::Fate::{Exact, Left, Noted, Refused};
use crate::import::mapping::{Mapping, Spelling, Table, row};

/// The fields of an `HTTPChaos`, as paths from `spec`.
pub const FIELDS: Table = Table { rows: ROWS, spelling: Spelling::Exact };

const CHOICE: &str = "a document cannot select pods: deliver it to the pods that this selects";

const ROWS: &[Mapping] = &[
    row("selector", Noted, "nothing: a document applies to every proxy that receives it"),
    row(
        "selector.namespaces",
        Noted,
        "a note that says whom to give the document; with `--select-pods`, `match.node.namespace`",
    ),
    row(
        "selector.labelSelectors",
        Noted,
        "a note that says whom to give the document; with `--select-pods`, `match.node.labels`",
    ),
    row("selector.expressionSelectors", Left, CHOICE),
    row("selector.annotationSelectors", Left, CHOICE),
    row("selector.fieldSelectors", Left, CHOICE),
    row("selector.nodes", Left, CHOICE),
    row("selector.nodeSelectors", Left, CHOICE),
    row("selector.pods", Left, CHOICE),
    row("selector.podPhaseSelectors", Left, CHOICE),
    row(
        "mode",
        Exact,
        "nothing if it is `all`. The others choose some of the pods, and are refused: no proxy knows how many others there are",
    ),
    row("value", Exact, "nothing, see `mode`"),
    row("target", Exact, "`Request`: faults of the rule; `Response`: its `response`"),
    row(
        "port",
        Left,
        "a document has no ports: put the filter on the inbound listener of this one (in Istio, `match` of the `WasmPlugin` with `mode: SERVER` and the port)",
    ),
    row("path", Exact, "`match.path`; `*` and `?` as a prefix, a suffix or a `safe_regex`"),
    row("method", Exact, "`match.methods`"),
    row("code", Exact, "`response.match.status`"),
    row("request_headers", Exact, "`match.headers`"),
    row("response_headers", Exact, "`response.match.headers`"),
    row(
        "abort",
        Noted,
        "`reset`, or `response.reset` with `after_bytes` 0: in HTTP/2 the stream is reset and the connection lives on; in HTTP/1 it is closed, by FIN and after Envoy's `delayed_close_timeout`",
    ),
    row("delay", Exact, "`delay.fixed_delay`, or `response.delay.fixed_delay`"),
    row("replace", Exact, "`request` or `response`"),
    row("replace.path", Exact, "`request.path`; the query stays"),
    row("replace.method", Exact, "`request.method`"),
    row("replace.code", Exact, "`response.status`"),
    row(
        "replace.body",
        Exact,
        "`request.body.replace` or `response.body.replace`; `replace_base64` if it is not text",
    ),
    row("replace.queries", Exact, "`request.query_parameters.set`"),
    row("replace.headers", Exact, "`request.headers.set` or `response.headers.set`"),
    row("patch", Exact, "`request` or `response`"),
    row(
        "patch.body",
        Noted,
        "`request.body.merge_patch` or `response.body.merge_patch`. A body that is not JSON passes untouched, where Chaos Mesh breaks the connection",
    ),
    row("patch.body.type", Exact, "nothing: it is `JSON`"),
    row("patch.body.value", Exact, "the patch"),
    row("patch.queries", Exact, "`request.query_parameters.add`"),
    row(
        "patch.headers",
        Noted,
        "`request.headers.add` or `response.headers.add`. Of a name that is given more than once, Chaos Mesh adds only the last value",
    ),
    row("tls", Left, "the proxy sees requests after TLS termination"),
    row(
        "duration",
        Noted,
        "with `--starting-at`, `schedule.not_before` and `not_after`; otherwise it is left out with a note",
    ),
    row(
        "remoteCluster",
        Refused,
        "a document is for the proxies that get it: give it to those of the other cluster",
    ),
];
