//! Connections to endpoints: opened, kept, found again.
//!
//! A [`Slot`] is one endpoint as one thread knows it. Endpoints belong to one backend, and a backend is spoken to in one way, so
//! that neither another protocol nor another TLS identity ever meets a connection of the slot.

mod connect;
mod flight;
mod group;
mod heard;
mod http2;
mod pool;
mod tls;
pub(crate) mod verifier;

pub(crate) use connect::connect;
pub(crate) use flight::Flight;
pub(crate) use group::{Group, Groups};
pub(crate) use http2::Lease;
pub(crate) use pool::{Pool, Slot};
