//! Documents that change while requests are under way, delivered by a control plane over gRPC and by files that are
//! swapped as Kubernetes swaps a ConfigMap; what happens when one is invalid, or when the module is unavailable.

mod config_map;
mod control_plane;
mod history;
mod kill;
mod refusals;
mod resource;
mod stage;
mod unavailable;
mod updates;
