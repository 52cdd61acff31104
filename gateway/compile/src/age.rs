//! Which of two objects was there first.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};

use crate::name::Name;

/// An object and its age. The smaller one is older: `creationTimestamp`, then namespace and name. An object without a
/// timestamp (from a directory) is younger than every object with one, so leaving it out takes nothing from anybody.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Age {
    born: Born,
    pub(crate) name: Name,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Born {
    At(Time),
    Unknown,
}

impl Age {
    pub(crate) fn of(metadata: &ObjectMeta) -> Self {
        let born = metadata.creation_timestamp.clone().map_or(Born::Unknown, Born::At);
        Self { born, name: Name::of(metadata) }
    }
}
