//! A GatewayInstance that may be planned.

use bulkhead_crds::instance::GatewayInstanceSpec;
use bulkhead_crds::names::LaneName;

/// An instance that [`validate`](crate::validate) accepted. There is no other way to make one.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidInstance {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) uid: Uid,
    pub(crate) generation: i64,
    pub(crate) spec: GatewayInstanceSpec,
}

/// What tells an instance from an earlier one of the same name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Uid {
    /// Given by the API server. Objects may be owned by it.
    Real(String),
    /// Made from namespace and name, for an instance read from a file. An API server would delete what it owns at once.
    StandIn(String),
}

impl ValidInstance {
    /// Its namespace.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Its name: a DNS label of at most 40 characters that begins with a letter.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its UID; for an instance that never met an API server, a stand-in made from namespace and name.
    #[must_use]
    pub fn uid(&self) -> &str {
        match &self.uid {
            Uid::Real(uid) | Uid::StandIn(uid) => uid,
        }
    }

    /// The revision of the specification that is planned; 1 for one from a file.
    #[must_use]
    pub const fn generation(&self) -> i64 {
        self.generation
    }

    /// Its specification.
    #[must_use]
    pub const fn spec(&self) -> &GatewayInstanceSpec {
        &self.spec
    }

    /// Name of a lane's IngressClass.
    #[must_use]
    pub fn class_name(&self, lane: LaneName) -> String {
        self.spec.lane(lane).class_name(&self.name, lane)
    }
}
