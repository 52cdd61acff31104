//! The operator: watches GatewayInstances, applies what `bulkhead-plan` says, and reports what it sees.

pub mod manifests;
