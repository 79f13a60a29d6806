//! The import table for a `VirtualService`, with one row per field.

use crate::import::mapping::Fate::{Exact, Left, Noted, Refused};
use crate::import::mapping::{Mapping, Spelling, Table, row};

/// The fields of `spec` and of the messages in it that select the requests and the fault.
pub const FIELDS: Table = Table { rows: ROWS, spelling: Spelling::Camel };

const ROUTING: &str = "nothing: routing stays with the VirtualService";

const ROWS: &[Mapping] = &[
    row(
        "hosts",
        Exact,
        "`match.authority`, whatever the port. A service in the cluster matches by any of its names, by the shortest only in its own namespace (`match.node.namespace`)",
    ),
    row("gateways", Exact, "selects the VirtualServices that apply to `--gateway`, by default `mesh`"),
    row("export_to", Exact, "`match.node.namespace`"),
    row(
        "http",
        Exact,
        "`rules`; only the first entry that matches a request applies, so later rules have a `not` for entries without a fault",
    ),
    row("tls", Left, "no HTTP"),
    row("tcp", Left, "no HTTP"),
    row("http[].name", Exact, "the end of the rule's `name`"),
    row("http[].match", Exact, "`match`: an `any` of the blocks"),
    row("http[].fault", Exact, "the rule"),
    row("http[].route", Exact, ROUTING),
    row("http[].redirect", Exact, "nothing; beside a fault it is a mistake, as in Istio"),
    row("http[].direct_response", Exact, "nothing; beside a fault it is a mistake"),
    row(
        "http[].delegate",
        Refused,
        "its requests are defined in another VirtualService: replace the delegate with its routes",
    ),
    row("http[].rewrite", Exact, ROUTING),
    row("http[].timeout", Exact, ROUTING),
    row("http[].retries", Exact, "nothing: an abort is not retried, there or here"),
    row("http[].mirror", Exact, ROUTING),
    row("http[].mirrors", Exact, ROUTING),
    row("http[].mirror_percent", Exact, ROUTING),
    row("http[].mirror_percentage", Exact, ROUTING),
    row("http[].cors_policy", Exact, ROUTING),
    row("http[].headers", Exact, ROUTING),
    row("http[].match[].name", Exact, "nothing"),
    row("http[].match[].stat_prefix", Exact, "nothing"),
    row("http[].match[].uri", Exact, "`path`"),
    row("http[].match[].ignore_uri_case", Exact, "`path.ignore_case`; not for `regex`, as in Istio"),
    row("http[].match[].scheme", Exact, "`headers` on `:scheme`"),
    row("http[].match[].method", Exact, "`methods`, or `headers` on `:method`"),
    row("http[].match[].authority", Exact, "`headers` on `:authority`"),
    row("http[].match[].headers", Exact, "`headers`; claims of a JWT are refused"),
    row("http[].match[].without_headers", Exact, "`headers` with `invert_match`"),
    row(
        "http[].match[].query_params",
        Noted,
        "`query_parameters`. Values are compared unescaped, and a repeated parameter matches by either value; Istio compares the first, still escaped",
    ),
    row(
        "http[].match[].port",
        Noted,
        "`cluster` with the prefix `outbound|<port>|`, which is equivalent unless the request is routed to a different port from the one it was sent to. Refused at gateways, and if a destination has a `port`",
    ),
    row("http[].match[].source_labels", Exact, "`node.labels`"),
    row("http[].match[].source_namespace", Exact, "`node.namespace`"),
    row(
        "http[].match[].gateways",
        Exact,
        "a block for other gateways than `--gateway` is left out, and as in Istio, the block's `sourceLabels` and `sourceNamespace` do not count",
    ),
    row("string_match.exact", Exact, "`exact`"),
    row("string_match.prefix", Exact, "`prefix`"),
    row("string_match.regex", Exact, "`safe_regex`; `*` alone means that the header or parameter is present"),
    row("fault.delay", Exact, "`delay`"),
    row(
        "fault.delay.fixed_delay",
        Exact,
        "`delay.fixed_delay`: whole milliseconds, at least one, as in Istio; at most an hour",
    ),
    row("fault.delay.percentage", Exact, "`delay.percentage`, see `percentage.value`"),
    row("fault.delay.percent", Exact, "`delay.percentage`, unless there is a `percentage`"),
    row("fault.delay.exponential_delay", Refused, "Istio refuses it too: a document has `delay.exponential`"),
    row("fault.abort", Exact, "`abort`; without a status it is left out with a note, where Istio warns"),
    row(
        "fault.abort.http_status",
        Exact,
        "`abort.http_status`. 600, which Istio takes and Envoy then rejects, is refused",
    ),
    row(
        "fault.abort.grpc_status",
        Noted,
        "`abort.grpc_status`. For a request that is not gRPC, Istio's proxy answers 200, and this module answers with the equivalent HTTP status",
    ),
    row("fault.abort.http2_error", Refused, "Istio refuses it too: use `httpStatus` or `grpcStatus`"),
    row("fault.abort.percentage", Exact, "`abort.percentage`, see `percentage.value`"),
    row(
        "percentage.value",
        Noted,
        "the percentage, with four decimals: the rest is cut off, by Istio's own arithmetic. Absent it is 0, which never fires",
    ),
];
