//! The Bulkhead API, and the documents its programs exchange.
//!
//! What a user writes is a [`GatewayInstance`](instance::GatewayInstance); what an operator tells a gateway is a
//! [`LaneDocument`](lane::LaneDocument); what a gateway tells back is a [`GatewayReport`](report::GatewayReport).
//! Everything here is data with its bounds: no sockets, no clients, no clock.
//!
//! Start with `instance`; `names` holds every label, annotation and object name that two programs must agree on.

pub mod client_address;
pub mod condition;
pub mod crd;
pub mod drain;
pub mod duration;
pub mod finding;
pub mod fnv;
pub mod ingress_class;
pub mod instance;
pub mod keyring;
pub mod lane;
pub mod lane_spec;
pub mod limits;
pub mod names;
pub mod network_policy;
pub mod not_obeyed;
pub mod observability;
pub mod phase;
pub mod placement;
pub mod reason;
pub mod report;
pub mod rollout;
pub mod scaling;
mod schema;
pub mod scope;
pub mod service;
pub mod size;
pub mod status;
pub mod sysctls;
pub mod text;
pub mod tls;
pub mod upstream;
pub mod violations;
