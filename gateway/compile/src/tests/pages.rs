//! Pages of another Service instead of errors.

use super::world::{World, ingress, rules, service, slice};
use crate::Kind;

fn manifest(annotations: &str) -> String {
    let annotations = annotations.replace(", ", ", nginx.ingress.kubernetes.io/");
    let manifest = ingress("mill/a", 1, &rules(&["a.test / Prefix flour:80", "b.test /x Exact flour:80"]));
    let annotations = format!("annotations: {{nginx.ingress.kubernetes.io/{annotations}}}");
    manifest.replace("name: a,", &format!("name: a, {annotations},"))
}

fn world(annotations: &str) -> World {
    World::new(&(manifest(annotations) + &service("mill/flour") + &slice("mill/s", "flour", &["10.1.0.1"])))
}

const WANTED: &str = "default-backend: pages, custom-http-errors: '503,404,404'";

#[test]
fn pages_come_and_go_with_their_service_and_its_endpoints() {
    let mut world = world(WANTED);
    let missing = "ErrorPagesMissing Ingress mill/a nginx.ingress.kubernetes.io/default-backend";
    assert!(world.pages().is_empty());
    assert_eq!(world.codes(), [missing]);
    assert_eq!(world.routes().len(), 2);

    world.apply(&service("mill/pages")).compile();
    let shown = |endpoints: u8| {
        ["a.test/", "b.test/x"].map(|route| format!("{route} [404, 503] mill/pages:80 {endpoints}")).to_vec()
    };
    assert_eq!(world.pages(), shown(0));
    let changes = world.apply(&slice("mill/p", "pages", &["10.1.0.2", "10.1.0.3"])).compile();
    assert!(changes.snapshot.is_none(), "endpoints change without a compile");
    assert_eq!(world.pages(), shown(2));
    assert!(world.codes().is_empty());

    world.delete(Kind::Service, "mill/pages").compile();
    assert_eq!((world.pages(), world.codes()), (Vec::new(), vec![missing.to_owned()]));
}

#[test]
fn what_is_not_understood_leaves_errors_as_they_are() {
    for (annotations, pages) in [
        ("custom-http-errors: '404'", 0),
        ("default-backend: other/pages, custom-http-errors: '404'", 0),
        ("default-backend: flour, custom-http-errors: '404,200'", 2),
        ("default-backend: flour, custom-http-errors: '600'", 2),
        ("default-backend: flour, disable-proxy-intercept-errors: 'perhaps'", 2),
    ] {
        let world = world(annotations);
        assert_eq!(world.pages().len(), pages, "{annotations}");
        assert!(world.pages().iter().all(|page| page.contains(" [] ")), "{annotations}");
        let routes = world.routes();
        assert!(routes.iter().all(|route| route.ends_with("mill/flour:80 1")), "{annotations}: {routes:?}");
        assert_eq!(world.codes().len(), 1, "{annotations}: {:?}", world.codes());
        assert!(world.codes()[0].starts_with("AnnotationUnreadable "), "{annotations}");
    }
}
