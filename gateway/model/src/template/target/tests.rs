use std::net::{IpAddr, Ipv4Addr};

use proptest::prelude::*;

use super::*;
use crate::request::Fields;

/// Every field has this value, the cookie `t` as well.
struct Says(Vec<u8>);

impl Fields for Says {
    fn each<'f>(&'f self, _: &str, with: &mut dyn FnMut(&'f [u8])) {
        with(&self.0);
    }
}

fn made(text: &str, says: &[u8]) -> Result<String, NoTarget> {
    let mut out = Vec::new();
    let request = Request {
        method: b"GET",
        secure: true,
        host: "mill.test",
        authority: b"mill.test:8443",
        path: b"/a/b&c",
        query: Some(b"q=1%2F2&x=..%2F&y"),
        uri: b"/a/./b&c?q=1%2F2&x=..%2F&y",
        client: IpAddr::V4(Ipv4Addr::LOCALHOST),
        fields: &Says(says.to_vec()),
    };
    TargetTemplate::parse(text).unwrap().write(&request, 8 << 10, &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

#[test]
fn a_client_leads_no_question_to_another_path() {
    for (text, says, is) in [
        ("/t/$http_x/verify", "blue", Ok("/t/blue/verify")),
        ("/t/$http_x/verify", "a b?c#d%2e%C3", Ok("/t/a%20b%3Fc%23d%252e%25C3/verify")),
        ("/t/$http_x/verify", "a/b", Ok("/t/a%2Fb/verify")),
        ("/t/$http_x/verify", "../../healthz?", Err(NoTarget::Path)),
        ("/t/$http_x/verify", "..", Err(NoTarget::Path)),
        ("/t/.$http_x/verify", ".", Err(NoTarget::Path)),
        ("/t/$http_x/verify", "..\\a", Err(NoTarget::Path)),
        ("/t/$http_x/verify", "%2e%2e", Ok("/t/%252e%252e/verify")),
        ("/t/$http_x/verify", "a\r\nb", Err(NoTarget::Path)),
        ("/t/$cookie_t/verify", "t=../x", Err(NoTarget::Path)),
        ("/t/$arg_x/verify", "", Ok("/t/..%252F/verify")),
        ("/$host/$server_port/$scheme", "", Ok("/mill.test/8443/https")),
        ("/t/$http_host", "", Ok("/t/mill.test%3A8443")),
        ("/t$uri", "", Ok("/t/a/b&c")),
        ("$request_uri", "", Ok("/a/b&c?q=1%2F2&x=..%2F&y")),
        ("/$request_uri", "", Ok("//a/b&c?q=1%2F2&x=..%2F&y")),
        ("$uri$is_args$args&x=1", "", Ok("/a/b&c?q=1%2F2&x=..%2F&y&x=1")),
    ] {
        assert_eq!(made(text, says.as_bytes()), is.map(str::to_owned), "{text} {says}");
    }
}

#[test]
fn a_value_in_a_query_stays_one_value() {
    for (text, says, is) in [
        ("/v?t=$http_x&a=b", "x&admin=1#y z;w", "/v?t=x%26admin=1%23y%20z%3Bw&a=b"),
        ("/v?t=$http_x", "a%2Fb+c", "/v?t=a%2Fb+c"),
        ("/v?t=$cookie_t", "t=1&b", "/v?t=1%26b"),
        ("/v?t=$http_x", "a\r\nb\u{e4}", "/v?t=a%0D%0Ab%C3%A4"),
        ("/v?uri=$uri", "", "/v?uri=/a/b%26c"),
        ("/v?rd=$request_uri", "", "/v?rd=/a/./b&c?q=1%2F2&x=..%2F&y"),
        ("/v?$args", "", "/v?q=1%2F2&x=..%2F&y"),
        ("/v?rd=$escaped_request_uri", "", "/v?rd=%2Fa%2F.%2Fb%26c%3Fq%3D1%252F2%26x%3D..%252F%26y"),
        (
            "/v?rd=$scheme://$http_host$escaped_request_uri",
            "",
            "/v?rd=https://mill.test:8443%2Fa%2F.%2Fb%26c%3Fq%3D1%252F2%26x%3D..%252F%26y",
        ),
    ] {
        assert_eq!(made(text, says.as_bytes()), Ok(is.to_owned()), "{text} {says}");
    }
}

#[test]
fn what_is_written_beside_variables_is_canonical_and_what_stands_alone_is_its_authors() {
    for text in ["/a/../$host", "/a/./b?x=$host", "/a%7e/$http_x", "/a\\$http_x", "/ä/$host", "a/$host"] {
        assert_eq!(TargetTemplate::parse(text), Err(BadTarget::Path), "{text}");
    }
    for text in ["/a/../b", "/a%7e?x", "/.well-known/$host", "/a?x=/../$host", "$request_uri", "$uri?x"] {
        assert!(TargetTemplate::parse(text).is_ok(), "{text}");
    }
    assert!(matches!(TargetTemplate::parse("/$nothing"), Err(BadTarget::Template(_))));
}

proptest! {
    /// The segments of the path and the parameters of the query are as many as were written.
    #[test]
    fn nothing_that_a_client_says_changes_what_is_asked(says in proptest::collection::vec(any::<u8>(), 0..40)) {
        if let Ok(made) = made("/t/$http_x/verify?a=$http_x&b", &says) {
            let (path, query) = made.split_once('?').unwrap();
            prop_assert_eq!(path.split('/').count(), 4);
            prop_assert!(path.ends_with("/verify") && !path.contains("/../"));
            prop_assert_eq!(query.split(['&', ';']).count(), 2);
            prop_assert!(made.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#'));
        }
    }

    #[test]
    fn what_is_too_long_is_not_asked_for(says in "[ -~]{0,9000}") {
        if let Ok(made) = made("/v?a=$http_x", says.as_bytes()) {
            prop_assert!(made.len() <= 8 << 10);
        }
    }
}
