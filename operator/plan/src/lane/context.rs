//! What every builder of a lane's objects may look at.

use bulkhead_crds::lane::NamespaceSet;
use bulkhead_crds::lane_spec::LaneSpec;
use bulkhead_crds::names::LaneName;
use bulkhead_crds::scope::NamespaceSource;

use crate::gathered::Gathered;
use crate::instance::ValidInstance;
use crate::names;
use crate::site::Site;

/// One lane of one instance, and what surrounds it.
#[derive(Clone, Copy)]
pub(crate) struct LaneContext<'a> {
    pub(crate) instance: &'a ValidInstance,
    pub(crate) name: LaneName,
    pub(crate) spec: &'a LaneSpec,
    pub(crate) site: &'a Site,
    pub(crate) gathered: &'a Gathered,
}

impl LaneContext<'_> {
    /// Name of the lane's objects.
    pub(crate) fn object_name(&self) -> String {
        names::object(self.instance.name(), self.name)
    }

    /// The namespaces that the lane serves now.
    pub(crate) fn namespaces(&self) -> NamespaceSet {
        let scope = &self.instance.spec().scope.namespaces;
        match scope.from {
            NamespaceSource::All => NamespaceSet::All,
            NamespaceSource::Same => NamespaceSet::Names([self.instance.namespace().to_owned()].into()),
            NamespaceSource::Names => {
                let absent = |name: &&String| self.gathered.absent_namespaces.contains(*name);
                NamespaceSet::Names(scope.names.iter().filter(|name| !absent(name)).cloned().collect())
            }
            NamespaceSource::Selector => NamespaceSet::Names(self.gathered.selected_namespaces.clone()),
        }
    }
}
