//! Who has room for regular expressions, and what becomes of those that have none.

use bulkhead_crds::finding::{Finding, Severity};
use bulkhead_crds::lane::{HostOwnership, Profile};
use bulkhead_model::expression::PathExpression;
use bulkhead_model::limits::EXPRESSION_NAMESPACES;
use bulkhead_model::{HostPattern, PathPattern};
use proptest::prelude::*;

use super::expressions::{annotated, found, world};
use super::world::{OWN_CLASS, World, lane, service, slice};
use crate::{ExpressionRoom, Kind, Options};

fn regex(name: &str, day: u8, lines: &[&str]) -> String {
    annotated(name, day, "use-regex: 'true'", lines)
}

#[test]
fn what_has_no_room_with_its_own_is_refused_and_others_keep_theirs() {
    // They match in parallel, so that few fit together.
    let many: Vec<String> =
        (0..200).map(|n| format!("a.test /mill/.*/x{n}/.*/y{n} ImplementationSpecific flour:80")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let world = world(
        Profile::Standard,
        &(regex("mill/a", 1, &many)
            + &regex("farm/b", 2, &["a.test /barn/[a-z]+ Prefix flour:80"])
            + &annotated("farm/open", 3, "", &["a.test / Prefix flour:80"])),
    );
    let last = "503 /mill/.*/x199/.*/y199";
    assert_eq!(found(&world, "/mill/a/x199/b/y199"), last, "it is not left to the open path");
    assert_eq!(found(&world, "/barn/a"), "/barn/[a-z]+");
    assert_eq!(found(&world, "/other"), "/");
    assert!(world.codes().iter().any(|code| code.starts_with("NoRoomForExpression Ingress mill/a")));
    assert!(!world.codes().iter().any(|code| code.contains("Ingress farm/")));
    let snapshot = world.snapshot();
    let table = snapshot.hosts.get(&HostPattern::parse("a.test").unwrap()).unwrap();
    let route = |n: u8| table.get(&PathPattern::expression(&format!("/mill/.*/x{n}/.*/y{n}"))).unwrap();
    let is_served = |n: u8| route(n).expression.is_some();
    assert!(is_served(0) && is_served(1) && !is_served(199), "the first ones have their room");
    assert!(table.scans() <= 3);
}

#[test]
fn a_host_has_room_for_the_expressions_of_so_many_namespaces_and_the_oldest_have_it() {
    let most = EXPRESSION_NAMESPACES.size();
    let at = |n: usize| regex(&format!("space{n:03}/a"), 1, &[&format!("a.test /n{n}/[a-z]+ Prefix flour:80")]);
    for count in [most, most + 1, 10 * most] {
        // Of one age, so that the order of names counts.
        let manifest: String = (0..count).rev().map(at).collect();
        let world = world(Profile::Standard, &manifest);
        for n in 0..count {
            let refused = if n < most { "" } else { "503 " };
            assert_eq!(found(&world, &format!("/n{n}/a")), format!("{refused}/n{n}/[a-z]+"), "{count}");
        }
    }
}

#[test]
fn an_ingress_whose_expressions_are_too_wide_has_only_some_of_them_tried() {
    let many: Vec<String> = (0..20)
        .map(|n| format!("a.test /x{n}/(a|b)*a{}/end ImplementationSpecific flour:80", "(a|b)".repeat(14)))
        .chain(["a.test /y/[a-z]+ Prefix flour:80".to_owned()])
        .collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let world = world(Profile::Standard, &regex("mill/a", 1, &many));
    let said = |words: &str| {
        let all = world.findings.iter();
        all.filter(|finding| finding.code == "BadExpression" && finding.message.contains(words)).count()
    };
    assert_eq!((said("it can match in too many ways at once"), said("too many others of this Ingress")), (16, 5));
    assert_eq!(found(&world, "/y/a"), "503 /y/[a-z]+", "untried is refused");
}

/// A world in which a namespace has room for two expressions, and the lane for three.
fn small(manifest: &str) -> World {
    let size = PathExpression::parse("/aa[0-9]", false).unwrap().size();
    let expressions = ExpressionRoom { each: 2 * size, lane: 3 * size };
    World::with(Options { expressions, ..Options::default() }, manifest)
}

/// Which of the paths are looked for as expressions.
fn served(world: &World) -> [bool; 5] {
    let snapshot = world.snapshot();
    ["a.test /aa1", "b.test /bb1", "c.test /cc1", "d.test /dd1", "e.test /ee1"].map(|asked| {
        let (host, path) = asked.split_once(' ').unwrap();
        snapshot.hosts.find(host, path).is_some_and(|route| route.expression.is_some())
    })
}

#[test]
fn a_namespace_and_a_lane_have_so_much_room_and_who_was_there_first_keeps_it() {
    let mut world = small("");
    let at = |name: &str, day: u8, letter: char| {
        regex(name, day, &[&format!("{letter}.test /{letter}{letter}[0-9] Prefix flour:80")])
    };
    // The youngest comes first, and gives way to those that are older.
    world.apply(&at("farm/e", 9, 'e')).compile();
    assert_eq!(served(&world), [false, false, false, false, true]);
    world.apply(&at("farm/d", 8, 'd')).apply(&at("mill/c", 3, 'c'));
    world.apply(&at("mill/b", 2, 'b')).apply(&at("mill/a", 1, 'a')).compile();
    assert_eq!(served(&world), [true, true, false, true, false]);
    for (name, why) in [("c", "of its namespace"), ("e", "this lane")] {
        let said = world.findings.iter().find(|finding| finding.object.name == name).unwrap();
        assert!(said.code == "NoRoomForExpression" && said.message.contains(why), "{}", said.message);
    }
    // What goes leaves its room to the next, on hosts that nobody has touched.
    world.delete(Kind::Ingress, "mill/a");
    world.compile();
    assert_eq!(served(&world), [false, true, true, true, false]);
    world.delete(Kind::Ingress, "mill/b");
    world.compile();
    assert_eq!(served(&world), [false, false, true, true, true]);
    assert!(!world.codes().iter().any(|code| code.starts_with("NoRoom")));
}

#[test]
fn who_takes_a_path_of_another_namespace_by_an_expression_is_told_and_so_is_who_loses_it() {
    for profile in [Profile::Standard, Profile::IngressNginx] {
        let manifest = annotated("mill/a", 1, "", &["a.test /shop Prefix flour:80", "a.test /mine Prefix flour:80"])
            + &regex("farm/b", 2, &["a.test /(shop|till)(/.*)? ImplementationSpecific flour:80"])
            + &regex("mill/c", 3, &["a.test /mine(/.*)?x* ImplementationSpecific flour:80"]);
        let shared = world(profile, &manifest);
        assert_eq!(found(&shared, "/shop/a"), "/(shop|till)(/.*)?");
        let told = ["ExpressionTakesPath Ingress farm/b spec.rules", "ExpressionTakesPath Ingress mill/a spec.rules"];
        assert_eq!(shared.codes(), told);
        let mut owned = lane();
        (owned.profile, owned.scope.host_ownership) = (profile, HostOwnership::Namespace);
        let backend = service("mill/flour") + &slice("mill/flour", "flour", &["10.1.0.1"]);
        let owned = World::of(owned, &(manifest + &backend));
        assert_eq!(found(&owned, "/shop/a"), "/shop");
        assert_eq!(owned.codes(), ["HostNotOwned Ingress farm/b spec.rules[0].http.paths[0].backend"]);
    }
}

#[test]
fn whose_paths_a_refused_expression_of_another_namespace_closes_is_told_so() {
    for profile in [Profile::Standard, Profile::IngressNginx] {
        for (path, refused) in [("/", "/(?!a)"), ("/shop", "/sho(?!a)"), ("/shop/[a-z]+", "/shop(?!aaaaaaaaa)")] {
            let own = format!("a.test {path} ImplementationSpecific flour:80");
            let manifest = regex("mill/a", 1, &[&own])
                + &regex("farm/b", 2, &[&format!("a.test {refused} ImplementationSpecific flour:80")]);
            let world = world(profile, &manifest);
            assert_eq!(found(&world, "/shop/a"), format!("503 {refused}"));
            let told = [
                "ExpressionTakesPath Ingress farm/b spec.rules",
                "BadExpression Ingress farm/b spec.rules[0].http.paths[0].path",
                "ExpressionClosesPath Ingress mill/a spec.rules",
            ];
            assert_eq!(world.codes(), told, "{profile:?} {path}");
            let closed = &world.findings[2];
            assert_eq!(closed.severity, Severity::Error);
            assert!(closed.message.contains("answer 503") && closed.message.contains("farm/b"), "{}", closed.message);
            assert!(closed.remedy.contains("hostOwnership"), "{}", closed.remedy);
        }
    }
}

#[test]
fn whose_plain_paths_another_namespace_makes_expressions_is_told_so() {
    let at = |name: &str, line: &str| annotated(name, 1, "", &[line]);
    let spreads = |name: &str| regex(name, 2, &["a.test /v[0-9]+/ ImplementationSpecific flour:80"]);
    let told = "PathsWidened Ingress mill/a spec.rules[0].http.paths[0].path";
    for (profile, manifest, codes) in [
        (Profile::IngressNginx, at("mill/a", "a.test /admin Exact flour:80") + &spreads("farm/b"), &[told][..]),
        (Profile::IngressNginx, at("mill/a", "a.test /admin Prefix flour:80") + &spreads("farm/b"), &[told]),
        (Profile::IngressNginx, at("mill/a", "a.test / Prefix flour:80") + &spreads("farm/b"), &[]),
        (Profile::IngressNginx, at("mill/a", "b.test /admin Exact flour:80") + &spreads("farm/b"), &[]),
        (Profile::IngressNginx, at("mill/a", "a.test /admin Exact flour:80") + &spreads("mill/b"), &[]),
        (Profile::Standard, at("mill/a", "a.test /admin Exact flour:80") + &spreads("farm/b"), &[]),
    ] {
        let world = world(profile, &manifest);
        assert_eq!(world.codes(), codes, "{manifest}");
        assert!(world.findings.iter().all(|finding| finding.message.contains("farm/b")));
    }
}

#[derive(Clone, Debug)]
enum Edit {
    Apply(String, String),
    Delete(String),
    Compile,
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let name = || proptest::sample::select(vec!["mill/a", "mill/b", "mill/c", "farm/a", "farm/b"]);
    let host = proptest::sample::select(vec!["a.test", "b.test", "*.test"]);
    let path = proptest::sample::select(vec!["/aa[0-9]", "/bb[0-9]", "/a.*b", "/(?!x)", "/plain"]);
    let line = (host, path).prop_map(|(host, path)| format!("{host} {path} ImplementationSpecific flour:80"));
    let apply = (name(), 1_u8..4, proptest::collection::vec(line, 1..4)).prop_map(|(name, day, lines)| {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        Edit::Apply(name.to_owned(), regex(name, day, &lines))
    });
    let delete = name().prop_map(|name| Edit::Delete(name.to_owned()));
    proptest::collection::vec(prop_oneof![6 => apply, 2 => delete, 3 => Just(Edit::Compile)], 1..24)
}

/// All routes, and whether what they are for is looked for; and all findings.
fn show(world: &World) -> (Vec<(String, bool, usize)>, Vec<Finding>) {
    let snapshot = world.snapshot();
    let tables = snapshot.hosts.hosts();
    let routes = tables.iter().flat_map(|(_, table)| {
        let scans = table.scans();
        table.routes().into_iter().map(move |route| {
            (format!("{} {} {}", route.host, route.path, route.origin), route.expression.is_some(), scans)
        })
    });
    (routes.collect(), world.findings.clone())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Where there is room for few expressions, the same ones have it whatever came when.
    #[test]
    fn who_has_room_does_not_depend_on_who_came_when(edits in edits()) {
        let mut stepped = small("");
        let mut left = std::collections::BTreeMap::new();
        for edit in &edits {
            match edit {
                Edit::Apply(name, manifest) => {
                    left.insert(name, manifest.as_str());
                    stepped.apply(manifest);
                }
                Edit::Delete(name) => {
                    left.remove(name);
                    stepped.delete(Kind::Ingress, name);
                }
                Edit::Compile => drop(stepped.compile()),
            }
        }
        stepped.compile();
        let all: String = left.into_values().collect();
        prop_assert_eq!(show(&stepped), show(&small(&all)));
        stepped.apply(OWN_CLASS).apply(&all);
        prop_assert!(stepped.compile().snapshot.is_none());
    }
}
