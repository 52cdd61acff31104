use super::world::{World, ingress, rules, service};

const DEFAULT: &str = "defaultBackend: {service: {name: rest, port: {number: 80}}}";

#[test]
fn alone_it_is_for_every_request() {
    let mut world = World::new("");
    let changes = world.apply(&(ingress("mill/a", 1, DEFAULT) + &service("mill/rest"))).compile();
    assert_eq!(world.routes(), ["*  Default mill/a mill/rest:80 503"]);
    assert!(changes.snapshot.unwrap().hosts.find("any.test", "/at/all").is_some());
}

#[test]
fn with_rules_it_is_for_what_they_leave_over_of_their_hosts() {
    let spec = format!("{DEFAULT}\n{}", rules(&["a.test /x Exact flour:80", "*.b.test /y Prefix flour:80"]));
    let mut world = World::new("");
    let changes =
        world.apply(&(ingress("mill/a", 1, &spec) + &service("mill/rest") + &service("mill/flour"))).compile();
    let hosts = &changes.snapshot.unwrap().hosts;
    let found = |host, path| hosts.find(host, path).map(|route| route.path.to_string());
    assert_eq!(found("a.test", "/x").as_deref(), Some("/x"));
    assert_eq!(found("a.test", "/other").as_deref(), Some(""));
    assert_eq!(found("c.b.test", "/other").as_deref(), Some(""));
    assert_eq!(found("other.test", "/"), None);
}

#[test]
fn rules_that_cannot_be_served_do_not_make_it_a_catch_all() {
    let spec = format!("{DEFAULT}\n{}", rules(&["10.0.0.1 / Prefix flour:80"]));
    assert_eq!(World::new(&ingress("mill/a", 1, &spec)).routes(), [""; 0]);
}

#[test]
fn a_rule_without_paths_gives_its_host_to_the_default_backend() {
    let world =
        World::new(&(ingress("mill/a", 1, &format!("{DEFAULT}\nrules: [{{host: a.test}}]")) + &service("mill/rest")));
    assert_eq!(world.routes(), ["a.test  Default mill/a mill/rest:80 503"]);
}

#[test]
fn the_oldest_of_two_catch_alls_stays() {
    let world = World::new(&(ingress("mill/a", 2, DEFAULT) + &ingress("mill/b", 1, DEFAULT) + &service("mill/rest")));
    assert_eq!(world.routes(), ["*  Default mill/b mill/rest:80 503"]);
    assert_eq!(world.codes()[0], "DuplicatePath Ingress mill/a spec.defaultBackend");
}
