//! Which lanes should run, and with which settings.
//!
//! Pure. What was planned goes in with what runs now; an instance that is not accepted, or paused, keeps what runs.

use std::collections::BTreeMap;

use bulkhead_crds::instance::{GatewayInstance, GatewayInstanceSpec, ManagementState};
use bulkhead_crds::lane::LaneDocument;
use bulkhead_crds::not_obeyed::fields_not_obeyed;
use bulkhead_plan::Site;
use k8s_openapi::api::networking::v1::IngressClass;

use crate::manifests::Inventory;
use crate::name::{InstanceName, LaneId};
use crate::planning::{Planned, plan_all};
use bulkhead_crds::phase::Phase;

/// A lane that should run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DesiredLane {
    pub(crate) document: LaneDocument,
    pub(crate) class: IngressClass,
}

/// What is to be said of an instance: the words of its condition Accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) accepted: bool,
    pub(crate) reason: String,
    pub(crate) message: String,
    /// Fields that it sets and that this version does not act on.
    pub(crate) not_obeyed: Vec<&'static str>,
}

/// What should be.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Desired {
    /// Lanes that should run.
    pub(crate) lanes: BTreeMap<LaneId, DesiredLane>,
    /// Lanes that are asked for but do not run, with the phase that says why.
    pub(crate) idle: BTreeMap<LaneId, Phase>,
    /// What is to be said of every instance.
    pub(crate) verdicts: BTreeMap<InstanceName, Verdict>,
}

/// Counts the changes of every instance's specification, as an API server does in `metadata.generation`.
#[derive(Debug, Default)]
pub(crate) struct Generations {
    last: BTreeMap<InstanceName, (GatewayInstanceSpec, i64)>,
}

impl Generations {
    /// Gives every instance its generation.
    pub(crate) fn stamp(&mut self, inventory: &mut Inventory) {
        self.last.retain(|name, _| inventory.instances.contains_key(name));
        for (name, instance) in &mut inventory.instances {
            let written = instance.metadata.generation.unwrap_or(1);
            let generation = match self.last.get(name) {
                Some((spec, generation)) if *spec == instance.spec => *generation,
                Some((_, generation)) => written.max(generation.saturating_add(1)),
                None => written,
            };
            instance.metadata.generation = Some(generation);
            self.last.insert(name.clone(), (instance.spec.clone(), generation));
        }
    }
}

/// What should be, given what the files say and what runs now.
pub(crate) fn decide(inventory: &Inventory, running: &BTreeMap<LaneId, DesiredLane>) -> Desired {
    let mut desired = Desired::default();
    // What a site says stands in objects that only a cluster has.
    for (name, planned) in plan_all(inventory, &Site::default()) {
        let Some(instance) = inventory.instances.get(&name) else { continue };
        let verdict = verdict(instance, &planned);
        let paused = instance.spec.management_state == ManagementState::Paused;
        match planned {
            Ok(plan) if !paused => {
                for lane in plan.lanes {
                    let mut document = lane.document;
                    // Nobody has to learn that an endpoint of this machine goes away.
                    document.drain.lameduck_ms = 0;
                    // There is no Service: clients connect to the gateway itself.
                    document.service_ports = None;
                    let id = LaneId { instance: name.clone(), lane: lane.lane };
                    desired.lanes.insert(id, DesiredLane { document, class: lane.ingress_class });
                }
            }
            _ => keep(&name, instance, paused, running, &mut desired),
        }
        desired.verdicts.insert(name, verdict);
    }
    desired
}

/// Leaves what runs of an instance alone.
fn keep(
    name: &InstanceName,
    instance: &GatewayInstance,
    paused: bool,
    running: &BTreeMap<LaneId, DesiredLane>,
    desired: &mut Desired,
) {
    let kept = running.iter().filter(|(id, _)| id.instance == *name);
    desired.lanes.extend(kept.map(|(id, lane)| (id.clone(), lane.clone())));
    let phase = if paused { Phase::Paused } else { Phase::Failed };
    for (lane, _) in instance.spec.enabled_lanes() {
        let id = LaneId { instance: name.clone(), lane };
        if !desired.lanes.contains_key(&id) {
            desired.idle.insert(id, phase);
        }
    }
}

fn verdict(instance: &GatewayInstance, planned: &Planned) -> Verdict {
    let not_obeyed = fields_not_obeyed(&instance.spec);
    match planned {
        Ok(_) => Verdict { accepted: true, reason: "Accepted".to_owned(), message: String::new(), not_obeyed },
        Err(rejections) => {
            let sentences: Vec<String> =
                rejections.iter().map(|rejection| format!("{} {}", rejection.message, rejection.remedy)).collect();
            let reason = rejections.first().map(|rejection| rejection.reason.to_string()).unwrap_or_default();
            Verdict { accepted: false, reason, message: sentences.join(" "), not_obeyed }
        }
    }
}

#[cfg(test)]
mod tests {
    use bulkhead_crds::names::LaneName;
    use bulkhead_gateway::source::manifest::parse;

    use super::*;

    fn inventory(manifests: &str) -> Inventory {
        let mut inventory = Inventory::default();
        inventory.add("fleet.yaml", manifests, &parse(manifests).unwrap());
        assert!(inventory.problems.is_empty(), "{:?}", inventory.problems);
        inventory
    }

    fn instance(name: &str, spec: &str) -> String {
        format!(
            "---\napiVersion: bulkhead.io/v1alpha1\nkind: GatewayInstance\nmetadata: {{name: {name}, namespace: port}}\nspec: {{{spec}}}\n"
        )
    }

    fn lanes(desired: &Desired) -> Vec<String> {
        desired.lanes.keys().map(ToString::to_string).collect()
    }

    #[test]
    fn an_instance_becomes_two_lanes_with_classes_of_their_own() {
        let desired = decide(&inventory(&instance("quay", "")), &BTreeMap::new());
        assert_eq!(lanes(&desired), ["port/quay/northSouth", "port/quay/eastWest"]);
        for (id, lane) in &desired.lanes {
            assert_eq!(lane.class.metadata.name.as_deref(), Some(lane.document.classes.own.as_str()));
            assert_eq!(bulkhead_compile::owns_class(&lane.class, &lane.document.identity), Ok(()), "{id}");
            assert_eq!(lane.document.drain.lameduck_ms, 0);
        }
    }

    #[test]
    fn a_lane_that_is_not_enabled_does_not_run() {
        let desired = decide(&inventory(&instance("quay", "eastWest: {enabled: false}")), &BTreeMap::new());
        assert_eq!(lanes(&desired), ["port/quay/northSouth"]);
    }

    #[test]
    fn of_two_instances_that_claim_one_class_the_first_runs_and_the_second_says_why_not() {
        let claim = "northSouth: {ingressClass: {name: pier}}";
        let desired = decide(&inventory(&(instance("b", claim) + &instance("a", claim))), &BTreeMap::new());
        assert_eq!(lanes(&desired), ["port/a/northSouth", "port/a/eastWest"]);
        let verdict = desired.verdicts.values().last().unwrap();
        assert!(!verdict.accepted);
        assert!(!verdict.reason.is_empty() && !verdict.message.is_empty());
        assert_eq!(desired.idle.values().collect::<Vec<_>>(), [&Phase::Failed; 2]);
    }

    #[test]
    fn what_ran_before_a_rejected_change_runs_on() {
        let before = decide(&inventory(&(instance("a", "") + &instance("b", ""))), &BTreeMap::new()).lanes;
        let bad = instance("a", "") + &instance("b", "northSouth: {ingressClass: {name: a-north-south}}");
        let after = decide(&inventory(&bad), &before);
        assert_eq!(after.lanes, before);
        assert_eq!(after.verdicts.values().filter(|verdict| !verdict.accepted).count(), 1);
    }

    #[test]
    fn a_paused_instance_is_left_as_it_is() {
        let before = decide(&inventory(&instance("a", "")), &BTreeMap::new()).lanes;
        let paused = inventory(&instance("a", "managementState: Paused, eastWest: {enabled: false}"));
        assert_eq!(decide(&paused, &before).lanes, before);
        let fresh = decide(&paused, &BTreeMap::new());
        assert_eq!(lanes(&fresh), Vec::<String>::new());
        assert_eq!(fresh.idle.values().collect::<Vec<_>>(), [&Phase::Paused]);
    }

    #[test]
    fn a_generation_counts_changes_of_the_specification_only() {
        let mut generations = Generations::default();
        let mut stamp = |spec: &str| {
            let mut inventory = inventory(&instance("a", spec));
            generations.stamp(&mut inventory);
            inventory.instances.values().next().unwrap().metadata.generation
        };
        assert_eq!(stamp(""), Some(1));
        assert_eq!(stamp(""), Some(1));
        assert_eq!(stamp("northSouth: {replicas: 3}"), Some(2));
        assert_eq!(stamp(""), Some(3));
    }

    #[test]
    fn lanes_are_in_the_order_in_which_they_get_ports() {
        let desired = decide(&inventory(&(instance("b", "") + &instance("a", ""))), &BTreeMap::new());
        let order: Vec<LaneName> = desired.lanes.keys().map(|id| id.lane).collect();
        assert_eq!(order, [LaneName::NorthSouth, LaneName::EastWest, LaneName::NorthSouth, LaneName::EastWest]);
        assert_eq!(lanes(&desired)[0], "port/a/northSouth");
    }
}
