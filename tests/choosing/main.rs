//! Choosing requests to fault in a real Envoy: by which facts, how often, when, and on which routes.

mod calls;
mod counts;
mod evidence;
mod host_calls;
mod hostile;
mod limits;
mod many_rules;
mod peers;
mod properties;
mod routes;
mod routes_in_number;
mod schedule;
mod stage;
mod sticky;
