//! The import table for a `BackendTrafficPolicy`, with one row per field.

use crate::import::mapping::Fate::{Exact, Left, Noted, Refused};
use crate::import::mapping::{Mapping, Spelling, Table, row};

/// The fields of `spec` that select the requests and the fault.
pub const FIELDS: Table = Table { rows: ROWS, spelling: Spelling::Exact };

const ROWS: &[Mapping] = &[
    row("targetRef", Exact, "see `targetRefs`"),
    row(
        "targetRefs",
        Exact,
        "`match.route`: Envoy Gateway calls its routes `httproute/<namespace>/<name>/rule/…`. A `Gateway` means all requests but those of routes with a policy of their own",
    ),
    row("targetRefs[].group", Exact, "nothing"),
    row("targetRefs[].kind", Exact, "`Gateway`, `HTTPRoute` or `GRPCRoute`"),
    row("targetRefs[].name", Exact, "see `targetRefs`"),
    row(
        "targetRefs[].sectionName",
        Noted,
        "of a `Gateway`, a note: put the filter on that listener. Of a route it is refused",
    ),
    row(
        "targetSelectors",
        Refused,
        "the labels are on the routes, which are not here: name them in `targetRefs`",
    ),
    row(
        "mergeType",
        Left,
        "a policy of a route that is merged with its gateway's keeps the gateway's fault only if it has none",
    ),
    row("faultInjection", Exact, "the rule"),
    row("faultInjection.delay", Exact, "`delay`"),
    row("faultInjection.delay.fixedDelay", Exact, "`delay.fixed_delay`"),
    row("faultInjection.delay.percentage", Exact, "`delay.percentage`. 100 if absent"),
    row("faultInjection.abort", Exact, "`abort`"),
    row(
        "faultInjection.abort.httpStatus",
        Exact,
        "`abort.http_status`. 600, which Envoy rejects, is refused",
    ),
    row(
        "faultInjection.abort.grpcStatus",
        Noted,
        "`abort.grpc_status`. For a request that is not gRPC, Envoy Gateway's proxy answers 200, and this module answers with the equivalent HTTP status",
    ),
    row("faultInjection.abort.percentage", Exact, "`abort.percentage`. 100 if absent"),
];
