//! Connections to endpoints: opened, kept, found again.

mod connect;
mod pool;

pub(crate) use connect::connect;
pub(crate) use pool::{Pool, Slot};
