use std::net::{IpAddr, Ipv4Addr};

use super::*;
use crate::request::Fields;

struct Nothing;

impl Fields for Nothing {
    fn each<'f>(&'f self, _: &str, _: &mut dyn FnMut(&'f [u8])) {}
}

fn request() -> Request<'static> {
    Request {
        method: b"GET",
        secure: true,
        host: "shop.test",
        authority: b"shop.test",
        path: b"/a",
        query: None,
        uri: b"/a",
        client: IpAddr::V4(Ipv4Addr::LOCALHOST),
        fields: &Nothing,
    }
}

fn applied((sought, instead): (&str, &str), value: &str, extent: Extent) -> Option<String> {
    let filled = Substitution::parse(sought, instead, false).unwrap().fill(&request()).unwrap();
    let made = filled.apply(value.as_bytes(), extent, &mut Allowance::for_response());
    made.map(|made| String::from_utf8(made).unwrap())
}

#[test]
fn a_text_at_the_beginning_is_replaced_and_the_rest_stays() {
    for (rule, value, made) in [
        (("/two/", "/"), "/two/a", Some("/a")),
        (("/two/", "/"), "/one/two/", None),
        (("/two/", "/"), "/TWO/", None),
        (("http://$host/", "$scheme://$host:8443/"), "http://shop.test/x", Some("https://shop.test:8443/x")),
        (("http://$host/", "/"), "http://mill.test/x", None),
        (("~^http://([^/]+)/(.*)$", "https://$2.$1$3"), "http://a/b", Some("https://b.a")),
        (("~^/(?<first>[a-z]+)", "/${first}0/$10/$host"), "/ab/c", Some("/ab0/ab0/shop.test")),
        (("~/B", "/x"), "/a/b", None),
        (("~*/B", "/x"), "/a/b", Some("/x")),
        (("~(a)|(b)", "<$1$2>"), "b", Some("<b>")),
    ] {
        assert_eq!(applied(rule, value, Extent::Beginning).as_deref(), made, "{rule:?} {value}");
    }
}

#[test]
fn all_of_a_text_is_replaced_in_any_case() {
    for (value, made) in [("Mill.Test", Some("shop.test")), ("a.mill.test", None), ("mill.test.", None)] {
        assert_eq!(applied(("mill.test", "$host"), value, Extent::All).as_deref(), made, "{value}");
    }
}

#[test]
fn texts_and_expressions_that_cannot_be_used_are_refused() {
    for (sought, instead) in [
        ("~(", "a"),
        ("~(?=a)", "a"),
        (r"~(a)\1", "a"),
        ("~((a{99}){99}){99}", "a"),
        ("/a", "/$1"),
        ("/a", "/$nothing"),
        ("~/(?<a>b)", "/$b"),
        ("~/a", "/$"),
        ("/a", "/b\r\nX: y"),
    ] {
        assert!(Substitution::parse(sought, instead, false).is_err(), "{sought} {instead}");
    }
    assert!(Substitution::parse(&format!("~{}", "a".repeat(MAX_PATTERN_BYTES + 1)), "", false).is_err());
}

#[test]
fn expressions_are_searched_for_in_so_many_bytes_of_a_response_and_no_more() {
    let filled = Substitution::parse("~(a+)+$", "$1", false).unwrap().fill(&request()).unwrap();
    let mut allowance = Allowance::for_response();
    let most = MAX_SEARCHED_BYTES;
    assert_eq!(filled.apply(&b"a".repeat(most + 1), Extent::All, &mut allowance), None);
    assert_eq!(filled.apply(&b"a".repeat(most - 1), Extent::All, &mut allowance), Some(b"a".repeat(most - 1)));
    assert_eq!(filled.apply(b"a", Extent::All, &mut allowance), Some(b"a".to_vec()));
    assert_eq!(filled.apply(b"a", Extent::All, &mut allowance), None);
}

#[test]
fn so_many_bytes_of_a_response_are_made_and_no_more() {
    let thousand = "b".repeat(1000);
    for (sought, instead, made) in [("/", thousand.clone(), 1000), ("~(.*)", format!("{thousand}$1$1"), 1002)] {
        let filled = Substitution::parse(sought, &instead, false).unwrap().fill(&request()).unwrap();
        let mut allowance = Allowance::for_response();
        for nth in 0..100 {
            let passes = (nth + 1) * made <= MAX_MADE_BYTES;
            assert_eq!(filled.apply(b"/", Extent::Beginning, &mut allowance).is_some(), passes, "{sought} {nth}");
        }
    }
}

#[test]
fn a_substitution_without_variables_is_fixed_and_equal_to_one_written_alike() {
    let parse = |sought, caseless| Substitution::parse(sought, "$1", caseless).unwrap();
    assert!(parse("~(a)", false).is_fixed());
    assert!(!Substitution::parse("~(a)", "$1$host", false).unwrap().is_fixed());
    assert!(!Substitution::parse("/$host", "/", false).unwrap().is_fixed());
    assert_eq!(parse("~(a)", false), parse("~(a)", false));
    assert_ne!(parse("~(a)", false), parse("~(a)", true));
    assert_eq!(parse("~*(a)", false), parse("~(a)", true));
}
