//! Which objects may be ours to delete. Labels prove nothing, for people copy them along with YAML and tenants may write them: an object
//! must also bear a name that the plan of its instance gives to an object of its kind, and the API server must have noted that the
//! operator applied it.

use bulkhead_crds::names::{FIELD_MANAGER, LaneName};
use bulkhead_plan::names;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::kind::{Key, Kind};

/// Whether planning the instance `namespace`/`instance` can give an object the place and name `key`. The name of an IngressClass is the
/// user's choice and may have been another one before, so every name passes; only those who govern the cluster can make one.
#[must_use]
pub fn could_be_of(key: &Key, namespace: &str, instance: &str) -> bool {
    let at_home = key.namespace == namespace;
    LaneName::ALL.into_iter().any(|lane| {
        let is = |name: String| key.name == name;
        match key.kind {
            Kind::ServiceAccount
            | Kind::Role
            | Kind::NetworkPolicy
            | Kind::PodDisruptionBudget
            | Kind::Deployment
            | Kind::HorizontalPodAutoscaler => at_home && is(names::object(instance, lane)),
            Kind::ConfigMap => at_home && is(names::lane_document(instance, lane)),
            Kind::Service => at_home && (is(names::object(instance, lane)) || is(names::admin_service(instance, lane))),
            Kind::Secret => at_home && names::keyring_shard(instance, lane, &key.name).is_some(),
            Kind::RoleBinding => {
                is(names::route_reader(namespace, instance, lane)) || at_home && is(names::object(instance, lane))
            }
            Kind::ClusterRole | Kind::ClusterRoleBinding => {
                is(names::route_reader(namespace, instance, lane)) || is(names::class_reader(namespace, instance, lane))
            }
            Kind::IngressClass => true,
        }
    })
}

/// Whether the API server noted that the operator applied the live object with this metadata.
#[must_use]
pub fn was_applied(live: &ObjectMeta) -> bool {
    live.managed_fields.iter().flatten().any(|entry| {
        entry.manager.as_deref() == Some(FIELD_MANAGER)
            && entry.operation.as_deref() == Some("Apply")
            && entry.subresource.as_deref().unwrap_or_default().is_empty()
    })
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;

    use super::*;

    #[test]
    fn only_names_that_a_plan_gives_and_only_where_it_gives_them_are_ours() {
        let routes = "bulkhead:infra:edge:east-west:routes";
        let cases = [
            (Kind::ConfigMap, "infra", "edge-north-south", true),
            (Kind::ConfigMap, "infra", "edge-north-south-settings", false),
            (Kind::ConfigMap, "team", "edge-north-south", false),
            (Kind::Secret, "infra", "edge-east-west-keyring-0", true),
            (Kind::Secret, "infra", "edge-east-west", false),
            (Kind::Secret, "team", "edge-east-west-keyring-0", false),
            (Kind::Service, "infra", "edge-east-west-admin", true),
            (Kind::Deployment, "infra", "edge-east-west-admin", false),
            (Kind::Deployment, "team", "edge-east-west", false),
            (Kind::Role, "infra", "other-east-west", false),
            (Kind::RoleBinding, "infra", "edge-east-west", true),
            (Kind::RoleBinding, "team", "edge-east-west", false),
            (Kind::RoleBinding, "team", routes, true),
            (Kind::RoleBinding, "team", "bulkhead:infra:other:east-west:routes", false),
            (Kind::ClusterRole, "", routes, true),
            (Kind::ClusterRoleBinding, "", "bulkhead:infra:edge:east-west:classes", true),
            (Kind::ClusterRole, "", "cluster-admin", false),
            (Kind::IngressClass, "", "chosen-by-the-user", true),
        ];
        for (kind, namespace, name, expected) in cases {
            let key = Key { kind, namespace: namespace.to_owned(), name: name.to_owned() };
            assert_eq!(could_be_of(&key, "infra", "edge"), expected, "{key}");
        }
    }

    #[test]
    fn what_somebody_else_wrote_is_not_ours_whatever_its_name() {
        let entry = |manager: &str, operation: &str, subresource: Option<&str>| ManagedFieldsEntry {
            manager: Some(manager.to_owned()),
            operation: Some(operation.to_owned()),
            subresource: subresource.map(str::to_owned),
            ..ManagedFieldsEntry::default()
        };
        let cases = [
            (vec![], false),
            (vec![entry("kubectl-client-side-apply", "Update", None)], false),
            (vec![entry(FIELD_MANAGER, "Update", None)], false),
            (vec![entry(FIELD_MANAGER, "Apply", Some("status"))], false),
            (vec![entry("kubectl", "Apply", None), entry(FIELD_MANAGER, "Apply", None)], true),
        ];
        for (managed_fields, expected) in cases {
            let live = ObjectMeta { managed_fields: Some(managed_fields), ..ObjectMeta::default() };
            assert_eq!(was_applied(&live), expected, "{live:?}");
        }
        assert!(!was_applied(&ObjectMeta::default()));
    }
}
