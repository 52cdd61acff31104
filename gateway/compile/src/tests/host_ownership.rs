use bulkhead_crds::lane::{HostOwnership, Profile};

use super::world::{World, ingress, lane, rules};

#[test]
fn where_hosts_are_owned_only_the_oldest_namespace_makes_rules() {
    let manifest = ingress("farm/old", 1, &rules(&["a.test / Prefix x:80"]))
        + &ingress("mill/new", 2, &rules(&["a.test /new Prefix x:80", "b.test / Prefix x:80"]))
        + &ingress("farm/new", 3, &rules(&["a.test /more Prefix x:80"]));
    let mut document = lane();
    document.scope.host_ownership = HostOwnership::Namespace;
    let mut world = World::of(document, &manifest);
    assert_eq!(
        world.routes(),
        [
            "a.test /more Prefix farm/new none 503",
            "a.test / Prefix farm/old none 503",
            "b.test / Prefix mill/new none 503",
        ]
    );
    assert!(world.codes().contains(&"HostNotOwned Ingress mill/new spec.rules[0].http.paths[0].backend".to_owned()));

    world.compiler.set_lane(lane());
    world.compile();
    assert_eq!(world.routes().len(), 4);
    assert!(!world.codes().iter().any(|code| code.starts_with("HostNotOwned")));
}

#[test]
fn what_the_owner_leaves_over_is_not_for_others_to_catch() {
    let manifest =
        ingress("farm/a", 1, &rules(&["a.test /x Exact x:80"])) + &ingress("mill/b", 2, &rules(&["* / Prefix x:80"]));
    let found = |change: fn(&mut bulkhead_crds::lane::LaneDocument)| {
        let mut document = lane();
        change(&mut document);
        let world = World::of(document, &manifest);
        world.snapshot().hosts.find("a.test", "/y").is_some()
    };
    assert!(found(|_| {}), "a rule without a host is for all traffic");
    assert!(!found(|lane| lane.scope.host_ownership = HostOwnership::Namespace));
    assert!(!found(|lane| lane.profile = Profile::IngressNginx));
}
