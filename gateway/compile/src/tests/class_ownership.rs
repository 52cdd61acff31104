use super::world::{OWN_CLASS, World, ingress, lane, rules, service};
use crate::{Kind, Object, class_of, owns_class};

fn manifest() -> String {
    ingress("mill/flour", 1, &rules(&["flour.test / Prefix flour:web"])) + &service("mill/flour")
}

#[test]
fn a_class_that_is_the_lanes_own_is_served() {
    let world = World::new(&manifest());
    assert_eq!(world.routes(), ["flour.test / Prefix mill/flour mill/flour:80 503"]);
    assert!(world.compiler.classes().iter().all(|class| class.served && class.reason.is_empty()));
}

#[test]
fn nothing_of_a_class_is_served_that_is_not_provably_the_lanes_own() {
    for (from, to, reason) in [
        ("bulkhead.io/gateway", "other.io/gateway", "spec.controller"),
        ("apiGroup: bulkhead.io", "apiGroup: other.io", "apiGroup"),
        ("kind: GatewayInstance", "kind: ConfigMap", "kind"),
        ("name: delta", "name: estuary", "parameters.name is"),
        ("namespace: rivers", "namespace: lakes", "parameters.namespace"),
        (", namespace: rivers", "", "parameters.namespace"),
        ("scope: Namespace", "scope: Cluster", "scope"),
        (", scope: Namespace", "", "scope"),
        ("7f6c", "8000", "instance-uid"),
        ("bulkhead.io/instance-uid: 7f6c, ", "", "instance-uid"),
        ("north-south", "east-west", "bulkhead.io/lane"),
        (", bulkhead.io/lane: north-south", "", "bulkhead.io/lane"),
        ("parameters:", "other:", "spec.parameters"),
    ] {
        let mut world = World::new(&manifest());
        let changed = OWN_CLASS.replace(from, to);
        assert_ne!(changed, OWN_CLASS);
        world.apply(&changed).compile();
        assert_eq!(world.routes(), [""; 0], "{to}");
        let own = &world.compiler.classes()[0];
        assert!(!own.served && own.reason.contains(reason), "{to}: {}", own.reason);
        world.apply(OWN_CLASS).compile();
        assert_eq!(world.routes().len(), 1, "{to}: served again once it is put right");
    }
}

#[test]
fn a_class_that_is_gone_takes_its_routes_along_and_says_so() {
    let mut world = World::new(&manifest());
    world.delete(Kind::IngressClass, "quay").compile();
    assert_eq!(world.routes(), [""; 0]);
    assert_eq!(world.compiler.classes()[0].reason, "There is no IngressClass of this name.");
    assert_eq!(world.compiler.counts().ingresses, 0);
}

#[test]
fn a_class_served_by_name_needs_no_object_and_may_be_somebody_elses() {
    let foreign =
        OWN_CLASS.replace("name: quay", "name: legacy").replace("bulkhead.io/gateway", "k8s.io/ingress-nginx");
    let mut world = World::new(&manifest().replace("ingressClassName: quay", "ingressClassName: legacy"));
    assert_eq!(world.routes().len(), 1);
    world.apply(&foreign).compile();
    assert_eq!(world.routes().len(), 1);
}

#[test]
fn a_class_served_by_name_is_let_go_when_it_turns_out_to_be_another_gateways() {
    let legacy = OWN_CLASS.replace("name: quay", "name: legacy");
    let mut world = World::new(&manifest().replace("ingressClassName: quay", "ingressClassName: legacy"));
    for (class, routes) in [(legacy.replace("7f6c", "8000"), 0), (legacy.clone(), 1), (legacy.replace("7f6c", "x"), 0)]
    {
        world.apply(&class).compile();
        assert_eq!(world.routes().len(), routes, "{class}");
        let report = world.compiler.classes().into_iter().find(|class| class.name == "legacy").unwrap();
        assert_eq!((report.served, report.reason.is_empty()), (routes == 1, routes == 1));
    }
    world.delete(Kind::IngressClass, "legacy").compile();
    assert_eq!(world.routes().len(), 1);
}

#[test]
fn the_own_class_is_not_served_by_name_alone() {
    let mut document = lane();
    document.classes.also_serve.insert("quay".to_owned());
    let mut world = World::of(document, &manifest());
    world.delete(Kind::IngressClass, "quay").compile();
    assert_eq!(world.routes(), [""; 0]);
}

#[test]
fn the_field_names_the_class_and_the_annotation_only_where_it_is_unset() {
    for (metadata, spec, served) in [
        ("kubernetes.io/ingress.class: quay", "", true),
        ("kubernetes.io/ingress.class: legacy", "", true),
        ("kubernetes.io/ingress.class: other", "", false),
        ("kubernetes.io/ingress.class: quay", "ingressClassName: other, ", false),
        ("kubernetes.io/ingress.class: other", "ingressClassName: quay, ", true),
        ("x: y", "", false),
        ("x: y", "ingressClassName: \"\", ", false),
    ] {
        let world = World::new(&format!(
            "kind: Ingress\napiVersion: networking.k8s.io/v1\nmetadata: {{namespace: mill, name: flour, annotations: {{{metadata}}}}}\nspec: {{{spec}defaultBackend: {{service: {{name: flour, port: {{number: 80}}}}}}}}"
        ));
        assert_eq!(world.routes().len(), usize::from(served), "{metadata} {spec}");
    }
}

#[test]
fn an_ingress_without_a_class_is_nobodys() {
    let Object::Ingress(ingress) = &super::world::objects(&manifest().replace("  ingressClassName: quay\n", ""))[0]
    else {
        panic!()
    };
    assert_eq!(class_of(ingress), None);
}

#[test]
fn a_lane_owns_no_class_by_an_empty_uid() {
    let Object::IngressClass(class) = &super::world::objects(&OWN_CLASS.replace("7f6c", "\"\""))[0] else { panic!() };
    let mut identity = lane().identity;
    identity.uid = String::new();
    assert!(owns_class(class, &identity).is_err());
}

#[test]
fn an_ingress_that_moves_to_another_class_is_let_go() {
    let mut world = World::new(&manifest());
    world.apply(&manifest().replace("ingressClassName: quay", "ingressClassName: other")).compile();
    assert_eq!(world.routes(), [""; 0]);
}
