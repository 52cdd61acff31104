use std::sync::Arc;

use bulkhead_model::rate_limit::Zone;

use super::world::{World, ingress, rules, service, slice};

fn limited(annotations: &str, lines: &[&str]) -> String {
    let manifest = ingress("mill/a", 1, &rules(lines));
    manifest.replace("name: a,", &format!("name: a, annotations: {{{annotations}}},"))
}

fn world(annotations: &str) -> World {
    let manifest = limited(annotations, &["a.test / Prefix flour:80"]);
    World::new(&(manifest + &service("mill/flour") + &slice("mill/s", "flour", &["10.1.0.1"])))
}

fn zones(world: &World) -> Vec<Arc<Zone>> {
    let zone = |filters: Arc<bulkhead_model::Filters>| filters.rate.as_ref().map(|rate| Arc::clone(&rate.zone));
    world.all_filters().into_iter().flatten().filter_map(zone).collect()
}

const LIMIT: &str = "nginx.ingress.kubernetes.io/limit-rps: '5'";

#[test]
fn what_was_counted_stays_counted_while_the_limits_are_the_same() {
    let mut world = world(LIMIT);
    let first = zones(&world).remove(0);
    world
        .apply(&limited(LIMIT, &["a.test / Prefix flour:80", "a.test /x Prefix flour:80", "b.test / Prefix flour:80"]));
    world.compile();
    let now = zones(&world);
    assert!(now.len() == 3 && now.iter().all(|zone| Arc::ptr_eq(zone, &first)));
    world.apply(&limited(&LIMIT.replace('5', "6"), &["a.test / Prefix flour:80", "b.test / Prefix flour:80"]));
    world.compile();
    let now = zones(&world);
    assert!(now.len() == 2 && !Arc::ptr_eq(&now[0], &first) && Arc::ptr_eq(&now[0], &now[1]));
}

#[test]
fn a_limit_that_cannot_be_read_serves_nobody() {
    for value in ["ten", "-1", "1.5", "5r/s", "99999999999999999999", "'5; deny all'", "'5\\r\\nX: y'", "\"\\0\""] {
        for name in ["limit-rps", "limit-rpm", "limit-connections"] {
            let world = world(&format!("nginx.ingress.kubernetes.io/{name}: {}", quoted(value)));
            assert_eq!(world.routes(), ["a.test / Prefix mill/a none 503"], "{name} {value}");
            let code = format!("ProtectionUnreadable Ingress mill/a nginx.ingress.kubernetes.io/{name}");
            assert!(world.codes().contains(&code), "{:?}", world.codes());
        }
    }
    for more in ["limit-burst-multiplier: many", "limit-allowlist: 10.0.0.0/33", "limit-whitelist: everybody"] {
        let world = world(&format!("{LIMIT}, nginx.ingress.kubernetes.io/{more}"));
        assert_eq!(world.routes(), ["a.test / Prefix mill/a none 503"], "{more}");
    }
}

/// As a flow mapping takes it.
fn quoted(value: &str) -> String {
    if value.starts_with(['\'', '"']) { value.to_owned() } else { format!("'{value}'") }
}

#[test]
fn an_empty_list_of_clients_that_are_not_counted_leaves_what_its_older_name_says() {
    const NEW: &str = "nginx.ingress.kubernetes.io/limit-allowlist";
    const OLD: &str = "nginx.ingress.kubernetes.io/limit-whitelist";
    for (annotations, exempt, told) in [
        (format!("{NEW}: 10.0.0.0/8, {OLD}: 10.1.0.0/16"), &[8][..], false),
        (format!("{NEW}: '', {OLD}: 10.1.0.0/16"), &[16], true),
        (format!("{NEW}: '  ', {OLD}: 10.1.0.0/16"), &[16], true),
        (format!("{OLD}: 10.1.0.0/16"), &[16], false),
        (format!("{NEW}: ''"), &[], true),
    ] {
        let world = world(&format!("{LIMIT}, {annotations}"));
        let filters = world.all_filters().remove(0).unwrap();
        let rate = filters.rate.as_ref().unwrap();
        assert_eq!(rate.exempt.iter().map(|network| network.prefix).collect::<Vec<_>>(), exempt, "{annotations}");
        let code = format!("AnnotationUnreadable Ingress mill/a {NEW}");
        assert_eq!(world.codes(), if told { vec![code] } else { vec![] }, "{annotations}");
    }
}

#[test]
fn a_limit_of_nothing_is_none() {
    let world = world("nginx.ingress.kubernetes.io/limit-rps: '0', nginx.ingress.kubernetes.io/limit-allowlist: x");
    assert_eq!(world.all_filters(), [None]);
    assert_eq!(world.codes(), Vec::<String>::new());
}

/// None of it leaves the gateway in a field, and none of it makes anything but this annotation fail.
#[test]
fn values_of_whoever_means_harm_change_nothing_else() {
    let long = "a,".repeat(512 << 10);
    for name in ["cors-allow-origin", "cors-allow-methods", "cors-allow-headers", "cors-expose-headers", "cors-max-age"]
    {
        for value in [&*long, "X\\r\\nSet-Cookie: a=b", "X: y", "\\u0007", "(", "https://$host", "é"] {
            let cors = format!(
                "nginx.ingress.kubernetes.io/enable-cors: 'true', nginx.ingress.kubernetes.io/{name}: \"{value}\""
            );
            let world = world(&cors);
            assert_eq!(world.routes(), ["a.test / Prefix mill/a mill/flour:80 1"], "{name}");
            let filters = world.all_filters().remove(0).unwrap();
            let policy = filters.cross_origin.as_ref().unwrap();
            let is_clean = |value: &str| {
                value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b", -_*".contains(&byte)) && value.len() < 200
            };
            assert!(policy.fields.iter().all(|(_, value)| is_clean(value)), "{name}: {policy:?}");
        }
    }
}
