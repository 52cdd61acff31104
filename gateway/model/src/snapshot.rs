//! The snapshot: everything a data thread needs to serve a request, immutable.

use std::sync::Arc;

use crate::settings::Settings;
use crate::table::HostTable;
use crate::tls::TlsTable;

/// One consistent configuration of a lane. A request takes one and keeps it to its end.
#[derive(Debug)]
pub struct Snapshot {
    /// Counts published snapshots; a later one has a larger number.
    pub number: u64,
    /// `configGeneration` of the lane document it was made from.
    pub config_generation: i64,
    /// Settings of the whole lane.
    pub settings: Arc<Settings>,
    /// Routes.
    pub hosts: HostTable,
    /// Certificates.
    pub tls: Arc<TlsTable>,
}
