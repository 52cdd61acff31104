//! Back to what worked: a rollout that misses its deadline leaves old pods serving and new ones that never will. The lane then takes the last
//! pod template that has ready pods, and keeps it until another one is planned.

use bulkhead_plan::LaneObjects;
use bulkhead_plan::labels::{ANNOTATION_ROLLED_BACK, ANNOTATION_TEMPLATE};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::PodTemplateSpec;
use kube::api::{Api, ListParams};
use kube::runtime::reflector::ObjectRef;
use tracing::warn;

use crate::call::{CallError, call};
use crate::context::Context;
use crate::owner::InstanceId;

/// Label that a Deployment gives the templates of its ReplicaSets (Kubernetes, well-known labels).
const TEMPLATE_HASH: &str = "pod-template-hash";
/// Annotation with which ReplicaSets are numbered in the order of their rollouts (kubectl, `rollout history`).
const REVISION: &str = "deployment.kubernetes.io/revision";

/// What to do about a planned Deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing: it is to be applied as planned.
    Forward,
    /// It failed before: the live template stays.
    Stay,
    /// It fails now: an earlier template is wanted.
    Back,
}

/// Judges the plan by what is live. Pure.
#[must_use]
pub fn judge(planned: &Deployment, live: &Deployment) -> Verdict {
    let annotation = |deployment: &Deployment, key: &str| deployment.metadata.annotations.as_ref()?.get(key).cloned();
    let same = annotation(planned, ANNOTATION_TEMPLATE) == annotation(live, ANNOTATION_TEMPLATE);
    if !same {
        return Verdict::Forward;
    }
    if annotation(live, ANNOTATION_ROLLED_BACK).is_some() {
        return Verdict::Stay;
    }
    let status = live.status.clone().unwrap_or_default();
    let seen = status.observed_generation >= live.metadata.generation;
    let exceeded = status.conditions.iter().flatten().any(|condition| {
        condition.type_ == "Progressing" && condition.reason.as_deref() == Some("ProgressDeadlineExceeded")
    });
    if seen && exceeded { Verdict::Back } else { Verdict::Forward }
}

/// The template of the newest ReplicaSet of `live` that has ready pods and is not its newest. Pure.
#[must_use]
pub fn last_good(live: &Deployment, sets: &[ReplicaSet]) -> Option<PodTemplateSpec> {
    let revision = |set: &ReplicaSet| set.metadata.annotations.as_ref()?.get(REVISION)?.parse::<u64>().ok();
    let own = |set: &&ReplicaSet| {
        set.metadata.owner_references.iter().flatten().any(|owner| Some(&owner.uid) == live.metadata.uid.as_ref())
    };
    let mut own: Vec<_> = sets.iter().filter(own).filter_map(|set| Some((revision(set)?, set))).collect();
    own.sort_by_key(|(revision, _)| *revision);
    own.pop();
    let ready = |set: &ReplicaSet| set.status.as_ref().and_then(|status| status.ready_replicas).unwrap_or_default() > 0;
    let (_, good) = own.into_iter().rev().find(|(_, set)| ready(set))?;
    good.spec.as_ref()?.template.clone().map(plain)
}

/// A template without what its controller added.
fn plain(mut template: PodTemplateSpec) -> PodTemplateSpec {
    if let Some(labels) = template.metadata.as_mut().and_then(|metadata| metadata.labels.as_mut()) {
        labels.remove(TEMPLATE_HASH);
    }
    template
}

/// Puts the template that works into the planned lane, if the planned one failed.
///
/// # Errors
/// When earlier templates cannot be read.
pub async fn turn_back(lane: &mut LaneObjects, id: &InstanceId, context: &Context) -> Result<(), CallError> {
    let name = lane.deployment.metadata.name.clone().unwrap_or_default();
    let live = context.caches.deployments.get(&ObjectRef::new(&name).within(&id.namespace));
    let Some(live) = live.filter(|live| id.owns(&live.metadata)) else { return Ok(()) };
    let template = match judge(&lane.deployment, &live) {
        Verdict::Forward => None,
        Verdict::Stay => live.spec.as_ref().map(|spec| plain(spec.template.clone())),
        Verdict::Back => {
            let sets: Api<ReplicaSet> = Api::namespaced(context.client.clone(), &id.namespace);
            let selector = live.spec.as_ref().and_then(|spec| spec.selector.match_labels.clone()).unwrap_or_default();
            let selector: Vec<_> = selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
            let all = ListParams::default().labels(&selector.join(","));
            let sets =
                call(format!("listing ReplicaSets of Deployment {}/{name}", id.namespace), sets.list(&all)).await?;
            let good = last_good(&live, &sets.items);
            match &good {
                Some(_) => {
                    warn!(instance = %id, lane = %lane.lane, "new pods did not come up; going back to what worked")
                }
                None => {
                    warn!(instance = %id, lane = %lane.lane, "new pods did not come up, and there is nothing to go back to")
                }
            }
            good
        }
    };
    if let Some(template) = template {
        put(&mut lane.deployment, template);
    }
    Ok(())
}

/// Plans `template` in the place of the one that failed, and notes that.
fn put(planned: &mut Deployment, template: PodTemplateSpec) {
    let Some(spec) = planned.spec.as_mut() else { return };
    let failed = std::mem::replace(&mut spec.template, template);
    let image = failed.spec.and_then(|pod| pod.containers.into_iter().next()?.image).unwrap_or_default();
    planned.metadata.annotations.get_or_insert_default().insert(ANNOTATION_ROLLED_BACK.to_owned(), image);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn deployment(template: &str, rolled_back: Option<&str>, reason: &str) -> Deployment {
        let mut annotations = json!({ ANNOTATION_TEMPLATE: template });
        if let Some(image) = rolled_back {
            annotations[ANNOTATION_ROLLED_BACK] = json!(image);
        }
        serde_json::from_value(json!({
            "metadata": { "name": "edge-east-west", "uid": "d1", "generation": 2, "annotations": annotations },
            "spec": { "selector": {}, "template": { "spec": { "containers": [{ "name": "gateway", "image": "gateway:2" }] } } },
            "status": { "observedGeneration": 2, "conditions": [{ "type": "Progressing", "status": "False", "reason": reason }] },
        }))
        .expect("a Deployment")
    }

    #[test]
    fn only_the_rollout_of_what_is_planned_now_is_turned_back() {
        let planned = deployment("t2", None, "");
        let cases = [
            (deployment("t2", None, "ReplicaSetUpdated"), Verdict::Forward),
            (deployment("t2", None, "ProgressDeadlineExceeded"), Verdict::Back),
            // What fails was planned before; what is planned now is the remedy.
            (deployment("t1", None, "ProgressDeadlineExceeded"), Verdict::Forward),
            (deployment("t2", Some("gateway:2"), "NewReplicaSetAvailable"), Verdict::Stay),
            (deployment("t1", Some("gateway:1"), "NewReplicaSetAvailable"), Verdict::Forward),
        ];
        for (live, expected) in cases {
            assert_eq!(judge(&planned, &live), expected, "{live:?}");
        }
        let mut unseen = deployment("t2", None, "ProgressDeadlineExceeded");
        unseen.metadata.generation = Some(3);
        assert_eq!(judge(&planned, &unseen), Verdict::Forward);
    }

    fn set(revision: &str, image: &str, ready: i32, owner: &str) -> ReplicaSet {
        serde_json::from_value(json!({
            "metadata": {
                "annotations": { REVISION: revision },
                "ownerReferences": [{ "apiVersion": "apps/v1", "kind": "Deployment", "name": "edge-east-west", "uid": owner }],
            },
            "spec": { "selector": {}, "template": {
                "metadata": { "labels": { TEMPLATE_HASH: "abc", "app": "gateway" } },
                "spec": { "containers": [{ "name": "gateway", "image": image }] },
            } },
            "status": { "replicas": 1, "readyReplicas": ready },
        }))
        .expect("a ReplicaSet")
    }

    #[test]
    fn the_newest_earlier_template_with_ready_pods_is_the_last_good_one() {
        let live = deployment("t2", None, "");
        let image = |sets: &[ReplicaSet]| {
            let template = last_good(&live, sets)?;
            assert_eq!(template.metadata?.labels?.into_keys().collect::<Vec<_>>(), ["app"]);
            template.spec?.containers.into_iter().next()?.image
        };
        let sets = [
            set("9", "of-another:1", 1, "d2"),
            set("2", "good:2", 1, "d1"),
            set("10", "new:10", 1, "d1"),
            set("3", "failed:3", 0, "d1"),
            set("1", "good:1", 1, "d1"),
        ];
        assert_eq!(image(&sets).as_deref(), Some("good:2"));
        assert_eq!(image(&sets[2..3]), None);
        assert_eq!(image(&[]), None);
    }

    #[test]
    fn the_image_that_failed_is_noted() {
        let mut planned = deployment("t2", None, "");
        let template = last_good(&planned, &[set("1", "good:1", 1, "d1"), set("2", "x", 0, "d1")]).expect("a template");
        put(&mut planned, template.clone());
        assert_eq!(
            planned.metadata.annotations.as_ref().and_then(|all| all.get(ANNOTATION_ROLLED_BACK)).map(String::as_str),
            Some("gateway:2")
        );
        assert_eq!(planned.spec.expect("a spec").template, template);
    }
}
