use proptest::prelude::*;

use super::*;

/// `path` and `domain` of cookies, and places; empty: nothing.
fn words(domain: (&str, &str), path: (&str, &str), places: (&str, &str)) -> Words {
    let attribute = |(sought, instead): (&str, &str), caseless| {
        (!sought.is_empty()).then(|| Attribute::parse(sought, instead, caseless).unwrap())
    };
    let places = (!places.0.is_empty()).then(|| Substitution::parse(places.0, places.1, false).unwrap());
    let wanted = Wanted { places, domain: attribute(domain, true), path: attribute(path, false) };
    let request = Request { host: "shop.test", ..NOBODY };
    (*Revision::new(wanted).unwrap().of(&request).unwrap()).clone()
}

fn cookie(words: &Words, value: &str) -> Option<String> {
    words.cookie(value.as_bytes(), &mut Allowance::for_response()).map(|made| String::from_utf8(made).unwrap())
}

#[test]
fn a_cookie_is_changed_in_the_attributes_that_are_meant() {
    let both = words(("mill.test", "$host"), ("/two/", "/"), ("", ""));
    for (came, made) in [
        ("a=1; Path=/two/x; HttpOnly", Some("a=1; Path=/x; HttpOnly")),
        ("a=1;path = /two/ ;domain=.MILL.test", Some("a=1;path = /;domain=.shop.test")),
        ("a=1; DOMAIN=mill.test; Path=/two/", Some("a=1; DOMAIN=shop.test; Path=/")),
        ("a=Path=/two/; Path=/other", None),
        ("Path=/two/; x", None),
        ("a=1; Path; Domain=; Path=", None),
        ("a=1; Domain=a.mill.test; Path=\"/two/\"", None),
        ("a=1", None),
    ] {
        assert_eq!(cookie(&both, came).as_deref(), made, "{came}");
    }
}

#[test]
fn what_is_no_cookie_passes_as_it_came() {
    let all = words(("~.*", "x.test"), ("~.*", "/x"), ("", ""));
    for came in ["", "a", "=1; Path=/", "; Path=/", "a; Path=/", " =1; Domain=b"] {
        assert_eq!(cookie(&all, came), None, "{came}");
    }
    assert_eq!(cookie(&all, "a=1; Path=/; Domain=b").as_deref(), Some("a=1; Path=/x; Domain=x.test"));
}

#[test]
fn further_attributes_stand_behind_the_value_and_never_within_it() {
    let flags = words(("", ""), ("/", "/; Secure ;HttpOnly; SameSite=None;"), ("", ""));
    assert_eq!(
        cookie(&flags, "a=1; Path=/shop; Max-Age=7").as_deref(),
        Some("a=1; Path=/shop; Secure; HttpOnly; SameSite=None; Max-Age=7")
    );
    let flags = words(("", ""), ("~^(.*)$", "$1; Partitioned"), ("", ""));
    assert_eq!(cookie(&flags, "__Host-a=1; path=/").as_deref(), Some("__Host-a=1; path=/; Partitioned"));
    for further in ["/; a b=c", "/; =x", "/; a=\u{e4}", "/; a=$host", "/; ä", "/; a=\nb"] {
        assert_eq!(Attribute::parse("/", further, false), Err(BadAttribute::Further), "{further}");
    }
}

#[test]
fn a_cookie_of_one_host_is_not_made_one_that_no_browser_takes() {
    let moved = words(("", ""), ("/", "/app/"), ("", ""));
    assert_eq!(cookie(&moved, "__Host-a=1; Secure; Path=/"), None);
    assert_eq!(cookie(&moved, "a=1; Secure; Path=/").as_deref(), Some("a=1; Secure; Path=/app/"));
}

#[test]
fn what_a_client_sends_makes_no_attribute_of_a_cookie() {
    let wanted = Wanted { path: Some(Attribute::parse("/", "/$arg_a", false).unwrap()), ..Wanted::default() };
    let revision = Revision::new(wanted).unwrap();
    for (query, made) in [("a=b", Some("c=1; Path=/b")), ("a=b;Domain=x", None), ("a=b\r\nX:", None)] {
        let words = revision.of(&Request { query: Some(query.as_bytes()), ..NOBODY }).unwrap();
        assert_eq!(cookie(&words, "c=1; Path=/").as_deref(), made, "{query}");
    }
}

#[test]
fn places_are_named_as_clients_find_them() {
    let words = words(("", ""), ("", ""), ("http://backend:8080/", "https://$host/"));
    let all = &mut Allowance::for_response();
    assert_eq!(words.location(b"http://backend:8080/a?b", all), Some(b"https://shop.test/a?b".to_vec()));
    assert_eq!(words.location(b"/a", all), None);
    assert_eq!(words.refresh(b"5; URL=http://backend:8080/", all), Some(b"5; URL=https://shop.test/".to_vec()));
    assert_eq!(words.refresh(b"5", all), None);
    assert_eq!(words.refresh(b"5; http://backend:8080/", all), None);
}

#[test]
fn nothing_wanted_is_no_revision_and_what_is_fixed_is_made_once() {
    assert_eq!(Revision::new(Wanted::default()), None);
    let fixed =
        Revision::new(Wanted { places: Some(Substitution::parse("/a", "/b", false).unwrap()), ..Wanted::default() });
    let fixed = fixed.unwrap();
    assert!(Arc::ptr_eq(&fixed.of(&NOBODY).unwrap(), &fixed.of(&NOBODY).unwrap()));
}

proptest! {
    /// Whatever a cookie is, its name and value stay, and no line can come of it that did not come in.
    #[test]
    fn the_name_and_value_of_a_cookie_stay(came in "[ -~]{0,40}(; ?(Path|domain|PATH)=[ -~]{0,20}){0,3}") {
        let words = words(("~.*", "x.test"), ("~(.*)", "/x$1; Secure"), ("", ""));
        if let Some(made) = cookie(&words, &came) {
            let pair = |text: &str| text.split(';').next().unwrap().to_owned();
            prop_assert_eq!(pair(&made), pair(&came));
            prop_assert!(!made.contains(['\r', '\n']));
            prop_assert!(came.contains('='));
        }
    }
}
