use super::world::{World, ingress, rules, service};

/// Hundreds of hosts, and one host with two thousand paths.
#[test]
fn many_routes_compile_and_one_change_touches_one_host() {
    let lines: Vec<String> = (0..2000).map(|n| format!("big.test /p{n}/x Prefix flour:80")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let mut world = World::new(&service("mill/flour"));
    for n in 0..500 {
        world.apply(&ingress(&format!("mill/i{n}"), 1, &rules(&[&format!("h{n}.test / Prefix flour:80")])));
    }
    let snapshot = world.apply(&ingress("mill/big", 1, &rules(&lines))).compile().snapshot.unwrap();
    assert_eq!(world.compiler.counts().routes, 2500);
    assert_eq!(&*snapshot.hosts.find("big.test", "/p1999/x/y").unwrap().path, "/p1999/x");
    assert!(snapshot.hosts.find("big.test", "/p1999/xy").is_none());
}
