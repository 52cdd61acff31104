//! Every object name.
//!
//! Inside the namespace of an instance, names begin with [`LaneName::object_name`]; with the longest instance name (40 characters)
//! and suffix they stay below the 63 that a Service may have. Everywhere else names hold namespace, instance and lane, parted by
//! colons: RBAC names may contain a colon, namespaces and instances may not, so `a-b`/`c` and `a`/`b-c` stay apart without a hash.

use bulkhead_crds::fnv::fnv1a;
use bulkhead_crds::names::LaneName;

/// Name of the lane's Deployment, ServiceAccount, Role, traffic Service and of everything else there is one of.
#[must_use]
pub fn object(instance: &str, lane: LaneName) -> String {
    lane.object_name(instance)
}

/// Name of the headless Service in front of the admin ports.
#[must_use]
pub fn admin_service(instance: &str, lane: LaneName) -> String {
    format!("{}-admin", object(instance, lane))
}

/// Name of the ConfigMap that holds the lane document.
#[must_use]
pub fn lane_document(instance: &str, lane: LaneName) -> String {
    object(instance, lane)
}

/// Name of one Secret of the keyring.
#[must_use]
pub fn keyring(instance: &str, lane: LaneName, shard: u32) -> String {
    format!("{}-keyring-{shard}", object(instance, lane))
}

/// The shard that a Secret of this name is, if it is one of the lane's keyring.
#[must_use]
pub fn keyring_shard(instance: &str, lane: LaneName, secret: &str) -> Option<u32> {
    let shard = secret.strip_prefix(&format!("{}-keyring-", object(instance, lane)))?.parse().ok()?;
    (secret == keyring(instance, lane, shard)).then_some(shard)
}

/// Name of the ClusterRole that reads Ingresses, Services and endpoints, and of every binding to it.
#[must_use]
pub fn route_reader(namespace: &str, instance: &str, lane: LaneName) -> String {
    format!("bulkhead:{namespace}:{instance}:{lane}:routes")
}

/// Name of the ClusterRole that reads IngressClasses, and of its binding.
#[must_use]
pub fn class_reader(namespace: &str, instance: &str, lane: LaneName) -> String {
    format!("bulkhead:{namespace}:{instance}:{lane}:classes")
}

/// A UID for an instance that has none: equal for equal namespace and name, on every machine and in every version.
#[must_use]
pub fn stand_in_uid(namespace: &str, instance: &str) -> String {
    format!("local-{:016x}", fnv1a(format!("{namespace}/{instance}").as_bytes()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_the_longest_instance_fit_a_service_and_an_rbac_object() {
        let (namespace, instance) = ("n".repeat(63), "i".repeat(40));
        for lane in LaneName::ALL {
            assert!(admin_service(&instance, lane).len() <= 63);
            assert!(object(&instance, lane).len() <= 63);
            assert!(keyring(&instance, lane, u32::MAX).len() <= 253);
            assert!(class_reader(&namespace, &instance, lane).len() <= 253);
        }
    }

    #[test]
    fn only_the_exact_name_of_a_shard_is_one() {
        let shard = |name| keyring_shard("quay", LaneName::EastWest, name);
        assert_eq!(shard("quay-east-west-keyring-12"), Some(12));
        for other in ["quay-east-west-keyring-012", "quay-east-west-keyring-+1", "quay-north-south-keyring-1", "x"] {
            assert_eq!(shard(other), None, "{other}");
        }
    }

    #[test]
    fn instances_whose_joined_names_are_equal_do_not_collide() {
        let lane = LaneName::NorthSouth;
        assert_ne!(route_reader("a-b", "c", lane), route_reader("a", "b-c", lane));
        assert_ne!(stand_in_uid("a-b", "c"), stand_in_uid("a", "b-c"));
    }

    proptest! {
        #[test]
        fn different_instances_have_different_cluster_names(
            a in ("[a-z0-9-]{1,6}", "[a-z0-9-]{1,6}"),
            b in ("[a-z0-9-]{1,6}", "[a-z0-9-]{1,6}"),
        ) {
            for lane in LaneName::ALL {
                prop_assert_eq!(a == b, route_reader(&a.0, &a.1, lane) == route_reader(&b.0, &b.1, lane));
                prop_assert_eq!(a == b, class_reader(&a.0, &a.1, lane) == class_reader(&b.0, &b.1, lane));
            }
        }
    }
}
