//! Names of instances and lanes, as people and programs write them.

use std::fmt;

use bulkhead_crds::names::LaneName;
use serde::{Serialize, Serializer};

/// `namespace/name` of a GatewayInstance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct InstanceName {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

/// A lane of an instance. Ordered as lanes are shown: by namespace and name, northSouth first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct LaneId {
    pub(crate) instance: InstanceName,
    pub(crate) lane: LaneName,
}

impl LaneId {
    /// A name for files. Namespaces and names cannot contain `_`, so that no two lanes share one.
    pub(crate) fn file_stem(&self) -> String {
        format!("{}_{}_{}", self.instance.namespace, self.instance.name, self.lane.slug())
    }
}

impl fmt::Display for InstanceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl Serialize for InstanceName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for LaneId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.instance, self.lane.field())
    }
}
