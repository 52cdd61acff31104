//! Whose an object is. In: its metadata. Out: a verdict that applying, pruning and cleaning up share.

use std::fmt;

use bulkhead_crds::names;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

/// Names one instance for all time: another one of the same name has another UID.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceId {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// UID.
    pub uid: String,
}

impl InstanceId {
    /// The instance whose metadata this is.
    #[must_use]
    pub fn of(meta: &ObjectMeta) -> Self {
        Self {
            namespace: meta.namespace.clone().unwrap_or_default(),
            name: meta.name.clone().unwrap_or_default(),
            uid: meta.uid.clone().unwrap_or_default(),
        }
    }

    /// The instance that an object's labels name, if the operator labelled it.
    #[must_use]
    pub fn labelled(meta: &ObjectMeta) -> Option<Self> {
        managed(meta).then_some(())?;
        Some(Self {
            namespace: label(meta, names::LABEL_INSTANCE_NAMESPACE)?.to_owned(),
            name: label(meta, names::LABEL_INSTANCE)?.to_owned(),
            uid: label(meta, names::LABEL_INSTANCE_UID)?.to_owned(),
        })
    }

    /// Whether an object was made for an earlier instance of the same name.
    #[must_use]
    pub fn replaces_owner_of(&self, meta: &ObjectMeta) -> bool {
        Self::labelled(meta).is_some_and(|owner| {
            (owner.namespace == self.namespace && owner.name == self.name) && owner.uid != self.uid
        })
    }

    /// Whether an object is this instance's: an owner reference or the label holds its UID. Where somebody removed that label, the
    /// others must all stand, so that an object of an earlier instance of the same name is never taken for ours.
    #[must_use]
    pub fn owns(&self, meta: &ObjectMeta) -> bool {
        if self.uid.is_empty() {
            return false;
        }
        let referenced = meta.owner_references.iter().flatten().any(|owner| owner.uid == self.uid);
        referenced
            || match label(meta, names::LABEL_INSTANCE_UID) {
                Some(uid) => uid == self.uid,
                None => {
                    managed(meta)
                        && label(meta, names::LABEL_INSTANCE) == Some(&self.name)
                        && label(meta, names::LABEL_INSTANCE_NAMESPACE) == Some(&self.namespace)
                }
            }
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// The value of one label.
#[must_use]
pub fn label<'a>(meta: &'a ObjectMeta, key: &str) -> Option<&'a str> {
    meta.labels.as_ref()?.get(key).map(String::as_str)
}

fn managed(meta: &ObjectMeta) -> bool {
    label(meta, "app.kubernetes.io/managed-by") == Some(names::MANAGED_BY)
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

    use super::*;

    const LABELS: [(&str, &str); 4] = [
        ("app.kubernetes.io/managed-by", names::MANAGED_BY),
        (names::LABEL_INSTANCE, "edge"),
        (names::LABEL_INSTANCE_NAMESPACE, "infra"),
        (names::LABEL_INSTANCE_UID, "u1"),
    ];

    fn labelled(labels: &[(&str, &str)]) -> ObjectMeta {
        let labels = labels.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
        ObjectMeta { labels: Some(labels), ..ObjectMeta::default() }
    }

    fn edge() -> InstanceId {
        InstanceId { namespace: "infra".to_owned(), name: "edge".to_owned(), uid: "u1".to_owned() }
    }

    #[test]
    fn an_object_is_known_by_its_uid_label_or_by_its_owner_reference() {
        assert!(edge().owns(&labelled(&LABELS)));
        let owner = OwnerReference { uid: "u1".to_owned(), ..OwnerReference::default() };
        assert!(edge().owns(&ObjectMeta { owner_references: Some(vec![owner]), ..ObjectMeta::default() }));
        assert_eq!(InstanceId::labelled(&labelled(&LABELS)), Some(edge()));
    }

    #[test]
    fn an_object_that_lost_its_uid_label_is_still_known_by_the_others() {
        assert!(edge().owns(&labelled(&LABELS[..3])));
        for missing in 0..3 {
            let mut labels = LABELS[..3].to_vec();
            labels.remove(missing);
            assert!(!edge().owns(&labelled(&labels)), "{labels:?}");
        }
    }

    #[test]
    fn an_object_of_an_earlier_instance_of_the_same_name_is_foreign() {
        let again = InstanceId { uid: "u2".to_owned(), ..edge() };
        assert!(!again.owns(&labelled(&LABELS)));
        assert!(again.replaces_owner_of(&labelled(&LABELS)));
        assert!(!edge().replaces_owner_of(&labelled(&LABELS)));
        assert!(!again.replaces_owner_of(&labelled(&LABELS[1..])));
        assert!(!edge().owns(&ObjectMeta::default()));
    }

    #[test]
    fn an_instance_without_a_uid_owns_nothing() {
        let unborn = InstanceId { uid: String::new(), ..edge() };
        assert!(!unborn.owns(&labelled(&[(names::LABEL_INSTANCE_UID, "")])));
    }
}
