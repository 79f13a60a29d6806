//! The import table for a `MeshFaultInjection`, with one row per field.

use crate::import::mapping::Fate::{Exact, Left, Noted, Refused};
use crate::import::mapping::{Mapping, Spelling, Table, row};

/// The fields of a `MeshFaultInjection`, as paths from `spec`.
pub const FIELDS: Table = Table { rows: ROWS, spelling: Spelling::Exact };

const ROWS: &[Mapping] = &[
    row(
        "targetRef",
        Left,
        "a document is for the proxies that get it: give it to those that this means (`targetRef` of a `MeshProxyPatch`)",
    ),
    row(
        "from",
        Exact,
        "rules. Kuma applies the last entry that matches, so the rules are in reverse order, and each has a `not` for those before it",
    ),
    row(
        "from[].targetRef",
        Exact,
        "`match.headers` on `x-kuma-tags`, as Kuma matches it; `Mesh` is every request",
    ),
    row("from[].targetRef.kind", Exact, "`Mesh`, `MeshSubset`, `MeshService` or `MeshServiceSubset`"),
    row("from[].targetRef.name", Exact, "of a `MeshService`, the tag `kuma.io/service`"),
    row("from[].targetRef.tags", Exact, "see `from[].targetRef`"),
    row("from[].targetRef.proxyTypes", Left, "a request does not say which type of proxy it comes from"),
    row("from[].default", Exact, "see `default.http`"),
    row("to", Noted, "rules for every request: in Kuma it is for gateways only"),
    row("to[].targetRef", Left, "a document is for the gateway that gets it"),
    row("to[].default", Exact, "see `default.http`"),
    row("rules", Exact, "rules, in their order"),
    row("rules[].matches", Exact, "`match`: an `any` of them"),
    row("rules[].matches[].spiffeID", Exact, "`match.source.principal`"),
    row("rules[].matches[].spiffeID.type", Exact, "`Exact` or `Prefix`"),
    row("rules[].matches[].spiffeID.value", Exact, "the principal"),
    row("rules[].matches[].sni", Refused, "a document does not know the SNI: use `match.authority`"),
    row("rules[].default", Exact, "see `default.http`"),
    row(
        "default.http",
        Exact,
        "the faults. Each entry is a filter of its own in Kuma: an abort that precedes other faults becomes an earlier rule, the others share a rule; two consecutive faults of the same kind are refused",
    ),
    row("default.http[].abort", Exact, "`abort`"),
    row(
        "default.http[].abort.httpStatus",
        Exact,
        "`abort.http_status`. Less than 200, which Envoy rejects, is refused",
    ),
    row("default.http[].abort.percentage", Exact, "`abort.percentage`, or that of the rule"),
    row("default.http[].delay", Exact, "`delay`"),
    row("default.http[].delay.value", Exact, "`delay.fixed_delay`"),
    row("default.http[].delay.percentage", Exact, "`delay.percentage`"),
    row("default.http[].responseBandwidth", Exact, "`response_rate_limit`"),
    row(
        "default.http[].responseBandwidth.limit",
        Noted,
        "`response_rate_limit.fixed_limit.limit_kbps`. Kuma hands the number of kilobits to Envoy, which reads it as KiB; the document reproduces that",
    ),
    row("default.http[].responseBandwidth.percentage", Exact, "`response_rate_limit.percentage`"),
];
