//! Ingresses that no lane takes: each lane is right to pass over them, and so nobody else tells.

use std::collections::BTreeSet;

use bulkhead_plan::Claim;

use super::desired::Desired;
use crate::manifests::{Inventory, WrittenIngress};
use crate::name::LaneId;

/// Most Ingresses that are told of: a directory of somebody else's Ingresses is one mistake, not a thousand.
const TOLD: usize = 16;
/// Most classes that are listed.
const CLASSES: usize = 8;

/// What is to be said of the Ingresses that no lane takes, a sentence each. Nothing while there is no instance: then that is said.
pub(crate) fn strays(inventory: &Inventory, desired: &Desired) -> Vec<String> {
    if inventory.instances.is_empty() {
        return Vec::new();
    }
    let classes = classes(desired);
    let mut told = Vec::new();
    let mut more = 0_usize;
    for ((namespace, name), ingress) in &inventory.ingresses {
        let Some(reason) = stray(namespace, ingress, inventory, desired, &classes) else { continue };
        if told.len() < TOLD {
            told.push(format!("{}: Ingress {namespace}/{name} {reason}", ingress.place));
        } else {
            more = more.saturating_add(1);
        }
    }
    if more > 0 {
        told.push(format!("{more} more Ingresses are taken by no lane"));
    }
    told
}

/// Why no lane takes an Ingress; nothing when one does.
fn stray(
    namespace: &str,
    ingress: &WrittenIngress,
    inventory: &Inventory,
    desired: &Desired,
    classes: &str,
) -> Option<String> {
    let Some(class) = ingress.class.as_deref().filter(|class| !class.is_empty()) else {
        return Some(format!("names no class, so no lane takes it: set spec.ingressClassName ({classes})"));
    };
    let takes = |(id, lane): (&LaneId, &super::desired::DesiredLane)| {
        let own = &lane.document.classes;
        (own.own == class || own.also_serve.contains(class))
            .then(|| (id.clone(), lane.document.scope.namespaces.contains(namespace)))
    };
    match desired.lanes.iter().find_map(takes) {
        Some((_, true)) => None,
        Some((id, false)) => Some(format!(
            "is outside spec.scope.namespaces of GatewayInstance {}, whose class {class} it names: add the namespace {namespace} there, or name another class",
            id.instance
        )),
        None => {
            let claims =
                |name: &_| inventory.instances.get(name).is_some_and(|it| Claim::of(it).classes.contains(class));
            let idle = desired.idle.keys().map(|id| &id.instance).find(|name| claims(name));
            Some(match idle {
                Some(instance) => format!("names the class {class} of GatewayInstance {instance}, which does not run"),
                None => format!("names the class {class}, which no lane here owns ({classes})"),
            })
        }
    }
}

/// The classes that an Ingress could name.
fn classes(desired: &Desired) -> String {
    let documents = desired.lanes.values().map(|lane| &lane.document.classes);
    let all: BTreeSet<&str> =
        documents.flat_map(|classes| classes.also_serve.iter().chain([&classes.own])).map(String::as_str).collect();
    let shown: Vec<&str> = all.iter().copied().take(CLASSES).collect();
    match all.len().saturating_sub(CLASSES) {
        _ if all.is_empty() => "no lane runs".to_owned(),
        0 => format!("there are: {}", shown.join(", ")),
        more => format!("there are: {} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bulkhead_gateway::source::manifest::parse;

    use super::*;
    use crate::up::desired::decide;

    const QUAY: &str = "apiVersion: bulkhead.io/v1alpha1\nkind: GatewayInstance\nmetadata: {name: quay, namespace: port}\nspec: {scope: {namespaces: {from: Same}}, eastWest: {enabled: false}}\n";

    fn told(ingresses: &[(&str, &str)]) -> Vec<String> {
        let mut inventory = Inventory::default();
        let one = |(namespace, spec): &(&str, &str)| {
            format!(
                "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: pier, namespace: {namespace}}}\nspec: {{{spec}}}\n"
            )
        };
        let text = QUAY.to_owned() + &ingresses.iter().map(one).collect::<String>();
        inventory.add("a.yaml", &text, &parse(&text).unwrap());
        let desired = decide(&inventory, &BTreeMap::new());
        strays(&inventory, &desired)
    }

    #[test]
    fn an_ingress_that_no_lane_takes_is_told_with_the_reason() {
        let cases = [
            ("port", "ingressClassName: quay-north-south", None),
            (
                "port",
                "ingressClassName: nginx",
                Some("names the class nginx, which no lane here owns (there are: quay-north-south)"),
            ),
            (
                "port",
                "rules: []",
                Some("names no class, so no lane takes it: set spec.ingressClassName (there are: quay-north-south)"),
            ),
            (
                "sea",
                "ingressClassName: quay-north-south",
                Some(
                    "is outside spec.scope.namespaces of GatewayInstance port/quay, whose class quay-north-south it names: add the namespace sea there, or name another class",
                ),
            ),
        ];
        for (namespace, spec, expected) in cases {
            let expected = expected.map(|reason| format!("a.yaml: line 6: Ingress {namespace}/pier {reason}"));
            assert_eq!(told(&[(namespace, spec)]), Vec::from_iter(expected), "{namespace} {spec}");
        }
    }

    #[test]
    fn many_of_them_are_counted() {
        let namespaces: Vec<String> = (0..20).map(|number| format!("n{number}")).collect();
        let ingresses: Vec<(&str, &str)> = namespaces.iter().map(|name| (name.as_str(), "rules: []")).collect();
        let told = told(&ingresses);
        assert_eq!(told.len(), TOLD + 1);
        assert_eq!(told.last().unwrap(), "4 more Ingresses are taken by no lane");
    }
}
