use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::denial::Denial;
use crate::pattern::PathPattern;
use crate::route::{Action, PathKind};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rule {
    host: &'static str,
    kind: PathKind,
    path: String,
}

fn rule(host: &'static str, kind: PathKind, path: &str) -> Rule {
    Rule { host, kind, path: path.to_owned() }
}

fn pattern(rule: &Rule) -> PathPattern {
    match rule.kind {
        PathKind::Exact => PathPattern::exact(&rule.path).unwrap(),
        PathKind::Prefix => PathPattern::prefix(&rule.path).unwrap(),
        PathKind::Expression => PathPattern::expression(&rule.path),
        PathKind::Default => PathPattern::unmatched(),
    }
}

fn route(rule: &Rule, origin: usize) -> Arc<Route> {
    Arc::new(Route {
        host: rule.host.into(),
        path: rule.path.as_str().into(),
        kind: rule.kind,
        origin: format!("ns/{origin}").into(),
        client_auth: None,
        expression: None,
        filters: None,
        action: Action::Deny(Denial::NoService),
    })
}

fn table(rules: &[Rule], closed: bool) -> HostTable {
    let mut hosts: BTreeMap<HostPattern, Vec<_>> = BTreeMap::new();
    for (at, rule) in rules.iter().enumerate() {
        hosts.entry(HostPattern::parse(rule.host).unwrap()).or_default().push((pattern(rule), route(rule, at)));
    }
    hosts.into_iter().map(|(host, routes)| (host, Arc::new(PathTable::new(routes, closed)))).collect()
}

fn found(table: &HostTable, host: &str, path: &str) -> Option<String> {
    table.find(host, path).map(|route| format!("{} {} {:?}", route.host, route.path, route.kind))
}

use PathKind::{Default as Unmatched, Exact, Prefix};

#[test]
fn the_paths_of_the_ingress_reference_match_as_its_table_says() {
    // (kind, written, request, matches): the examples table of the Ingress concept page.
    for (kind, written, request, matches) in [
        (Prefix, "/", "/anything/at/all", true),
        (Exact, "/foo", "/foo", true),
        (Exact, "/foo", "/bar", false),
        (Exact, "/foo", "/foo/", false),
        (Exact, "/foo/", "/foo", false),
        (Prefix, "/foo", "/foo", true),
        (Prefix, "/foo", "/foo/", true),
        (Prefix, "/foo/", "/foo", true),
        (Prefix, "/foo/", "/foo/", true),
        (Prefix, "/aaa/bb", "/aaa/bbb", false),
        (Prefix, "/aaa/bbb", "/aaa/bbb", true),
        (Prefix, "/aaa/bbb/", "/aaa/bbb", true),
        (Prefix, "/aaa/bbb", "/aaa/bbb/", true),
        (Prefix, "/aaa/bbb", "/aaa/bbb/ccc", true),
        (Prefix, "/aaa/bbb", "/aaa/bbbxyz", false),
        (Prefix, "/foo", "/FOO", false),
        (Prefix, "/admin", "//admin", false),
    ] {
        let table = table(&[rule("", kind, written)], false);
        assert_eq!(table.find("any.test", request).is_some(), matches, "{kind:?} {written} {request}");
    }
}

#[test]
fn the_longest_path_wins_and_exact_beats_prefix() {
    let table = table(
        &[
            rule("h.test", Prefix, "/"),
            rule("h.test", Prefix, "/a"),
            rule("h.test", Prefix, "/a/b/c"),
            rule("h.test", Prefix, "/a-b"),
            rule("h.test", Exact, "/a"),
            rule("h.test", Unmatched, ""),
        ],
        false,
    );
    for (path, route) in [
        ("/", "h.test / Prefix"),
        ("/a", "h.test /a Exact"),
        ("/a/", "h.test /a Prefix"),
        ("/a/b", "h.test /a Prefix"),
        ("/a/b/c/d", "h.test /a/b/c Prefix"),
        ("/a/b/cd", "h.test /a Prefix"),
        ("/a-b/c", "h.test /a-b Prefix"),
        ("/a-c", "h.test / Prefix"),
        ("/zzz", "h.test / Prefix"),
    ] {
        assert_eq!(found(&table, "h.test", path).as_deref(), Some(route), "{path}");
    }
    let shown: Vec<_> = table.iter().map(|r| format!("{} {:?}", r.path, r.kind)).collect();
    assert_eq!(shown, ["/a/b/c Prefix", "/a-b Prefix", "/a Exact", "/a Prefix", "/ Prefix", " Default"]);
}

#[test]
fn a_wildcard_is_one_label_and_loses_to_the_exact_host() {
    let table = table(&[rule("*.h.test", Prefix, "/"), rule("a.h.test", Prefix, "/x")], false);
    assert_eq!(found(&table, "b.h.test", "/").as_deref(), Some("*.h.test / Prefix"));
    assert_eq!(found(&table, "a.h.test", "/x").as_deref(), Some("a.h.test /x Prefix"));
    assert_eq!(found(&table, "a.h.test", "/y").as_deref(), Some("*.h.test / Prefix"));
    assert_eq!(found(&table, "b.a.h.test", "/"), None);
    assert_eq!(found(&table, "h.test", "/"), None);
}

#[test]
fn a_hosts_own_default_is_asked_before_less_specific_hosts() {
    let rules = [rule("h.test", Exact, "/x"), rule("h.test", Unmatched, ""), rule("", Prefix, "/y")];
    assert_eq!(found(&table(&rules, false), "h.test", "/y").as_deref(), Some("h.test  Default"));
    assert_eq!(found(&table(&rules, false), "other.test", "/y").as_deref(), Some(" /y Prefix"));
}

#[test]
fn a_closed_host_never_reaches_the_rules_of_others() {
    let rules = [rule("h.test", Exact, "/x"), rule("", Prefix, "/")];
    assert_eq!(found(&table(&rules, true), "h.test", "/y"), None);
    let wildcard = [rule("*.h.test", Exact, "/x"), rule("", Prefix, "/")];
    assert_eq!(found(&table(&wildcard, true), "a.h.test", "/y"), None);
    assert_eq!(found(&table(&rules, false), "h.test", "/y").as_deref(), Some(" / Prefix"));
}

#[test]
fn a_change_of_one_host_leaves_every_other_table_and_the_old_snapshot_as_they_were() {
    let before =
        table(&[rule("a.test", Prefix, "/"), rule("b.test", Prefix, "/"), rule("*.c.test", Prefix, "/")], false);
    let mut after = before.clone();
    let a = HostPattern::parse("a.test").unwrap();
    after.set(&a, None);
    assert!(after.get(&a).is_none());
    assert!(before.get(&a).is_some());
    for (host, table) in before.hosts().into_iter().filter(|(host, _)| *host != a) {
        assert!(Arc::ptr_eq(table, after.get(&host).unwrap()), "{host:?}");
    }
}

#[test]
fn thousands_of_prefixes_inside_one_another_are_searched_in_one_walk() {
    let deep: Vec<_> = (1..4000).map(|n| rule("h.test", Prefix, &"/a".repeat(n))).collect();
    let table = table(&deep, false);
    assert_eq!(table.find("h.test", "/a".repeat(4096)).unwrap().path.len(), 2 * 3999);
    assert_eq!(table.find("h.test", format!("{}x", "/a".repeat(4))).unwrap().path.len(), 2 * 3);
    assert!(table.find("h.test", "/b").is_none());
}

/// The specification, word by word and slowly.
fn oracle(rules: &[Rule], host: &str, path: &str) -> Option<usize> {
    let tier = |rule: &Rule| match rule.host {
        "" => Some(2),
        name if name == host => Some(0),
        name => {
            let domain = name.strip_prefix("*.")?;
            (host.split_once('.')?.1 == domain).then_some(1)
        }
    };
    let elements =
        |path: &str| -> Vec<String> { path.strip_suffix('/').unwrap_or(path).split('/').map(str::to_owned).collect() };
    let matches = |rule: &Rule| match rule.kind {
        Exact => rule.path == path,
        Prefix => {
            let (wanted, given) = (elements(&rule.path), path.split('/').map(str::to_owned).collect::<Vec<_>>());
            given.starts_with(&wanted)
        }
        PathKind::Expression => false,
        Unmatched => true,
    };
    let length = |rule: &Rule| if rule.kind == Exact { path.len() + 1 } else { elements(&rule.path).join("/").len() };
    rules
        .iter()
        .enumerate()
        .filter(|(_, rule)| matches(rule))
        .filter_map(|(at, rule)| {
            Some(((tier(rule)?, rule.kind == Unmatched, std::cmp::Reverse(length(rule)), rule.kind, at), at))
        })
        .min()
        .map(|(_, at)| at)
}

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    let host = proptest::sample::select(vec!["", "a.test", "b.test", "*.test", "*.a.test", "x.a.test"]);
    let kind = proptest::sample::select(vec![Exact, Prefix, Prefix, Unmatched]);
    let path = "(/[ab-]{0,2}){1,4}";
    proptest::collection::vec(
        (host, kind, path).prop_map(|(host, kind, path)| Rule {
            host,
            kind,
            path: if kind == Unmatched { String::new() } else { path },
        }),
        0..24,
    )
}

#[test]
fn an_escaped_slash_may_not_lead_to_two_routes() {
    let rules = [
        rule("a.test", Prefix, "/"),
        rule("a.test", Prefix, "/admin"),
        rule("a.test", Exact, "/one/two"),
        rule("b.test", Prefix, "/admin"),
        rule("*.b.test", Prefix, "/"),
        rule("x.b.test", Prefix, "/admin"),
    ];
    let table = table(&rules, false);
    for (host, path, expected) in [
        ("a.test", "/x%2Fy", Ok("/")),
        ("a.test", "/admin/x%2fy%5Cz", Ok("/admin")),
        ("a.test", "/x%2Fadmin", Ok("/")),
        ("a.test", "/administrator%2F", Ok("/")),
        ("a.test", "/admin%2Fx", Err(Denial::AmbiguousSlash)),
        ("a.test", "/admin%5c", Err(Denial::AmbiguousSlash)),
        ("a.test", "/one%2Ftwo", Err(Denial::AmbiguousSlash)),
        ("a.test", "/one%2Ftwo/", Ok("/")),
        ("b.test", "/admin%2Fx", Err(Denial::AmbiguousSlash)),
        ("b.test", "/x%2Fy", Err(Denial::NoRoute)),
        ("x.b.test", "/admin%2Fx", Err(Denial::AmbiguousSlash)),
        ("x.b.test", "/x%2Fadmin", Ok("/")),
    ] {
        let found = table.route(host, &Target::parse(path.as_bytes()).unwrap());
        assert_eq!(found.map(|route| &*route.path), expected, "{host}{path}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    /// The table finds what a linear search by the words of the specification finds.
    #[test]
    fn the_table_agrees_with_a_linear_search(
        rules in rules(),
        host in proptest::sample::select(vec!["a.test", "b.test", "c.test", "x.a.test", "y.a.test", "test", "[::1]"]),
        path in "(/[ab-]{0,2}){1,5}",
    ) {
        let wanted = oracle(&rules, host, &path).map(|at| format!("ns/{at}"));
        let got = table(&rules, false).find(host, &path).map(|route| route.origin.to_string());
        prop_assert_eq!(got, wanted);
    }

    /// What is forwarded has one route, also for a backend that takes escaped slashes for slashes, all of them or some.
    #[test]
    fn no_reading_of_a_path_that_is_forwarded_has_another_route(
        rules in rules(),
        closed in any::<bool>(),
        host in proptest::sample::select(vec!["a.test", "x.a.test", "c.test"]),
        parts in proptest::collection::vec(("/|%2f|%5C", "[ab-]{0,2}", any::<bool>()), 1..6),
    ) {
        let read = |decodes: bool| parts.iter().fold("/a".to_owned(), |path, (mark, name, decoded)| {
            path + if decodes && *decoded { "/" } else { mark } + name
        });
        let table = table(&rules, closed);
        let written = read(false);
        let route = table.route(host, &Target::parse(written.as_bytes()).unwrap());
        if let Ok(route) = route {
            let other = read(true);
            let other = Target::parse(other.as_bytes()).unwrap();
            prop_assert!(table.find(host, &other.path).is_some_and(|other| Arc::ptr_eq(route, other)));
        }
    }
}
