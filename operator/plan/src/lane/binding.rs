//! What rules and bindings have in common.

use k8s_openapi::api::rbac::v1::{PolicyRule, RoleRef, Subject};

use crate::lane::context::LaneContext;

/// Everything that a gateway may ever do with an object.
const READ: [&str; 3] = ["get", "list", "watch"];

/// Permission to read objects of `resources`.
pub(super) fn read(group: &str, resources: &[&str]) -> PolicyRule {
    PolicyRule {
        api_groups: Some(vec![group.to_owned()]),
        resources: Some(resources.iter().map(|&resource| resource.to_owned()).collect()),
        verbs: READ.map(str::to_owned).to_vec(),
        ..PolicyRule::default()
    }
}

/// Permission to read the objects `names` of one resource of the core group. Kubernetes grants list and watch on names only to
/// requests with the field selector `metadata.name=NAME`.
pub(super) fn read_named(resource: &str, names: Vec<String>) -> PolicyRule {
    PolicyRule { resource_names: Some(names), ..read("", &[resource]) }
}

/// A reference to the role `name`.
pub(super) fn role_ref(kind: &str, name: String) -> RoleRef {
    RoleRef { api_group: "rbac.authorization.k8s.io".to_owned(), kind: kind.to_owned(), name }
}

/// The lane's ServiceAccount, and nobody else.
pub(super) fn subjects(lane: &LaneContext<'_>) -> Option<Vec<Subject>> {
    Some(vec![Subject {
        api_group: None,
        kind: "ServiceAccount".to_owned(),
        name: lane.object_name(),
        namespace: Some(lane.instance.namespace().to_owned()),
    }])
}
