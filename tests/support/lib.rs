//! What the suites share: Envoy, upstreams and clients.
