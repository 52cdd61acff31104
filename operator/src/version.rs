//! Whether an object is as it was last applied, told by its metadata alone.
//!
//! Some kinds have a status that others write all the time, and with it a new resource version: an autoscaler does every 15 s. Such a write
//! must neither ask for a reconcile nor pass for a change of what was applied. Not all of these kinds count generations, but the API server
//! notes in `managedFields` who wrote what and when, and notes writers of the status apart.

use std::hash::{DefaultHasher, Hash, Hasher};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta};

use crate::kind::Kind;

/// The version of an object of this kind, whose metadata is complete: another one as soon as anything but its status is changed.
#[must_use]
pub fn of(kind: Kind, meta: &ObjectMeta) -> String {
    if !kind.has_status() {
        return meta.resource_version.clone().unwrap_or_default();
    }
    let mut hasher = DefaultHasher::new();
    (&meta.uid, meta.generation, &meta.labels, &meta.annotations, &meta.finalizers).hash(&mut hasher);
    meta.deletion_timestamp.is_some().hash(&mut hasher);
    for owner in meta.owner_references.iter().flatten() {
        (&owner.uid, owner.controller, owner.block_owner_deletion).hash(&mut hasher);
    }
    for entry in meta.managed_fields.iter().flatten().filter(|entry| entry.subresource.as_deref() != Some("status")) {
        let fields = entry.fields_v1.as_ref().map(|fields| fields.0.to_string());
        (&entry.manager, &entry.operation, entry.time.as_ref().map(|time| time.0), fields).hash(&mut hasher);
    }
    format!("{:016x}", hasher.finish())
}

/// Puts the version in the place of `managedFields`, which take far more room than everything else that is kept of an object.
pub fn seal(kind: Kind, meta: &mut ObjectMeta) {
    let version = of(kind, meta);
    meta.managed_fields = Some(vec![ManagedFieldsEntry { manager: Some(version), ..ManagedFieldsEntry::default() }]);
}

/// The version of an object that was [`seal`]ed.
#[must_use]
pub fn sealed(meta: &ObjectMeta) -> Option<&str> {
    meta.managed_fields.iter().flatten().next()?.manager.as_deref()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// As an API server gives it: written by us, its status by another.
    fn autoscaler(resource_version: &str, minimum: &str, status_time: &str) -> ObjectMeta {
        serde_json::from_value(json!({
            "name": "edge-north-south", "uid": "u1", "resourceVersion": resource_version,
            "managedFields": [
                {"manager": "bulkhead-operator", "operation": "Apply", "time": "2026-01-01T00:00:00Z", "fieldsV1": {"f:spec": {minimum: {}}}},
                {"manager": "kube-controller-manager", "operation": "Update", "subresource": "status", "time": status_time,
                 "fieldsV1": {"f:status": {"f:currentMetrics": {}}}},
            ],
        }))
        .expect("metadata")
    }

    #[test]
    fn a_write_of_the_status_is_no_other_version_and_one_of_the_specification_is() {
        let version = |meta: &ObjectMeta| of(Kind::HorizontalPodAutoscaler, meta);
        let before = autoscaler("1", "f:minReplicas", "2026-01-01T00:00:00Z");
        assert_eq!(version(&before), version(&autoscaler("2", "f:minReplicas", "2026-01-01T00:00:15Z")));
        assert_ne!(version(&before), version(&autoscaler("2", "f:maxReplicas", "2026-01-01T00:00:00Z")));
        let labelled = ObjectMeta { labels: Some([("a".to_owned(), "b".to_owned())].into()), ..before.clone() };
        assert_ne!(version(&before), version(&labelled));
    }

    #[test]
    fn of_a_kind_without_a_status_every_write_is_another_version() {
        let version =
            |resource_version| of(Kind::ConfigMap, &autoscaler(resource_version, "f:data", "2026-01-01T00:00:00Z"));
        assert_ne!(version("1"), version("2"));
    }

    #[test]
    fn an_object_that_is_kept_keeps_its_version_and_nothing_else_of_who_wrote_it() {
        for kind in [Kind::HorizontalPodAutoscaler, Kind::ConfigMap] {
            let whole = autoscaler("1", "f:minReplicas", "2026-01-01T00:00:00Z");
            let mut kept = whole.clone();
            seal(kind, &mut kept);
            assert_eq!(sealed(&kept), Some(of(kind, &whole).as_str()));
            assert!(kept.managed_fields.iter().flatten().all(|entry| entry.fields_v1.is_none()));
        }
    }
}
