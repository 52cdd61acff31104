//! Compiling step by step is compiling at once.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use bulkhead_crds::finding::Finding;
use bulkhead_crds::lane::{HostOwnership, LaneDocument, NamespaceSet, Profile};
use bulkhead_crds::report::{ClassReport, RouteReport};
use bulkhead_crds::tls::SecretName;
use bulkhead_model::cross_origin::CrossOrigin;
use bulkhead_model::expression::PathExpression;
use bulkhead_model::rate_limit::RateLimit;
use proptest::prelude::*;

use super::world::{OWN_CLASS, World, certificate, data, ingress, lane, objects, rules, secret, service, slice};
use crate::{Counts, ExpressionRoom, Key, Object, Options};

/// Two certificates and a broken one. Made once: they must be equal wherever they are used.
static CERTIFICATES: LazyLock<[(String, String); 3]> = LazyLock::new(|| {
    let (chain, key) = certificate(&["a.test"]);
    [(chain.clone(), key), certificate(&["*.test"]), (chain, String::new())]
});

#[derive(Clone, Debug)]
enum Edit {
    Apply(String),
    Delete(Key),
    Lane(Box<LaneDocument>),
    Compile,
}

fn manifests() -> impl Strategy<Value = String> {
    let place = || proptest::sample::select(vec!["mill/a", "mill/b", "farm/a", "farm/c"]);
    let host = proptest::sample::select(vec!["*", "a.test", "b.test", "www.a.test", "*.test", "*.a.test", "10.0.0.1"]);
    let path =
        proptest::sample::select(vec!["/", "/x", "/x/", "/x/y", "/../", "/x(/|$)(.*)", "/[a-z]+", "/(?!x)", "/x|/y"]);
    let kind = proptest::sample::select(vec!["Exact", "Prefix", "ImplementationSpecific"]);
    let backend = proptest::sample::select(vec!["one:80", "one:web", "two:80", "two:81"]);
    let line = (host, path, kind, backend).prop_map(|(h, p, k, b)| format!("{h} {p} {k} {b}"));
    let extra = proptest::sample::select(vec![
        "",
        "",
        "tls: [{secretName: s}]\n",
        "tls: [{secretName: t, hosts: [a.test, \"*.test\"]}, {hosts: [b.test]}]\n",
        "defaultBackend: {service: {name: one, port: {number: 80}}}\n",
    ]);
    let annotation = proptest::sample::select(vec![
        "",
        "",
        "backend-protocol: GRPC",
        "backend-protocol: HTTPS",
        "limit-rps: '5'",
        "limit-rps: '6'",
        "enable-cors: 'true'",
        "server-alias: b.test",
        "server-alias: \"c.test, *.test\"",
        "server-alias: x.a.test, nginx.ingress.kubernetes.io/from-to-www-redirect: \"true\"",
        "from-to-www-redirect: \"true\"",
        "ssl-redirect: \"true\", nginx.ingress.kubernetes.io/app-root: /app",
        "rewrite-target: /x",
        "rewrite-target: /$2, nginx.ingress.kubernetes.io/x-forwarded-prefix: /p",
        "service-upstream: 'true'",
        "upstream-vhost: v.test",
        "use-regex: 'true'",
        "auth-url: http://one.example/verify",
        "auth-url: http://two.example/verify",
        "auth-url: http://$host/verify",
        "default-backend: one",
        "default-backend: two, nginx.ingress.kubernetes.io/custom-http-errors: '404,503'",
        "backend-protocol: HTTPS, nginx.ingress.kubernetes.io/proxy-ssl-secret: t",
        "affinity: cookie",
        "upstream-hash-by: $host",
        "canary: \"true\", nginx.ingress.kubernetes.io/canary-weight: \"10\"",
        "canary: \"true\", nginx.ingress.kubernetes.io/canary-by-header: x-new, nginx.ingress.kubernetes.io/affinity-canary-behavior: legacy",
        "canary: \"true\", nginx.ingress.kubernetes.io/canary-weight: most",
        "auth-type: basic, nginx.ingress.kubernetes.io/auth-secret: s",
        "auth-type: basic, nginx.ingress.kubernetes.io/auth-secret: t, nginx.ingress.kubernetes.io/auth-secret-type: auth-map",
        "custom-headers: c",
        "auth-url: http://one.example/verify, nginx.ingress.kubernetes.io/auth-proxy-set-headers: c",
        "proxy-cookie-path: / /x",
        "proxy-redirect-from: $host, nginx.ingress.kubernetes.io/proxy-redirect-to: /",
    ]);
    let ingresses = (place(), 0_u8..4, extra, proptest::collection::vec(line, 1..4), any::<bool>(), annotation)
        .prop_map(|(name, day, extra, lines, own, annotation)| {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            let manifest = ingress(name, day, &format!("{extra}{}", rules(&lines)));
            let annotation = if annotation.is_empty() {
                String::new()
            } else {
                format!("metadata: {{annotations: {{nginx.ingress.kubernetes.io/{annotation}}}, ")
            };
            let manifest =
                if annotation.is_empty() { manifest } else { manifest.replacen("metadata: {", &annotation, 1) };
            if own { manifest } else { manifest.replace("Name: quay", "Name: legacy") }
        });
    let address = proptest::sample::select(vec!["", "clusterIP: 10.96.0.1, ", "clusterIP: 10.96.0.2, "]);
    let services = (proptest::sample::select(vec!["mill/one", "mill/two", "farm/one"]), 0..4, address).prop_map(
        |(name, kind, address)| {
            let service = service(name).replace("spec: {", &format!("spec: {{{address}"));
            match kind {
                0 => service,
                1 => service.replace("name: web", "appProtocol: https, name: admin"),
                2 => service.replace("spec: {", "spec: {type: ExternalName, externalName: One.example., "),
                _ => service.replace("spec: {", "spec: {type: ExternalName, externalName: two.example, "),
            }
        },
    );
    let address = proptest::sample::select(vec!["10.1.0.1", "10.1.0.2", "10.1.0.3!", "10.1.0.4?", "127.0.0.1"]);
    let slices = (
        proptest::sample::select(vec!["mill/s", "mill/t", "farm/s"]),
        proptest::sample::select(vec!["one", "two"]),
        proptest::collection::vec(address, 0..3),
    )
        .prop_map(|(name, service, addresses)| slice(name, service, &addresses));
    let classes =
        any::<bool>().prop_map(|own| if own { OWN_CLASS.to_owned() } else { OWN_CLASS.replace("7f6c", "other") });
    let secrets = (proptest::sample::select(vec!["mill/s", "mill/t", "farm/s", "rivers/d"]), 0_usize..3).prop_map(
        |(name, which)| {
            secret(name, {
                let (chain, key) = &CERTIFICATES[which];
                (chain, key)
            })
        },
    );
    let text = || {
        proptest::sample::select(vec![
            "{SHA}87u9ZqY9S/F0eUBXjsPQEDUw4h0=",
            "zoe:{SHA}87u9ZqY9S/F0eUBXjsPQEDUw4h0=",
            "zoe",
        ])
    };
    let users = (proptest::sample::select(vec!["mill/s", "mill/t", "farm/s"]), text())
        .prop_map(|(name, text)| data("Secret", "stringData", name, &[("auth", text)]));
    let config_maps = (proptest::sample::select(vec!["mill/c", "farm/c"]), text(), any::<bool>())
        .prop_map(|(name, text, good)| data("ConfigMap", "data", name, &[(if good { "X-A" } else { "X A" }, text)]));
    prop_oneof![4 => ingresses, 2 => services, 3 => slices, 1 => classes, 2 => secrets, 1 => users, 1 => config_maps]
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let lanes = (any::<bool>(), any::<bool>(), 0_i64..3, any::<bool>(), any::<bool>()).prop_map(
        |(owned, all, generation, default, nginx)| {
            let mut lane = lane();
            if nginx {
                lane.profile = Profile::IngressNginx;
            }
            lane.config_generation = generation;
            lane.upstream.external_names = generation == 2;
            lane.tls.default_certificate = default.then(|| SecretName { name: "d".to_owned() });
            if owned {
                lane.scope.host_ownership = HostOwnership::Namespace;
            }
            if !all {
                lane.scope.namespaces = NamespaceSet::Names(["mill".to_owned()].into());
            }
            Edit::Lane(Box::new(lane))
        },
    );
    let edit = prop_oneof![
        8 => manifests().prop_map(Edit::Apply),
        2 => manifests().prop_map(|manifest| Edit::Delete(objects(&manifest)[0].key())),
        1 => lanes,
        3 => Just(Edit::Compile),
    ];
    proptest::collection::vec(edit, 1..40)
}

/// What a compiler shows to the world.
#[derive(Debug, PartialEq)]
struct Shown {
    routes: Vec<RouteReport>,
    findings: Vec<Finding>,
    classes: Vec<ClassReport>,
    counts: Counts,
    tls: Vec<String>,
    transports: Vec<String>,
    canaries: Vec<String>,
    affinities: Vec<String>,
    filters: Vec<String>,
    limits: Vec<(Option<CrossOrigin>, Option<RateLimit>)>,
    redirects: Vec<String>,
    rewrites: Vec<String>,
    pages: Vec<String>,
}

fn show(world: &World) -> Shown {
    Shown {
        routes: world.compiler.routes(),
        findings: world.findings.clone(),
        classes: world.compiler.classes(),
        counts: world.compiler.counts(),
        tls: world.certificates(),
        transports: world.transports(),
        canaries: world.canaries(),
        affinities: world.affinities(),
        filters: world.filters(),
        limits: world
            .all_filters()
            .into_iter()
            .flatten()
            .map(|all| (all.cross_origin.clone(), all.rate.clone()))
            .collect(),
        redirects: world.redirects(),
        rewrites: world.rewrites(),
        pages: world.pages(),
    }
}

/// What is there in the end.
fn remains(edits: &[Edit]) -> (LaneDocument, Vec<Object>) {
    let (mut last, mut all) = (lane(), BTreeMap::new());
    for edit in edits {
        match edit {
            Edit::Apply(manifest) => all.extend(objects(manifest).into_iter().map(|object| (object.key(), object))),
            Edit::Delete(key) => {
                all.remove(key);
            }
            Edit::Lane(lane) => last = (**lane).clone(),
            Edit::Compile => {}
        }
    }
    (last, all.into_values().collect())
}

/// Where names of one kind are known, and those of the other are not.
fn empty() -> World {
    // Room for two expressions of the lane, one of them of one namespace.
    let size = PathExpression::parse("/x(/|$)(.*)", true).unwrap().size();
    let expressions = ExpressionRoom { each: size, lane: 2 * size };
    let mut world = World::somewhere(Options { expressions, ..Options::default() });
    world.dns.insert("one.example", vec![[10, 2, 0, 1].into(), [127, 0, 0, 1].into()]);
    world
}

fn at_once(lane: LaneDocument, objects: impl IntoIterator<Item = Object>) -> World {
    let mut world = empty();
    for object in objects {
        world.compiler.apply(object);
    }
    world.compiler.set_lane(lane);
    world.compile();
    world
}

fn step_by_step(edits: &[Edit]) -> World {
    let mut world = empty();
    world.compiler.set_lane(lane());
    for edit in edits {
        match edit {
            Edit::Apply(manifest) => drop(world.apply(manifest)),
            Edit::Delete(key) => world.compiler.delete(key),
            Edit::Lane(lane) => world.compiler.set_lane((**lane).clone()),
            Edit::Compile => drop(world.compile()),
        }
    }
    world.compile();
    world
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// After any edits, compiled at any times, everything shown is what a new compiler shows for the objects that remain,
    /// in whatever order it gets them; and compiling once more, or applying everything once more, publishes nothing.
    #[test]
    fn compiling_step_by_step_is_compiling_at_once(edits in edits(), reverse in any::<bool>()) {
        let mut stepped = step_by_step(&edits);
        let (lane, mut objects) = remains(&edits);
        if reverse {
            objects.reverse();
        }
        prop_assert_eq!(show(&stepped), show(&at_once(lane.clone(), objects.clone())));

        stepped.compiler.set_lane(lane);
        for object in objects {
            stepped.compiler.apply(object);
        }
        let changes = stepped.compile();
        prop_assert!(changes.snapshot.is_none() && changes.endpoints.is_empty() && changes.findings.is_none());
    }

    /// Relists see what is held.
    #[test]
    fn keys_are_those_of_the_objects_that_remain(edits in edits()) {
        let (_, objects) = remains(&edits);
        let mut wanted: Vec<Key> = objects.iter().map(Object::key).collect();
        wanted.sort();
        let stepped = step_by_step(&edits);
        let held: Vec<Key> = crate::Kind::ALL.iter().flat_map(|kind| stepped.compiler.keys(*kind)).collect();
        prop_assert_eq!(held, wanted);
    }
}

#[test]
fn a_change_of_one_host_shares_every_other_with_the_last_snapshot() {
    let mut world = World::new(
        &(0..50)
            .map(|n| ingress(&format!("mill/i{n}"), 1, &rules(&[&format!("h{n}.test / Prefix x:80")])))
            .collect::<String>(),
    );
    let before = world.snapshot();
    let after = world.apply(&ingress("mill/i7", 1, &rules(&["h7.test /new Prefix x:80"]))).compile().snapshot.unwrap();
    let pairs = before
        .hosts
        .hosts()
        .into_iter()
        .map(|(host, table)| (host.clone(), Arc::ptr_eq(table, after.hosts.get(&host).unwrap())));
    let changed: Vec<_> = pairs.filter(|(_, same)| !same).map(|(host, _)| host).collect();
    assert_eq!(changed, [bulkhead_model::HostPattern::Exact("h7.test".into())]);
}

#[test]
fn a_change_that_is_taken_back_before_the_compile_publishes_nothing() {
    let first = ingress("mill/a", 1, &rules(&["a.test / Prefix x:80"]));
    let mut world = World::new(&first);
    world.apply(&first.replace("a.test", "b.test")).apply(&first);
    let changes = world.compile();
    assert!(changes.snapshot.is_none() && changes.findings.is_none());
}

#[test]
fn a_change_of_what_no_route_depends_on_publishes_nothing() {
    let first = ingress("mill/a", 1, &rules(&["a.test / Prefix x:80"]));
    let mut world = World::new(&(first.clone() + &service("mill/x")));
    world.apply(&first.replace("name: a,", "name: a, labels: {tier: gold}, annotations: {team: bread},"));
    world.apply(&service("mill/x").replace("targetPort: 8080", "targetPort: 9090"));
    assert!(!world.compiler.is_dirty());
}
