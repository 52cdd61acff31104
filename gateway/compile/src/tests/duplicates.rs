use super::world::{World, ingress, rules, service};
use crate::Kind;

#[test]
fn the_oldest_ingress_keeps_a_path_and_the_younger_hears_of_both() {
    let young = ingress("mill/a", 2, &rules(&["a.test /x/ Prefix flour:80", "a.test /x Exact flour:80"]));
    let old = ingress("farm/z", 1, &rules(&["A.test /x Prefix flour:80"]));
    let mut world = World::new(&(young + &old + &service("mill/flour") + &service("farm/flour")));
    assert_eq!(
        world.routes(),
        ["a.test /x Exact mill/a mill/flour:80 503", "a.test /x Prefix farm/z farm/flour:80 503"]
    );
    let finding = world.findings.iter().find(|f| f.code == "DuplicatePath").unwrap();
    assert_eq!(finding.object.to_string(), "Ingress mill/a");
    assert_eq!(finding.field, "spec.rules[0].http.paths[0].path");
    assert!(finding.message.contains("farm/z") && finding.message.contains("mill/a"), "{}", finding.message);

    world.delete(Kind::Ingress, "farm/z").compile();
    assert_eq!(world.routes()[1], "a.test /x/ Prefix mill/a mill/flour:80 503");
    assert!(!world.codes().iter().any(|code| code.starts_with("DuplicatePath")));
}

#[test]
fn equal_ages_go_by_namespace_and_name_and_no_age_is_youngest() {
    let rule = rules(&["a.test / Prefix flour:80"]);
    for (first, second, winner) in [
        (("b/x", 3), ("a/x", 3), "a/x"),
        (("a/y", 3), ("a/x", 3), "a/x"),
        (("a/x", 0), ("b/x", 9), "b/x"),
        (("b/x", 0), ("a/x", 0), "a/x"),
    ] {
        let world = World::new(&(ingress(first.0, first.1, &rule) + &ingress(second.0, second.1, &rule)));
        assert_eq!(world.routes(), [format!("a.test / Prefix {winner} none 503")], "{first:?} {second:?}");
    }
}

#[test]
fn the_first_of_two_equal_rules_of_one_ingress_stays() {
    let spec = rules(&["a.test /x Prefix one:80", "a.test /x/ Prefix two:80"]);
    let world = World::new(&(ingress("mill/a", 1, &spec) + &service("mill/one") + &service("mill/two")));
    assert_eq!(world.routes(), ["a.test /x Prefix mill/a mill/one:80 503"]);
    assert!(world.codes().contains(&"DuplicatePath Ingress mill/a spec.rules[1].http.paths[0].path".to_owned()));
}
