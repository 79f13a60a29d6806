//! The import table for a `Disruption`, with one row per field.

use crate::import::mapping::Fate::{Exact, Left, Noted};
use crate::import::mapping::{Mapping, Spelling, Table, row};

/// The fields of `spec` that say what happens to gRPC calls.
pub const FIELDS: Table = Table { rows: ROWS, spelling: Spelling::Exact };

const CHOICE: &str = "a document cannot select pods: deliver it to the pods that this selects";

const ROWS: &[Mapping] = &[
    row(
        "selector",
        Noted,
        "a note that says whom to give the document; with `--select-pods`, `match.node.labels`",
    ),
    row("advancedSelector", Left, CHOICE),
    row("filter", Left, CHOICE),
    row("count", Left, CHOICE),
    row("level", Left, CHOICE),
    row("containers", Left, CHOICE),
    row("staticTargeting", Left, CHOICE),
    row("unsafeMode", Left, CHOICE),
    row("onInit", Left, "a proxy has its document when it gets it"),
    row("triggers", Left, "a document begins when it arrives, or at `--starting-at`"),
    row("reporting", Left, "Brownout sends no notifications; its `experiment` is in the proxy's log"),
    row(
        "duration",
        Noted,
        "with `--starting-at`, `schedule.not_before` and `not_after`; otherwise it is left out with a note",
    ),
    row("dryRun", Exact, "`mode`: `shadow`"),
    row("pulse", Exact, "`schedule.on` and `off`"),
    row("pulse.initialDelay", Noted, "with `--starting-at`, a part of `schedule.not_before`"),
    row("pulse.activeDuration", Exact, "`schedule.on`"),
    row("pulse.dormantDuration", Exact, "`schedule.off`"),
    row("grpc", Exact, "a rule for each endpoint"),
    row("grpc.port", Left, "a document has no ports: put the filter on the inbound listener of this one"),
    row(
        "grpc.endpoints",
        Exact,
        "a rule for each endpoint. Several for one endpoint are `outcomes`: at most one of them applies to a call",
    ),
    row("grpc.endpoints[].endpoint", Exact, "`match.grpc.service` and `match.grpc.method`"),
    row(
        "grpc.endpoints[].error",
        Noted,
        "`abort.grpc_status`; its message is this module's, and the call does not reach the service",
    ),
    row(
        "grpc.endpoints[].override",
        Noted,
        "`{}`: `response` with an empty message and the status OK. The service does its work, where Datadog's interceptor skips it",
    ),
    row("grpc.endpoints[].queryPercent", Exact, "the percentage. Endpoints without one share the remainder"),
];
