//! The tools of operators: the labels in Prometheus, the access log, the alerts, the dashboard.

mod access_log;
mod alerts;
mod dashboard;
mod labels;
mod prometheus;
mod stage;
