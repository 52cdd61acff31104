//! The Bulkhead API, and the documents its programs exchange.
//!
//! What a user writes is a [`GatewayInstance`](instance::GatewayInstance); what an operator tells a gateway is a
//! [`LaneDocument`](lane::LaneDocument); what a gateway tells back is a [`GatewayReport`](report::GatewayReport).
//! Everything here is data with its bounds: no sockets, no clients, no clock.
//!
//! Start with `instance`; `names` holds every label, annotation and object name that two programs must agree on.

pub mod finding;
pub mod lane;
pub mod names;
pub mod report;
