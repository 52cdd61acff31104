//! Every label and annotation that a plan writes.

use std::collections::BTreeMap;

use bulkhead_crds::names::{
    GROUP, LABEL_INSTANCE, LABEL_INSTANCE_NAMESPACE, LABEL_INSTANCE_UID, LABEL_LANE, LaneName, MANAGED_BY,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use crate::instance::ValidInstance;

/// Annotation on a Deployment: version of the operator that last planned it, for people who wonder.
pub const ANNOTATION_OPERATOR_VERSION: &str = "bulkhead.io/operator-version";
/// Annotation on a Deployment: what its pod template was planned as, so that a rollout that fails can be told from one that was wanted before.
pub const ANNOTATION_TEMPLATE: &str = "bulkhead.io/template";
/// Annotation on a Deployment that went back to an earlier pod template: the image of the one that failed. Whoever removes it has that one
/// tried again.
pub const ANNOTATION_ROLLED_BACK: &str = "bulkhead.io/rolled-back-from-image";
/// Annotation that makes an IngressClass the cluster's default (Kubernetes, well-known annotations).
pub const ANNOTATION_DEFAULT_CLASS: &str = "ingressclass.kubernetes.io/is-default-class";
/// Label that every namespace carries its own name in (Kubernetes, well-known labels).
pub(crate) const LABEL_NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";
/// Label of the program that an object belongs to (Kubernetes, recommended labels).
const LABEL_APP: &str = "app.kubernetes.io/name";
/// Value of [`LABEL_APP`] on everything of a lane.
const APP: &str = "bulkhead-gateway";

/// Labels of every object of a lane, and of its pods. They tell owner and lane even where an owner reference cannot.
#[must_use]
pub fn ownership(instance: &ValidInstance, lane: LaneName) -> BTreeMap<String, String> {
    map(&[
        (LABEL_APP, APP),
        ("app.kubernetes.io/instance", instance.name()),
        ("app.kubernetes.io/component", lane.slug()),
        ("app.kubernetes.io/part-of", "bulkhead"),
        ("app.kubernetes.io/managed-by", MANAGED_BY),
        (LABEL_INSTANCE, instance.name()),
        (LABEL_INSTANCE_NAMESPACE, instance.namespace()),
        (LABEL_INSTANCE_UID, instance.uid()),
        (LABEL_LANE, lane.slug()),
    ])
}

/// Labels by which a lane's pods are selected inside their namespace. The selector of a Deployment can never change, so these must not either.
#[must_use]
pub fn pod_labels(instance: &ValidInstance, lane: LaneName) -> BTreeMap<String, String> {
    map(&[(LABEL_APP, APP), (LABEL_INSTANCE, instance.name()), (LABEL_LANE, lane.slug())])
}

/// [`pod_labels`] as a selector.
#[must_use]
pub fn pod_selector(instance: &ValidInstance, lane: LaneName) -> LabelSelector {
    LabelSelector { match_labels: Some(pod_labels(instance, lane)), match_expressions: None }
}

/// Labels that a user added, without those that only the operator may write. The schema refuses these already; files are not held
/// against it.
pub(crate) fn added_labels(added: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    without(&[GROUP, "app.kubernetes.io"], added)
}

/// Annotations that a user added, without those that only the operator may write; nothing when none are left.
pub(crate) fn added_annotations(added: &BTreeMap<String, String>) -> Option<BTreeMap<String, String>> {
    Some(without(&[GROUP], added)).filter(|annotations| !annotations.is_empty())
}

fn without(prefixes: &[&str], added: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let reserved = |key: &str| key.split_once('/').is_some_and(|(prefix, _)| prefixes.contains(&prefix));
    added.iter().filter(|(key, _)| !reserved(key)).map(|(key, value)| (key.clone(), value.clone())).collect()
}

pub(crate) fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}
