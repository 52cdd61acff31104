#![expect(clippy::disallowed_types, reason = "a figure is printed; nothing waits")]

use std::time::Instant;

use super::*;
use crate::denial::Denial;
use crate::path_table::PathTable;
use crate::pattern::PathPattern;
use crate::route::{Action, PathKind, Route};

fn route(path: &str, kind: PathKind) -> Arc<Route> {
    let expression = || PathExpression::parse(path, false).ok().map(Arc::new);
    Arc::new(Route {
        host: "".into(),
        path: path.into(),
        kind,
        origin: "mill/a".into(),
        client_auth: None,
        expression: (kind == PathKind::Expression).then(expression).flatten(),
        filters: None,
        action: Action::Deny(Denial::NoService),
    })
}

fn table(expressions: &[&str], prefixes: &[&str], exact: &[&str]) -> PathTable {
    let of = |path: &str| (PathPattern::expression(path), route(path, PathKind::Expression));
    let prefix = |path: &str| (PathPattern::prefix(path).unwrap(), route(path, PathKind::Prefix));
    let exactly = |path: &str| (PathPattern::exact(path).unwrap(), route(path, PathKind::Exact));
    let expressions = expressions.iter().map(|path| of(path));
    let others = prefixes.iter().map(|path| prefix(path)).chain(exact.iter().map(|path| exactly(path)));
    PathTable::new(expressions.chain(others), false)
}

fn found<'t>(table: &'t PathTable, path: &str) -> &'t str {
    table.find(path.as_bytes()).map_or("none", |route| &route.path)
}

#[test]
fn expressions_begin_where_the_path_does_and_end_anywhere_in_any_case() {
    let table = table(&["/api/v[0-9]+", "/shop(/|$)(.*)", "/end$", "/caf\u{e9}", "/a b"], &[], &[]);
    for (path, wanted) in [
        ("/api/v1", "/api/v[0-9]+"),
        ("/API/V22/items", "/api/v[0-9]+"),
        ("/x/api/v1", "none"),
        ("/shop", "/shop(/|$)(.*)"),
        ("/shop/a", "/shop(/|$)(.*)"),
        ("/shopping", "none"),
        ("/end", "/end$"),
        ("/end/", "none"),
        ("/caf%C3%A9s", "/caf\u{e9}"),
        ("/a%20b", "/a b"),
    ] {
        assert_eq!(found(&table, path), wanted, "{path}");
    }
}

#[test]
fn the_longest_expression_is_asked_first_and_of_two_the_later_in_byte_order() {
    let table = table(&["/.*", "/a/b", "/a/.", "/a/b/c.*", "/[a-z]/x/long"], &[], &[]);
    for (path, wanted) in
        [("/a/b/c", "/a/b/c.*"), ("/a/b", "/a/b"), ("/a/x", "/a/."), ("/a/x/long", "/[a-z]/x/long"), ("/other", "/.*")]
    {
        assert_eq!(found(&table, path), wanted, "{path}");
    }
    let order: Vec<&str> = table.routes().iter().map(|route| &*route.path).collect();
    assert_eq!(order, ["/[a-z]/x/long", "/a/b/c.*", "/a/b", "/a/.", "/.*"]);
    assert!(order.iter().all(|path| table.get(&PathPattern::expression(path)).is_some_and(|r| &*r.path == *path)));
    assert_eq!(table.len(), 5);
}

#[test]
fn expressions_beside_plain_paths_win_by_what_is_written_longer() {
    let table = table(&["/a/.*", "/a/b/c/d/e/.*"], &["/a/b/c", "/x"], &["/a/exact"]);
    for (path, wanted) in [
        ("/a/b", "/a/.*"),
        ("/a/b/c/z", "/a/b/c"),
        ("/a/b/c/d/e/f", "/a/b/c/d/e/.*"),
        ("/a/exact", "/a/exact"),
        ("/a/exact/no", "/a/.*"),
        ("/x/y", "/x"),
        ("/X/y", "none"),
    ] {
        assert_eq!(found(&table, path), wanted, "{path}");
    }
}

#[test]
fn what_has_no_bound_or_is_none_is_refused() {
    let long = format!("/{}", "a".repeat(MAX_BYTES));
    for written in
        ["/(?!a)b", "/(?<=a)b", "/(a)\\1", "/(", "/[a", "/a**b{", "/(?:a{100}){100}", "/(.{1000}){1000}", &long]
    {
        assert!(PathExpression::parse(written, true).is_err(), "{written}");
    }
    for written in ["/(a+)+$", "/(a|a)*b", "/(.*)(.*)(.*)(.*)x", "/a{200}"] {
        assert!(PathExpression::parse(written, true).is_ok(), "{written}");
    }
    let deep = format!("/{}a{}", "(".repeat(900), ")".repeat(900));
    assert!(PathExpression::parse(&deep, false).is_err());
}

#[test]
fn an_expression_that_is_refused_stands_for_all_that_begins_as_it_would() {
    for (written, begins) in [
        ("/admin/(?!public)(.*)", "/admin/"),
        ("/a.b", "/a"),
        ("/v1\\.0/(?=x)", "/v1\\.0/"),
        ("/files?/(?!x)", "/file"),
        ("/files*", "/file"),
        ("/ab{2}(?!x)", "/a"),
        ("/a|/b(?!x)", ""),
        ("/(a|b)(?!x)", "/"),
        ("/a\\d(?!x)", "/a"),
    ] {
        assert_eq!(beginning(written), begins, "{written}");
    }
    let table = table(&["/admin/(?!public)(.*)", "/.*"], &[], &[]);
    assert_eq!(found(&table, "/ADMIN/public"), "/admin/(?!public)(.*)");
    assert_eq!(found(&table, "/other"), "/.*");
}

#[test]
fn a_path_that_would_cost_too_much_leads_nowhere() {
    // Automata of these need a state for each of the ways in which the last letters can be distributed.
    let hostile: Vec<String> = (0..40).map(|n| format!("/(a|b|/)*a(a|b|/){{{}}}c{n}", 60 + n)).collect();
    let hostile: Vec<&str> = hostile.iter().map(String::as_str).collect();
    let table = table(&hostile, &["/"], &[]);
    let mut seed = 7_u64;
    let path: String = std::iter::once('/')
        .chain((0..8000).map(|_| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            if seed >> 63 == 0 { 'a' } else { 'b' }
        }))
        .collect();
    let begun = Instant::now();
    let found = table.find(path.as_bytes()).unwrap();
    println!("hostile: {:?}", begun.elapsed());
    assert!(matches!(found.action, Action::Deny(Denial::PathTooCostly)), "{}", found.path);
    assert_eq!(self::found(&table, "/plain"), "/");
}

#[test]
fn tables_with_the_same_expressions_share_what_finds_them() {
    let first = table(&["/a.*", "/b.*"], &[], &[]);
    let routes = ["/a.*", "/b.*"].map(|path| (PathPattern::expression(path), route(path, PathKind::Expression)));
    let second = PathTable::after(Some(&first), routes, false);
    assert!(second.shares_expressions_with(&first));
    assert!(!table(&["/a.*"], &[], &[]).shares_expressions_with(&first));
}

/// Not a bound, but a figure to look at: `cargo test -p bulkhead-model --release thousand -- --nocapture`.
#[test]
fn a_thousand_expressions_are_one_look() {
    let paths: Vec<String> = (0..1000).map(|n| format!("/tenant-{n}/api/v[0-9]+(/|$)(.*)")).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let begun = Instant::now();
    let size: usize = paths.iter().map(|path| PathExpression::parse(path, false).unwrap().size()).sum();
    let parsed = begun.elapsed();
    let begun = Instant::now();
    let table = table(&paths, &[], &[]);
    let built = begun.elapsed();
    let asked: Vec<String> = (0..1000).map(|n| format!("/tenant-{n}/api/v2/items/{n}?").replace('?', "")).collect();
    let begun = Instant::now();
    let right = asked.iter().zip(&paths).filter(|(path, wanted)| found(&table, path) == **wanted).count();
    let cold = begun.elapsed() / 1000;
    let begun = Instant::now();
    for _ in 0..10 {
        assert_eq!(asked.iter().filter(|path| table.find(path.as_bytes()).is_some()).count(), 1000);
    }
    println!(
        "1,000 expressions ({size} bytes): read in {parsed:?}, compiled in {built:?}; a path found in {cold:?} at first, then in {:?}",
        begun.elapsed() / 10_000
    );
    assert_eq!(right, 1000);
    assert!(size < MAX_HOST_BYTES);
}
