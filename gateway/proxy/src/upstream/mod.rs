//! Connections to endpoints: opened, kept, found again.

mod connect;
mod flight;
mod group;
mod pool;

pub(crate) use connect::connect;
pub(crate) use flight::Flight;
pub(crate) use group::{Group, Groups};
pub(crate) use pool::{Pool, Slot};
