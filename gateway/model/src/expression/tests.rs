#![expect(clippy::disallowed_types, reason = "a figure is printed; nothing waits")]

use std::time::{Duration, Instant};

use proptest::prelude::*;

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
    let long = format!("/{}+", "a".repeat(MAX_BYTES));
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
        ("/v1\\.0/(?=x)", "/v1.0/"),
        ("/files?/(?!x)", "/file"),
        ("/files*", "/file"),
        ("/ab{2}(?!x)", "/a"),
        ("/a|/b(?!x)", ""),
        ("/(a|b)(?!x)", "/"),
        ("/a\\d(?!x)", "/a"),
        ("/caf\u{e9}(?!x)", "/caf"),
        ("/a b(?!x)", "/a"),
        // Where a word begins and ends; brackets and broken parentheses, in which nobody knows where alternatives are.
        (r"/\<admin/(", "/"),
        (r"/a\>b(", "/a"),
        ("/x[(]|/admin/(a", ""),
        ("/x(|/admin", ""),
        ("/x[|/admin", ""),
        ("/x)(|/admin", ""),
        ("/x(a|b)y(", ""),
    ] {
        assert_eq!(beginning(written), begins, "{written}");
    }
    let table = table(&["/admin/(?!public)(.*)", "/.*"], &[], &[]);
    assert_eq!(found(&table, "/ADMIN/public"), "/admin/(?!public)(.*)");
    assert_eq!(found(&table, "/other"), "/.*");
}

#[test]
fn an_expression_has_so_many_bytes_and_no_more() {
    for (bytes, fits) in [(MAX_BYTES, true), (MAX_BYTES + 1, false), (10 * MAX_BYTES, false)] {
        let written = format!("/{}+", "1".repeat(bytes - 2));
        assert_eq!(written.len(), bytes);
        let read = PathExpression::parse(&written, false);
        assert!(read.is_ok() == fits && (fits || read == Err(BadExpression::Long)), "{bytes}: {read:?}");
    }
}

#[test]
fn a_path_with_expressions_has_so_many_bytes_and_no_more() {
    let table = table(&["/a.*b"], &["/x"], &["/exact"]);
    let path = |bytes: usize| format!("/x/{}", "x".repeat(bytes - 3));
    assert_eq!(found(&table, &path(MAX_MATCHED_BYTES)), "/x");
    for bytes in [MAX_MATCHED_BYTES + 1, 10 * MAX_MATCHED_BYTES] {
        let found = table.find(path(bytes).as_bytes()).unwrap();
        assert!(matches!(found.action, Action::Deny(Denial::PathTooCostly)), "{}", found.path);
    }
    // Plain text in any case is looked for in the same way however long the path is.
    let plain = self::table(&["/X"], &[], &[]);
    assert_eq!(self::found(&plain, &path(10 * MAX_MATCHED_BYTES)), "/X");
}

#[test]
fn what_would_have_to_remember_too_much_is_refused_alone_and_divided_together() {
    for written in ["/(a|b)*a(a|b){16}", "/.*[a-m].{20}x", "/.*(a|b.).{15}x"] {
        assert_eq!(PathExpression::parse(written, false), Err(BadExpression::Wide), "{written}");
    }
    let many: Vec<Arc<PathExpression>> =
        (0..24).map(|n| Arc::new(PathExpression::parse(&format!("/.*/x{n}/.*/y{n}"), false).unwrap())).collect();
    let all = combine(&many, usize::MAX);
    assert!(all.automata.len() > 2 && all.taken == many.len());
    let bounded = combine(&many, 2);
    assert!(bounded.automata.len() == 2 && bounded.taken > 4 && bounded.taken < many.len(), "{}", bounded.taken);
    let paths: Vec<String> = (0..24).map(|n| format!("/.*/x{n}/.*/y{n}")).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let table = table(&paths, &["/"], &[]);
    assert!(table.scans() > 2);
    for n in 0..24 {
        assert_eq!(found(&table, &format!("/a/y3/x{n}/b/Y{n}/c")), format!("/.*/x{n}/.*/y{n}"));
    }
    assert_eq!(found(&table, "/a/x1/b"), "/");
}

#[test]
fn tables_share_automata_that_look_for_the_same() {
    let routes = || ["/a.*", "/b.*"].map(|path| (PathPattern::expression(path), route(path, PathKind::Expression)));
    let expressions: Vec<_> = routes().into_iter().filter_map(|(_, route)| route.expression.clone()).collect();
    let automata = combine(&expressions, 1).automata;
    let first = PathTable::with(&automata, routes(), false);
    assert!(PathTable::with(&automata, routes(), false).shares_expressions_with(&first));
    // One that looks for what is no route any more would hide what is.
    let fewer = PathTable::with(&automata, routes().into_iter().skip(1), false);
    assert!(!fewer.shares_expressions_with(&first));
    assert_eq!((found(&fewer, "/a"), found(&fewer, "/b")), ("none", "/b.*"));
}

fn pieces() -> impl Strategy<Value = String> {
    let piece = proptest::sample::select(vec![
        "a", "b", "/", ".", "[ab]", "[^/]", "(a|b/)", "a*", ".*", "(/|$)", "b+?", "(.*)", "$", "^", "\\b", "\\B",
        "a{2,3}", "(?:b|ab)", "\\w", "(a*)*", "(|a)", "(?-i)A", "x",
    ]);
    proptest::collection::vec(piece, 0..7).prop_map(|pieces| format!("/{}", pieces.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Of any expressions, the first of those that match by themselves is found, as `regex` has it; and its groups are those of `regex`.
    #[test]
    fn what_is_found_is_what_regex_finds(
        all in proptest::collection::vec(pieces(), 1..6),
        paths in proptest::collection::vec("/[abxAB/_-]{0,9}", 8),
    ) {
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let table = table(&all, &[], &[]);
        let mut ranked: Vec<_> = all.iter().map(|written| (*written, oracle(written))).collect();
        ranked.sort_by_key(|(written, _)| set::rank(written));
        for path in &paths {
            let wanted = ranked.iter().find(|(_, oracle)| oracle.is_match(path.as_bytes()));
            prop_assert_eq!(found(&table, path), wanted.map_or("none", |(written, _)| written), "{}", path);
            let Some((wanted, oracle)) = wanted else { continue };
            let ours = PathExpression::parse(wanted, true).unwrap().groups(path.as_bytes()).unwrap();
            let theirs = oracle.captures(path.as_bytes()).unwrap();
            let theirs: Vec<_> = (0..10).map(|group| theirs.get(group).map(|found| found.range())).collect();
            let ours: Vec<_> = (0..10).map(|group| ours.as_ref().and_then(|ours| ours.get(group))).collect();
            prop_assert!(is_literal(wanted) || ours == theirs, "{} {}: {:?} {:?}", wanted, path, ours, theirs);
        }
    }
}

fn oracle(written: &str) -> regex::bytes::Regex {
    let anchored = format!("^(?:{written})");
    regex::bytes::RegexBuilder::new(&anchored).unicode(false).case_insensitive(true).build().unwrap()
}

/// The least time of some: what else the machine does is no cost of ours.
fn least(work: impl Fn()) -> Duration {
    let time = |_| {
        let begun = Instant::now();
        work();
        begun.elapsed()
    };
    (0..10).map(time).min().unwrap()
}

/// The dearest path of 8 KiB for some expressions that we could think of, of which each byte leads somewhere else in memory.
fn random_path(letters: &[u8], prefix: &str) -> String {
    let mut seed = 7_u64;
    let mut letter = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from(letters[(seed >> 33) as usize % letters.len()])
    };
    let mut path = prefix.to_owned();
    while path.len() < MAX_MATCHED_BYTES {
        path.push(letter());
    }
    path
}

/// Of automata that look at every byte, more than are let. In release: `cargo test -p bulkhead-model --release dearest -- --nocapture`.
#[test]
fn the_dearest_path_takes_less_than_a_millisecond_and_leads_nowhere() {
    let (mut automata, mut routes) = (Vec::new(), Vec::new());
    for scan in 0..6 {
        let many = (0..80).map(|n| format!("/(a|b|/)*(a|b)(a|b|/){{{}}}c{scan}x{n}", 3 + n % 6));
        let many: Vec<_> = many.map(|one| Arc::new(PathExpression::parse(&one, false).unwrap())).collect();
        let combined = combine(&many, 1);
        let taken = many.iter().take(combined.taken).map(|one| one.written());
        routes.extend(taken.map(|one| (PathPattern::expression(one), route(one, PathKind::Expression))));
        automata.extend(combined.automata);
    }
    let size: usize = automata.iter().map(|automaton| automaton.size()).sum();
    let count = routes.len();
    let table = PathTable::with(&automata, routes, false);
    assert_eq!(table.scans(), 6);
    let path = random_path(b"ab/", "/");
    let taken = least(|| {
        let found = table.find(path.as_bytes()).unwrap();
        assert!(matches!(found.action, Action::Deny(Denial::PathTooCostly)), "{}", found.path);
    });
    println!("{count} expressions, 6 automata of {size} bytes: 8 KiB of path in {taken:?}");
    assert!(cfg!(debug_assertions) || taken.as_micros() < 1000, "{taken:?}");
    assert!(table.find(&path.as_bytes()[..MAX_STEPS / 6]).is_none());
}

/// Groups that are tried in all ways. In release: `cargo test -p bulkhead-model --release groups_that -- --nocapture`.
#[test]
fn groups_that_cost_too_much_are_not_looked_for() {
    let expression = PathExpression::parse("/(.*)/(.*)/(.*)/(.*)x", true).unwrap();
    let path = random_path(b"abcdefgh/", "/");
    let taken = least(|| assert_eq!(expression.groups(path.as_bytes()), Err(Costly)));
    println!("groups given up after {taken:?}");
    assert!(cfg!(debug_assertions) || taken.as_micros() < 1000, "{taken:?}");
    let plain = PathExpression::parse("/shop(/|$)(.*)", true).unwrap();
    let found = plain.groups(format!("/shop{path}").as_bytes()).unwrap().unwrap();
    assert_eq!(found.get(2), Some(6..path.len() + 5));
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
        "1,000 expressions ({size} bytes, {} scan): read in {parsed:?}, compiled in {built:?}; a path found in {cold:?} at first, then in {:?}",
        table.scans(),
        begun.elapsed() / 10_000
    );
    assert_eq!(right, 1000);
    assert_eq!(table.scans(), 1);
    assert!(size < limits::EXPRESSION_ROOM_EACH.size());
}
