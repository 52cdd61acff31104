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

fn request<'r>(host: &'r str, uri: &'r [u8], fields: &'r Says<'r>) -> Request<'r> {
    let mut parts = uri.splitn(2, |byte| *byte == b'?');
    Request {
        method: b"GET",
        secure: false,
        host,
        authority: b"Mill.test:8080",
        path: parts.next().unwrap_or_default(),
        query: parts.next(),
        uri,
        client: IpAddr::V4(Ipv4Addr::LOCALHOST),
        fields,
    }
}

fn of(text: &str, expression: &str, uri: &[u8]) -> Result<String, Denial> {
    let destination = Destination::parse(text).unwrap();
    let expression = PathExpression::parse(expression, destination.has_groups()).unwrap();
    let made = destination.of(&request("mill.test", uri, &Says(b"a b\t\"\xe9")), Some(&expression));
    made.map(|made| String::from_utf8(made).unwrap())
}

#[test]
fn variables_and_groups_stand_for_parts_of_the_request() {
    for (text, to) in [
        ("https://new.test/x", "https://new.test/x"),
        ("https://new.test$request_uri", "https://new.test/a/b?c=d&e"),
        ("HTTPS://New.test:8443${request_uri}", "https://New.test:8443/a/b?c=d&e"),
        ("https://new.test/old$uri$is_args$args", "https://new.test/old/a/b?c=d&e"),
        ("https://new.test$is_args$args", "https://new.test?c=d&e"),
        ("https://new.test?from=$escaped_request_uri", "https://new.test?from=%2Fa%2Fb%3Fc%3Dd%26e"),
        ("http://[::1]:81/$arg_c#$scheme", "http://[::1]:81/d#http"),
        ("https://$host$request_uri", "https://mill.test/a/b?c=d&e"),
        ("https://$http_host/", "https://mill.test:8080/"),
        ("https://www.$http_host$request_uri", "https://www.mill.test:8080/a/b?c=d&e"),
        ("https://$server_name/", "https://mill.test/"),
        ("https://${best_http_host}:8443/x", "https://mill.test:8443/x"),
        ("https://www.$host$request_uri", "https://www.mill.test/a/b?c=d&e"),
        ("$scheme://new.test$request_uri", "http://new.test/a/b?c=d&e"),
        ("${scheme}://$host", "http://mill.test"),
        ("https://$host.new.test$uri", "https://mill.test.new.test/a/b"),
        ("https://new.test/$1", "https://new.test/b"),
        ("https://new.test/${1}0/$10?$2", "https://new.test/b0/b0?"),
        ("https://new.test$1", "https://new.test/b"),
        ("https://new.test/$http_x", "https://new.test/a%20b%09%22%E9"),
    ] {
        assert_eq!(of(text, "/a/(.*)", b"/a/b?c=d&e").as_deref(), Ok(to), "{text}");
    }
    assert_eq!(of("https://new.test$is_args$args", "/", b"/").as_deref(), Ok("https://new.test"));
    assert_eq!(of("https://new.test$1", "/a(.*)", b"/a").as_deref(), Ok("https://new.test"));
}

#[test]
fn what_a_client_could_choose_the_host_of_is_no_destination() {
    for text in [
        "https://$arg_to/",
        "https://$http_x/",
        "https://$1/",
        "https://shop-$1.new.test/",
        "https://new.test$args",
        "https://new.test$http_x",
        "https://new.test$request_uri.evil.test",
        "https://new.test:$server_port/",
        "https://new.test:$request_uri@evil.test/",
        "https://$host$host/",
        "https://$host@evil.test/",
        "https://user@$host/",
        "https://a@new.test$request_uri",
        "https://new.test:port$request_uri",
        "https://$host:99999$request_uri",
    ] {
        assert_eq!(Destination::parse(text), Err(BadDestination::Host), "{text}");
    }
    for text in [
        "$schemes://new.test/",
        "$http_x://new.test/",
        "/$uri",
        "$request_uri",
        "//new.test$uri",
        "https://new.test/ $uri",
        "a\r\n$uri",
    ] {
        assert_eq!(Destination::parse(text), Err(BadDestination::Location), "{text}");
    }
    for text in ["https://new.test/$nobody", "https://new.test/$", "https://new.test/${uri", "https://new.test/$0"] {
        assert!(matches!(Destination::parse(text), Err(BadDestination::Template(_))), "{text}");
    }
    let many = format!("https://new.test/{}", "$1".repeat(MAX_VARIABLES + 1));
    assert_eq!(Destination::parse(&many), Err(BadDestination::Template(TemplateError::TooLong)));
}

#[test]
fn a_request_target_in_no_form_makes_another_host() {
    // Only the first of these is let in by the parser of heads; the law does not lean on it.
    for (uri, to) in [
        (&b"//evil.test/"[..], "https://new.test//evil.test/"),
        (b"@evil.test/", "https://new.test/@evil.test/"),
        (b".evil.test/", "https://new.test/.evil.test/"),
        (b":443@evil.test", "https://new.test/:443@evil.test"),
        (b"\\@evil.test", "https://new.test/%5C@evil.test"),
        (b"http://evil.test/", "https://new.test/http://evil.test/"),
        (b"*", "https://new.test/*"),
        (b"/\r\nSet-Cookie: a=b", "https://new.test/%0D%0ASet-Cookie:%20a=b"),
    ] {
        assert_eq!(of("https://new.test$request_uri", "/", uri).as_deref(), Ok(to), "{uri:?}");
    }
}

#[test]
fn what_is_too_long_or_has_no_host_is_refused() {
    let long = [b"/".to_vec(), vec![b'a'; MAX_MADE_BYTES]].concat();
    assert_eq!(of("https://new.test$request_uri", "/", &long), Err(Denial::BadRewrite));
    assert_eq!(of("https://new.test/$1$1$1", "/(.*)", &long[..6000]), Err(Denial::BadRewrite));
    let origin = "https://new.test/".len();
    let encoded = |bytes: usize| [b"/".to_vec(), vec![b'"'; (bytes - origin) / 3]].concat();
    let made = of("https://new.test$request_uri", "/", &encoded(MAX_MADE_BYTES)).unwrap();
    assert!(made.len() <= MAX_MADE_BYTES && made.len() > MAX_MADE_BYTES - 3, "{}", made.len());
    for bytes in [MAX_MADE_BYTES + 3, 3 * MAX_MADE_BYTES] {
        assert_eq!(of("https://new.test$request_uri", "/", &encoded(bytes)), Err(Denial::BadRewrite), "{bytes}");
    }
    let www = Destination::parse("https://www.$host/").unwrap();
    let none = Says(b"");
    for host in ["[::1]", &*format!("{}.test", "a.".repeat(123))] {
        assert_eq!(www.of(&request(host, b"/", &none), None), Err(Denial::BadRewrite), "{host}");
    }
    let own = Destination::parse("https://$host/").unwrap();
    assert_eq!(own.of(&request("[::1]", b"/", &none), None).as_deref(), Ok(&b"https://[::1]/"[..]));
}

proptest! {
    /// Whoever takes the URI apart finds the author's scheme and authority, and characters of URIs alone.
    #[test]
    fn a_client_chooses_what_is_behind_the_authority_and_nothing_else(
        uri in proptest::collection::vec(any::<u8>(), 0..40),
        value in proptest::collection::vec(any::<u8>(), 0..20),
        behind in "(\\$request_uri|\\$uri|\\$is_args\\$args|/\\$http_x|\\?\\$arg_a|#\\$cookie_a|/)(\\$args)?",
        host in "new\\.test(:81)?|\\$host",
    ) {
        let made = Destination::parse(&format!("https://{host}{behind}")).unwrap()
            .of(&request("mill.test", &uri, &Says(&value)), None)
            .unwrap();
        let made = String::from_utf8(made).unwrap();
        let rest = made.strip_prefix("https://").unwrap().strip_prefix(&*host.replace("$host", "mill.test")).unwrap();
        prop_assert!(rest.is_empty() || rest.starts_with(['/', '?', '#']), "{made}");
        prop_assert!(made.bytes().all(|byte| byte.is_ascii_alphanumeric() || OF_URI.contains(&byte)), "{made}");
    }
}
