//! The import table for Toxiproxy's proxies and toxics, with one row per field.

use crate::import::mapping::Fate::{Exact, Left, Noted, Refused};
use crate::import::mapping::{Mapping, Spelling, Table, row};

/// The fields of a proxy, of a toxic, and of the attributes of each type of toxic.
pub const FIELDS: Table = Table { rows: ROWS, spelling: Spelling::Exact };

const ROWS: &[Mapping] = &[
    row("name", Exact, "the rule's `name`"),
    row("listen", Left, "the filter is put on a listener of yours"),
    row("upstream", Left, "where requests go is for the proxy's routes to say"),
    row("enabled", Noted, "`false` makes the rule's `mode` `off`; Toxiproxy then refuses connections"),
    row(
        "toxics",
        Exact,
        "the rule's faults. With `stream: upstream` they apply to the request, with `downstream`, the default, to the response",
    ),
    row("toxics[].name", Exact, "nothing"),
    row("toxics[].type", Exact, "the kind of fault"),
    row("toxics[].stream", Exact, "see `toxics`"),
    row(
        "toxics[].toxicity",
        Noted,
        "the `percentage`; 100 if absent. Toxiproxy draws for each connection, a document for each request",
    ),
    row("toxics[].attributes", Exact, "see below, by type"),
    row(
        "latency.latency",
        Exact,
        "`delay.fixed_delay`, or `response.delay.fixed_delay`, in milliseconds; with a jitter `uniform`, from latency − jitter to latency + jitter",
    ),
    row("latency.jitter", Exact, "see `latency.latency`"),
    row(
        "bandwidth.rate",
        Noted,
        "`request_rate_limit` or `response_rate_limit`. Toxiproxy uses units of 1000 bytes per connection, a document units of 1024 bytes per request",
    ),
    row(
        "timeout.timeout",
        Noted,
        "`hang.max`; of responses, `response.delay` and `response.reset`. 0, which in Toxiproxy means forever, becomes an hour",
    ),
    row(
        "reset_peer.timeout",
        Noted,
        "`reset`, or with a timeout `hang`; for responses, `response.delay` and `response.reset`. The stream is reset, where Toxiproxy resets the connection",
    ),
    row(
        "limit_data.bytes",
        Noted,
        "`response.reset.after_bytes`: bytes of one body, where Toxiproxy counts all bytes of the connection",
    ),
    row("slow_close.delay", Refused, "connections are the proxy's own: a document cannot keep one open"),
    row("slicer.average_size", Refused, "HTTP has no slices: use `bandwidth`"),
    row("slicer.size_variation", Refused, "HTTP has no slices: use `bandwidth`"),
    row("slicer.delay", Refused, "HTTP has no slices: use `bandwidth`"),
];
