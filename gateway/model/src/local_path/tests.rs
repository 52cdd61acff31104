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

fn made(text: &str, field: &[u8]) -> Result<String, Denial> {
    let request = Request {
        method: b"GET",
        secure: false,
        host: "mill.test",
        authority: b"mill.test",
        path: b"/a",
        query: Some(b"to=//evil.test"),
        uri: b"/a?to=//evil.test",
        client: IpAddr::V4(Ipv4Addr::LOCALHOST),
        fields: &Says(field),
    };
    let mut to = Vec::new();
    LocalPath::with_variables(text).unwrap().write(&request, &mut to)?;
    Ok(String::from_utf8(to).unwrap())
}

#[test]
fn a_page_is_a_path_of_the_same_host() {
    for (text, is_one) in [
        ("/", true),
        ("/app?x=1#y", true),
        ("", false),
        ("app", false),
        ("//evil.test", false),
        ("https://evil.test/", false),
        ("/a\r\nSet-Cookie: b", false),
        ("/a b", false),
        ("/\\evil.test", false),
    ] {
        assert_eq!(LocalPath::parse(text).is_some(), is_one, "{text}");
        assert_eq!(LocalPath::with_variables(text).is_ok(), is_one, "{text}");
        let more = format!("{text}$uri");
        assert_eq!(LocalPath::with_variables(&more).is_ok(), is_one, "{more}");
    }
    assert_eq!(LocalPath::parse("/$uri"), None, "the paths of rules have no variables");
    assert!(LocalPath::parse(&format!("/{}", "a".repeat(MAX_BYTES))).is_none());
}

#[test]
fn variables_stand_for_parts_of_the_request() {
    for (text, is) in [
        ("/app", "/app"),
        ("/app/$host?u=$escaped_request_uri", "/app/mill.test?u=%2Fa%3Fto%3D%2F%2Fevil.test"),
        ("/${http_tenant}/x", "/blue/x"),
        ("/app$request_uri", "/app/a?to=//evil.test"),
    ] {
        assert_eq!(made(text, b"blue").as_deref(), Ok(is), "{text}");
    }
    for text in ["/$nobody", "/$1", "/$", "/${host"] {
        assert!(matches!(LocalPath::with_variables(text), Err(BadLocalPath::Template(_))), "{text}");
    }
}

#[test]
fn no_client_makes_another_host_of_it_or_ends_the_line() {
    assert_eq!(made("/$arg_to", b"").as_deref(), Ok("/evil.test"));
    assert_eq!(made("/$http_a", b"\\evil.test").as_deref(), Ok("/%5Cevil.test"));
    assert_eq!(made("/$http_a", b"/\r\nSet-Cookie: b\xe9").as_deref(), Ok("/%0D%0ASet-Cookie:%20b%E9"));
    assert_eq!(made("/$arg_none", b"").as_deref(), Ok("/"));
}

#[test]
fn neither_an_author_nor_a_client_makes_it_endless() {
    assert!(LocalPath::with_variables(&format!("/{}", "$host".repeat(200_000))).is_err());
    assert!(LocalPath::with_variables(&format!("/{}", "$host".repeat(33))).is_err());
    assert!(LocalPath::with_variables("/${${host}}").is_err());
    assert_eq!(made("/$http_a", &[b'a'; MAX_MADE_BYTES]), Err(Denial::BadRewrite));
    assert_eq!(made("/$http_a", &[b'"'; MAX_MADE_BYTES / 3]).map(|made| made.len()), Ok(MAX_MADE_BYTES));
    assert_eq!(made("/$http_a", &[b'"'; MAX_MADE_BYTES / 3 + 1]), Err(Denial::BadRewrite));
    let many = format!("/{}", "$http_a".repeat(32));
    assert_eq!(made(&many, &[b'a'; 8 << 10]), Err(Denial::BadRewrite));
}

proptest! {
    /// Whatever a client sends, it is a path of the same host.
    #[test]
    fn what_is_made_begins_with_one_slash(
        value in proptest::collection::vec(any::<u8>(), 0..20),
        text in "/(\\$http_a|app/\\$http_a|\\$arg_to\\$http_a|\\$http_a/\\$request_uri)",
    ) {
        let made = made(&text, &value).unwrap();
        prop_assert!(made.starts_with('/') && !made.starts_with("//") && !made.starts_with("/\\"), "{made}");
        prop_assert!(made.bytes().all(|byte| byte.is_ascii_alphanumeric() || OF_URI.contains(&byte)), "{made}");
    }
}
