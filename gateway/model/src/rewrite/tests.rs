use std::net::{IpAddr, Ipv4Addr};

use proptest::prelude::*;

use super::*;
use crate::request::Fields;

/// Every field has this value.
struct Says<'v>(&'v [u8]);

impl Fields for Says<'_> {
    fn each<'f>(&'f self, _: &str, with: &mut dyn FnMut(&'f [u8])) {
        with(self.0);
    }
}

fn request<'r>(uri: &'r [u8], fields: &'r Says<'r>) -> Request<'r> {
    let mut parts = uri.splitn(2, |byte| *byte == b'?');
    Request {
        method: b"GET",
        secure: false,
        host: "mill.test",
        authority: b"mill.test:8080",
        path: parts.next().unwrap_or_default(),
        query: parts.next(),
        uri,
        client: IpAddr::V4(Ipv4Addr::LOCALHOST),
        fields,
    }
}

fn rewrite(rewrite: &Rewrite, expression: &str, uri: &[u8], says: &[u8]) -> Result<Rewritten, Stop> {
    let expression = PathExpression::parse(expression, true).unwrap();
    rewrite.apply(&request(uri, &Says(says)), Some(&expression))
}

fn filled(target: &str, uri: &str, says: &[u8]) -> Result<String, Stop> {
    let made = rewrite(&Rewrite::parse(target).unwrap(), "/a(.*)", uri.as_bytes(), says)?;
    Ok(String::from_utf8(made.path).unwrap())
}

fn apply(expression: &str, target: &str, path: &str) -> Result<String, Stop> {
    let made = rewrite(&Rewrite::parse(target).unwrap(), expression, path.as_bytes(), b"")?;
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
        ("/a(.)(.*)", "/${1}0", "/ax", "/x0"),
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
    for (target, to) in [
        ("https://shop.test:8443/new/$1", "https://shop.test:8443/new/a?b=c"),
        ("http://shop.test", "http://shop.test?b=c"),
        ("https://$host/new/$1", "https://mill.test/new/a?b=c"),
        ("$scheme://$http_host/new", "http://mill.test:8080/new?b=c"),
        ("https://www.$host/$http_x", "https://www.mill.test/%5Cevil.test%3F?b=c"),
    ] {
        let target = Rewrite::parse(target).unwrap();
        assert!(target.is_redirect());
        let sent = rewrite(&target, "/old/(.*)", b"/old/a?b=c", b"\\evil.test?").unwrap_err();
        assert_eq!(sent, Answer::redirect(302, to.into()).into());
    }
}

#[test]
fn variables_stand_where_the_target_has_them() {
    for (target, uri, made) in [
        ("/$host/$1", "/a/b", "/mill.test/b"),
        ("/v1$uri", "/a/b%20c?d", "/v1/a/b%20c"),
        ("/v1/${document_uri}", "/a/b", "/v1/a/b"),
        ("$uri", "/a/b", "/a/b"),
        ("/v1$request_uri", "/a/b?c=d", "/v1/a/b%3Fc=d"),
        ("$request_uri", "/a", "/a"),
        ("/$scheme/$request_method/$server_port", "/a", "/http/GET/8080"),
        ("/t/$arg_t/x", "/a?t=blue", "/t/blue/x"),
        ("/t/$arg_t", "/a?t=100%25", "/t/100%2525"),
        ("/t/$arg_none/$1", "/a", "/t//"),
        ("/q/$args", "/a?t=1&u=2", "/q/t=1&u=2"),
        ("/t/$http_tenant", "/a", "/t/b%20c/%3F%23%22"),
        ("/t-$cookie_c.x", "/a", "/t-.x"),
    ] {
        assert_eq!(filled(target, uri, b"b c/?#\"").as_deref(), Ok(made), "{target}");
    }
}

#[test]
fn what_a_client_says_never_becomes_dots_an_authority_a_query_or_a_line() {
    for (target, uri, says) in [
        ("/$arg_x", "/a?x=..", &b""[..]),
        ("/t/$arg_x/b", "/a?x=..", b""),
        ("/t/$arg_x/b", "/a?x=x/../../admin", b""),
        ("/t/.$arg_x", "/a?x=.", b""),
        ("/$arg_none/$1", "/a/evil.test", b""),
        ("/t/$http_x", "/a", b"../admin"),
        ("/t/$http_x", "/a", b"..;v=1/admin"),
        ("/$http_x", "/a", b"//evil.test/"),
        ("$http_x", "/a", b"//evil.test/"),
        ("$http_x", "/a", b"http://evil.test/"),
        ("$http_x", "/a", b"*"),
        ("$host", "/a", b""),
        ("/t/$http_x", "/a", b"a\r\nX-Evil: 1"),
        ("/t/$http_x", "/a", b"a\0"),
        ("/t/$http_x", "/a", b"a\tb"),
        ("/t/$http_x", "/a", b"\xc0\xaf"),
        ("/$http_x", "/a", b"\\evil.test"),
    ] {
        assert_eq!(filled(target, uri, says), Err(Denial::BadRewrite.into()), "{target} {says:?}");
    }
    for (says, made) in
        [(&b"%2e%2e/admin"[..], "/t/%252e%252e/admin"), (b"a?b#c", "/t/a%3Fb%23c"), (b"%0d%0a", "/t/%250d%250a")]
    {
        assert_eq!(filled("/t/$http_x", "/a", says).as_deref(), Ok(made));
    }
}

#[test]
fn neither_an_author_nor_a_client_makes_a_path_without_end() {
    assert_eq!(Rewrite::parse(&"/$host".repeat(200_000)), Err(BadRewrite::Long));
    assert_eq!(Rewrite::parse(&"/$host".repeat(MAX_VARIABLES + 1)), Err(BadRewrite::Variables));
    assert!(matches!(Rewrite::parse("/${${host}}"), Err(BadRewrite::Variable(_))));
    let long = |target: &str, says: &[u8]| filled(target, "/a", says).map(|made| made.len());
    let many = "/$http_x".repeat(MAX_VARIABLES);
    assert_eq!(long(&many, &[b' '; 8 << 10]), Err(Denial::BadRewrite.into()));
    assert_eq!(long("/$http_x", &[b'a'; MAX_PATH_BYTES]), Err(Denial::BadRewrite.into()));
    assert_eq!(long("/$http_x", &[b' '; MAX_PATH_BYTES / 3 + 1]), Err(Denial::BadRewrite.into()));
    assert_eq!(long("/$http_x", &[b'a'; MAX_PATH_BYTES - 1]), Ok(MAX_PATH_BYTES));
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
        ("/$nobody", BadRewrite::Variable(TemplateError::Unknown("nobody".into()))),
        ("/$0", BadRewrite::Variable(TemplateError::Unknown("0".into()))),
        ("/$", BadRewrite::Variable(TemplateError::Nameless)),
        ("/${host", BadRewrite::Variable(TemplateError::Nameless)),
        ("/../$host", BadRewrite::Path),
        ("/$host?a=$1", BadRewrite::Path),
        ("//$host/", BadRewrite::Path),
        ("https://$arg_x/", BadRewrite::Host),
        ("https://$host$arg_x/", BadRewrite::Host),
        ("https://shop.test$uri", BadRewrite::Host),
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
    let told = |prefix: &str, expression: &str, uri: &[u8], says: &[u8]| {
        let telling = Rewrite::parse("/b").unwrap().telling(prefix).unwrap();
        rewrite(&telling, expression, uri, says).map(|made| String::from_utf8(made.prefix.unwrap()).unwrap())
    };
    assert_eq!(told("/$1", "/(x|y)/(.*)", b"/x/a", b"").as_deref(), Ok("/x"));
    assert!(Rewrite::parse("/").unwrap().telling("//evil.test").is_err());
    assert_eq!(told("$1", "/x(.*)", b"/x//evil.test", b""), Err(Denial::BadRewrite.into()));
    assert_eq!(told("$1", "/x(.*)", b"/x", b"").as_deref(), Ok(""));
    assert_eq!(told("/$host$uri", "/x(.*)", b"/x/y", b"").as_deref(), Ok("/mill.test/x/y"));
    assert_eq!(told("$http_x_forwarded_prefix", "/x(.*)", b"/x", b"/shop").as_deref(), Ok("/shop"));
    for says in [&b"//evil.test"[..], b"/../x", b"/a\r\nX: y", b"https://evil.test"] {
        assert_eq!(told("$http_x_forwarded_prefix", "/x(.*)", b"/x", says), Err(Denial::BadRewrite.into()));
    }
    assert_eq!(Rewrite::parse("/").unwrap().telling(&"/$host".repeat(200_000)), Err(BadRewrite::Long));
}

proptest! {
    /// Whatever comes, what leaves is a canonical path that is its own canonical form, and not the beginning of an authority.
    #[test]
    fn what_a_rewrite_makes_is_canonical(
        path in "/api[a-z/.%;:@*]{0,12}",
        value in proptest::collection::vec(any::<u8>(), 0..12),
        dots in "[./%;2eE?#\\\\]{0,6}",
        target in prop::sample::select(vec![
            "/$1", "/v1/$1", "$1", "/a$1", "/$1/b", "/$1$1", "/$http_x", "$http_x", "/v1/$http_x/b", "/v1/$1$http_x", "$uri$http_x",
            "/.$http_x",
        ]),
    ) {
        let Ok(came) = Target::parse(path.as_bytes()) else { return Ok(()) };
        let value = [dots.as_bytes(), &value].concat();
        if let Ok(made) = rewrite(&Rewrite::parse(target).unwrap(), "/api(.*)", &came.path, &value) {
            let again = Target::parse(&made.path).unwrap();
            prop_assert_eq!(&*again.path, &*made.path);
            prop_assert!(!made.path.starts_with(b"//") && !made.path.contains(&b'?'));
        }
    }
}
