//! What every GatewayInstance becomes, by the function that the operator plans with.

use std::collections::{BTreeMap, BTreeSet};

use bulkhead_crds::instance::GatewayInstance;
use bulkhead_crds::scope::NamespaceSource;
use bulkhead_plan::{Claim, Gathered, Plan, Rejection, Site};
use kube::core::{Selector, SelectorExt};

use crate::manifests::Inventory;
use crate::name::InstanceName;

/// What became of an instance.
pub(crate) type Planned = Result<Plan, Vec<Rejection>>;

/// Plans every instance of the inventory.
pub(crate) fn plan_all(inventory: &Inventory, site: &Site) -> BTreeMap<InstanceName, Planned> {
    let plan =
        |(name, instance): (&InstanceName, &GatewayInstance)| (name.clone(), plan_one(name, instance, inventory, site));
    inventory.instances.iter().map(plan).collect()
}

fn plan_one(name: &InstanceName, instance: &GatewayInstance, inventory: &Inventory, site: &Site) -> Planned {
    let others = inventory.instances.iter().filter(|(other, _)| *other != name);
    let gathered = Gathered {
        selected_namespaces: selected(instance, &inventory.namespaces),
        classes: inventory.classes.values().cloned().collect(),
        others: others.map(|(_, other)| Claim::of(other)).collect(),
        // Secrets are not read: nothing that needs one is served. And no cluster's version limits a plan without a cluster.
        ..Gathered::default()
    };
    let valid = bulkhead_plan::validate(instance, &gathered)?;
    Ok(bulkhead_plan::plan(&valid, site, &gathered))
}

/// Namespaces whose labels match the instance's selector; none when it has no selector, or one that is not valid.
fn selected(instance: &GatewayInstance, namespaces: &BTreeMap<String, BTreeMap<String, String>>) -> BTreeSet<String> {
    let scope = &instance.spec.scope.namespaces;
    let selector = scope.selector.clone().filter(|_| scope.from == NamespaceSource::Selector);
    let Some(Ok(selector)) = selector.map(Selector::try_from) else { return BTreeSet::new() };
    namespaces.iter().filter(|(_, labels)| selector.matches(labels)).map(|(name, _)| name.clone()).collect()
}
