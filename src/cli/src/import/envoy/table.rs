//! The import table for Envoy's `HTTPFault`, with one row per field.

use crate::import::mapping::Fate::{Exact, Left, Noted, Refused};
use crate::import::mapping::{Mapping, Spelling, Table, row};

/// The fields of `HTTPFault` and of the messages in it, as of Envoy 1.40.
pub const FIELDS: Table = Table { rows: ROWS, spelling: Spelling::Snake };

const ROWS: &[Mapping] = &[
    row("delay", Exact, "`delay`"),
    row(
        "delay.fixed_delay",
        Noted,
        "`delay.fixed_delay`, truncated to whole milliseconds as in Envoy; less than one is no delay. More than an hour is refused",
    ),
    row("delay.header_delay", Exact, "`delay.header_delay`"),
    row("delay.percentage", Exact, "`delay.percentage`, see `percentage.numerator`"),
    row("abort", Exact, "`abort`"),
    row("abort.http_status", Exact, "`abort.http_status`"),
    row(
        "abort.grpc_status",
        Noted,
        "`abort.grpc_status`, 0 to 16; Envoy takes any number, and a Wasm module cannot send others. For a request that is not gRPC, Envoy answers 200, and this module answers with the equivalent HTTP status",
    ),
    row("abort.header_abort", Exact, "`abort.header_abort`"),
    row("abort.response_body", Exact, "`abort.body`"),
    row("abort.percentage", Exact, "`abort.percentage`, see `percentage.numerator`"),
    row("upstream_cluster", Exact, "`match.cluster`"),
    row("headers", Exact, "`match.headers`"),
    row(
        "downstream_nodes",
        Exact,
        "`match.headers` on `x-envoy-downstream-service-node`; several nodes are an `any`",
    ),
    row(
        "max_active_faults",
        Noted,
        "`limits.max_active_faults` of the rule. In Envoy all routes with a fault filter share one count; here each rule has its own",
    ),
    row("response_rate_limit", Exact, "`response_rate_limit`; see `docs/faults.md` for how even the flow is"),
    row("response_rate_limit.fixed_limit", Exact, "`response_rate_limit.fixed_limit`"),
    row("response_rate_limit.fixed_limit.limit_kbps", Exact, "`response_rate_limit.fixed_limit.limit_kbps`"),
    row("response_rate_limit.header_limit", Exact, "`response_rate_limit.header_limit`"),
    row(
        "response_rate_limit.percentage",
        Exact,
        "`response_rate_limit.percentage`, see `percentage.numerator`",
    ),
    row("delay_percent_runtime", Left, RUNTIME),
    row("abort_percent_runtime", Left, RUNTIME),
    row("delay_duration_runtime", Left, RUNTIME),
    row("abort_http_status_runtime", Left, RUNTIME),
    row("max_active_faults_runtime", Left, RUNTIME),
    row("response_rate_limit_percent_runtime", Left, RUNTIME),
    row("abort_grpc_status_runtime", Left, RUNTIME),
    row(
        "disable_downstream_cluster_stats",
        Exact,
        "nothing: this module has no statistics by downstream cluster",
    ),
    row(
        "filter_metadata",
        Left,
        "a Wasm module cannot write dynamic metadata; access logs can read `%FILTER_STATE(wasm.brownout.rule:PLAIN)%` instead",
    ),
    row(
        "percentage.numerator",
        Noted,
        "the percentage. If absent, it is 0, which never fires; more than the denominator counts as 100, as in Envoy",
    ),
    row("percentage.denominator", Exact, "the percentage: `HUNDRED`, `TEN_THOUSAND` or `MILLION`"),
    row("headers[].name", Exact, "`name`"),
    row("headers[].string_match", Exact, "`string_match`"),
    row("headers[].string_match.exact", Exact, "`exact`"),
    row("headers[].string_match.prefix", Exact, "`prefix`"),
    row("headers[].string_match.suffix", Exact, "`suffix`"),
    row("headers[].string_match.contains", Exact, "`contains`"),
    row("headers[].string_match.safe_regex", Exact, "`safe_regex`; its `google_re2` is ignored"),
    row("headers[].string_match.ignore_case", Exact, "`ignore_case`"),
    row(
        "headers[].string_match.custom",
        Refused,
        "it needs an extension of Envoy's; match with `safe_regex`",
    ),
    row("headers[].range_match", Exact, "`range_match`; an empty range is refused"),
    row("headers[].present_match", Exact, "`present_match`"),
    row("headers[].invert_match", Exact, "`invert_match`"),
    row("headers[].treat_missing_header_as_empty", Exact, "`treat_missing_header_as_empty`"),
    row("headers[].exact_match", Exact, "`string_match.exact`"),
    row("headers[].safe_regex_match", Exact, "`string_match.safe_regex`"),
    row("headers[].prefix_match", Exact, "`string_match.prefix`"),
    row("headers[].suffix_match", Exact, "`string_match.suffix`"),
    row("headers[].contains_match", Exact, "`string_match.contains`"),
];

const RUNTIME: &str = "a Wasm module cannot read Envoy's runtime; the configured value stays in force, and to change it you \
    push another document";
