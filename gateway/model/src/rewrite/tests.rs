use proptest::prelude::*;

use super::*;

fn apply(expression: &str, target: &str, path: &str) -> Result<String, Stop> {
    let expression = PathExpression::parse(expression, true).unwrap();
    let made = Rewrite::parse(target).unwrap().apply(Some(&expression), path.as_bytes(), None)?;
    Ok(String::from_utf8(made.path).unwrap())
}

#[test]
fn groups_stand_where_the_target_has_them() {
    for (expression, target, path, made) in [
        ("/shop(/|$)(.*)", "/$2", "/shop/a/b", "/a/b"),
        ("/shop(/|$)(.*)", "/$2", "/SHOP", "/"),
        ("/shop", "/", "/shop/a/b", "/"),
        ("/shop", "/shop", "/shop/a", "/shop"),
        ("/(v[0-9])/([^/]+)/(.*)", "/$3/$1/$2", "/v2/items/x", "/x/v2/items"),
        ("/a/(.*)", "/b/$1", "/a/100%25", "/b/100%25"),
        ("/a/(.*)", "/b/$9", "/a/x", "/b/"),
        ("/a(.)(.*)", "/$10", "/ax", "/x0"),
        ("/api(/.*)", "$1", "/api/users", "/users"),
        ("/api(.*)", "/$1", "/api/users", "/users"),
        ("/api(.*)", "/v1/$1", "/api/users", "/v1/users"),
    ] {
        assert_eq!(apply(expression, target, path).as_deref(), Ok(made), "{expression} {target} {path}");
    }
}

#[test]
fn what_a_client_writes_never_becomes_dots_an_authority_or_half_an_escape() {
    for (expression, target, path) in [
        ("/api(.*)", "/$1", "/api../admin"),
        ("/api(.*)", "/v1/$1", "/api../admin"),
        ("/api(.*)", "/v1/$1", "/api."),
        ("/api(.*)", "/$1", "/api//evil.test"),
        ("/api(.*)", "$1", "/api//evil.test"),
        ("/api(.*)", "/$1", "/api/%2Fevil.test"),
        ("/api(.*)", "/$1", "/api%5Cevil.test"),
        ("/api(.*)", "$1", "/apifoo"),
        ("/api(.*)", "$1", "/api*"),
        ("/a(.)(.)", "/$2$1", "/a.."),
        ("/a(..)", "/$1", "/a%20"),
        ("/a(..)(.)", "/$1/$2", "/a%20"),
        ("/a(.*)", "https://shop.test/x/$1", "/a../b"),
        ("/a(.*)", "https://shop.test/$1/$1/$1", "/a.."),
    ] {
        assert_eq!(apply(expression, target, path), Err(Denial::BadRewrite.into()), "{expression} {target} {path}");
    }
    assert_eq!(apply("/a(.*)", "$1", "/a"), Err(Denial::EmptyRewrite.into()));
}

#[test]
fn a_target_with_a_scheme_sends_clients_there_with_their_query() {
    let expression = PathExpression::parse("/old/(.*)", true).unwrap();
    let rewrite = Rewrite::parse("https://shop.test:8443/new/$1").unwrap();
    assert!(rewrite.is_redirect());
    let sent = rewrite.apply(Some(&expression), b"/old/a", Some(b"b=c")).unwrap_err();
    assert_eq!(sent, Answer::redirect(302, b"https://shop.test:8443/new/a?b=c".to_vec()).into());
    let sent = Rewrite::parse("http://shop.test").unwrap().apply(None, b"/", None).unwrap_err();
    assert_eq!(sent, Answer::redirect(302, b"http://shop.test".to_vec()).into());
}

#[test]
fn targets_are_canonical_and_name_their_host() {
    for (target, why) in [
        ("/a?b=$1", BadRewrite::Path),
        ("/a#b", BadRewrite::Path),
        ("/a b", BadRewrite::Path),
        ("/a\r\nX: y", BadRewrite::Path),
        ("/a/../b", BadRewrite::Path),
        ("//evil.test/", BadRewrite::Path),
        ("a/$1", BadRewrite::Path),
        ("/%zz", BadRewrite::Path),
        ("/caf\u{e9}", BadRewrite::Path),
        ("/$host", BadRewrite::Variable),
        ("/$0", BadRewrite::Variable),
        ("/$", BadRewrite::Variable),
        ("/${1}", BadRewrite::Variable),
        ("https://$1/", BadRewrite::Host),
        ("https://shop.test$1", BadRewrite::Host),
        ("https://user@shop.test/", BadRewrite::Host),
        ("https:///x", BadRewrite::Host),
        ("https://", BadRewrite::Host),
        (&*format!("/{}", "a".repeat(MAX_TARGET_BYTES)), BadRewrite::Long),
    ] {
        assert_eq!(Rewrite::parse(target), Err(why), "{target}");
    }
}

#[test]
fn groups_that_stand_many_times_make_no_path_without_end() {
    let path = format!("/a{}", "b".repeat(8000));
    assert_eq!(apply("/a(.*)", &format!("/{}", "$1".repeat(1000)), &path), Err(Denial::BadRewrite.into()));
}

#[test]
fn the_backend_is_told_what_was_taken_off() {
    let expression = PathExpression::parse("/(x|y)/(.*)", true).unwrap();
    let rewrite = Rewrite::parse("/$2").unwrap().telling("/$1").unwrap();
    let made = rewrite.apply(Some(&expression), b"/x/a", None).unwrap();
    assert_eq!((&*made.path, made.prefix.as_deref()), (&b"/a"[..], Some(&b"/x"[..])));
    assert!(Rewrite::parse("/").unwrap().telling("//evil.test").is_err());
    let expression = PathExpression::parse("/x(.*)", true).unwrap();
    let rewrite = Rewrite::parse("/").unwrap().telling("$1").unwrap();
    assert_eq!(rewrite.apply(Some(&expression), b"/x//evil.test", None), Err(Denial::BadRewrite.into()));
}

proptest! {
    /// Whatever comes, what leaves is a canonical path that is its own canonical form, and not the beginning of an authority.
    #[test]
    fn what_a_rewrite_makes_is_canonical(
        path in "/api[a-z/.%;:@*]{0,12}",
        target in prop::sample::select(vec!["/$1", "/v1/$1", "$1", "/a$1", "/$1/b", "/$1$1"]),
    ) {
        let Ok(came) = Target::parse(path.as_bytes()) else { return Ok(()) };
        let expression = PathExpression::parse("/api(.*)", true).unwrap();
        if let Ok(made) = Rewrite::parse(target).unwrap().apply(Some(&expression), &came.path, None) {
            let again = Target::parse(&made.path).unwrap();
            prop_assert_eq!(&*again.path, &*made.path);
            prop_assert!(!made.path.starts_with(b"//") && !made.path.contains(&b'?'));
        }
    }
}
