//! The import table for Litmus's experiments, with one row per variable.

use crate::import::mapping::Fate::{Exact, Left, Noted};
use crate::import::mapping::{Mapping, Spelling, Table, row};

/// The variables: `common` are those of all experiments.
pub const FIELDS: Table = Table { rows: ROWS, spelling: Spelling::Exact };

const CHOICE: &str = "a document cannot select pods: deliver it to the pods that this selects";
const MACHINERY: &str = "no proxy of Litmus's is started";

const ROWS: &[Mapping] = &[
    row(
        "common.TOTAL_CHAOS_DURATION",
        Noted,
        "with `--starting-at`, `schedule.not_before` and `not_after`; 60 seconds if absent",
    ),
    row("common.RAMP_TIME", Noted, "with `--starting-at`, the wait before and after"),
    row(
        "common.TOXICITY",
        Noted,
        "the rule's `percentage`; 100 if absent. Litmus draws for each connection, a document for each request",
    ),
    row("common.SEQUENCE", Left, CHOICE),
    row("common.PODS_AFFECTED_PERC", Left, CHOICE),
    row("common.TARGET_PODS", Left, CHOICE),
    row("common.TARGET_CONTAINER", Left, CHOICE),
    row("common.NODE_LABEL", Left, CHOICE),
    row("common.DEFAULT_HEALTH_CHECK", Left, "a document does not wait for pods to be healthy"),
    row(
        "common.TARGET_SERVICE_PORT",
        Left,
        "a document has no ports: put the filter on the inbound listener of this one",
    ),
    row("common.PROXY_PORT", Left, MACHINERY),
    row("common.NETWORK_INTERFACE", Left, MACHINERY),
    row("common.CONTAINER_RUNTIME", Left, MACHINERY),
    row("common.SOCKET_PATH", Left, MACHINERY),
    row("common.LIB_IMAGE", Left, MACHINERY),
    row(
        "pod-http-latency.LATENCY",
        Exact,
        "`response.delay.fixed_delay`, in milliseconds: Litmus holds the answer. 2000 if absent, as in the experiment's chart",
    ),
    row(
        "pod-http-reset-peer.RESET_TIMEOUT",
        Noted,
        "`delay.fixed_delay`, in milliseconds, and `reset`: the stream is reset, where Litmus resets the connection",
    ),
    row(
        "pod-http-status-code.STATUS_CODE",
        Noted,
        "`response.status`. Of several, or of none, Litmus chooses one when it starts; here they are `outcomes` with equal shares",
    ),
    row(
        "pod-http-status-code.MODIFY_RESPONSE_BODY",
        Exact,
        "whether to set `response.body`; by default it is set",
    ),
    row(
        "pod-http-status-code.RESPONSE_BODY",
        Noted,
        "`response.body.replace`; empty, it is the name of the status, where Litmus has a text of its own",
    ),
    row("pod-http-status-code.CONTENT_TYPE", Exact, "`response.headers.set`; `text/plain` if absent"),
    row(
        "pod-http-status-code.CONTENT_ENCODING",
        Noted,
        "the body is sent as it is, and `content-encoding` removed: a client that decodes sees the same",
    ),
    row(
        "pod-http-modify-header.HEADERS_MAP",
        Exact,
        "`headers.set`; those with an empty value in `headers.remove`",
    ),
    row("pod-http-modify-header.HEADER_MODE", Exact, "`request` or `response` (the default)"),
    row("pod-http-modify-body.RESPONSE_BODY", Exact, "`response.body.replace`"),
    row("pod-http-modify-body.CONTENT_TYPE", Exact, "`response.headers.set`; `text/plain` if absent"),
    row(
        "pod-http-modify-body.CONTENT_ENCODING",
        Noted,
        "the body is sent as it is, and `content-encoding` removed: a client that decodes sees the same",
    ),
];
