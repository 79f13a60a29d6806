//! The import table for rules of `l7proto: chaos`, with one row per key.

use crate::import::mapping::Fate::{Exact, Noted};
use crate::import::mapping::{Mapping, Spelling, Table, row};

/// The keys of a rule.
pub const FIELDS: Table = Table { rows: ROWS, spelling: Spelling::Exact };

const ROWS: &[Mapping] = &[
    row(
        "probability",
        Noted,
        "the rule's `percentage`; 100 if absent or 0. Cilium draws again for the response, so response faults happen with the square of this probability: `response.percentage` reproduces that, unless `--intended` is given",
    ),
    row("method", Exact, "`match.methods`"),
    row("path", Exact, "`match.path`: an unanchored expression becomes `contains`, or `.*(?:…).*`"),
    row("status-code", Exact, "`response.match.status`"),
    row(
        "delay-request",
        Exact,
        "`delay.fixed_delay`; other requests on the worker are not delayed with it, as they are in Cilium",
    ),
    row("delay-response", Exact, "`response.delay.fixed_delay`"),
    row(
        "rewrite-status",
        Noted,
        "`response.status`. The words after the number are left out: a proxy writes its own, and HTTP/2 has none",
    ),
    row("add-request-headers", Exact, "`request.headers.add`"),
    row("add-response-headers", Exact, "`response.headers.add`"),
];
