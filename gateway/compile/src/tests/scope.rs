use bulkhead_crds::lane::NamespaceSet;

use super::world::{World, ingress, lane, rules};

#[test]
fn only_namespaces_in_scope_are_served() {
    let manifest = ingress("mill/a", 1, &rules(&["a.test / Prefix a:80"]))
        + &ingress("farm/b", 1, &rules(&["b.test / Prefix b:80"]));
    let mut world = World::new(&manifest);
    assert_eq!(world.compiler.counts().ingresses, 2);

    let mut document = lane();
    document.scope.namespaces = NamespaceSet::Names(["farm".to_owned()].into());
    world.compiler.set_lane(document);
    world.compile();
    assert_eq!(world.routes(), ["b.test / Prefix farm/b none 503"]);
    assert!(world.findings.iter().all(|finding| finding.object.namespace == "farm"));

    world.compiler.set_lane(lane());
    world.compile();
    assert_eq!(world.routes().len(), 2);
}
