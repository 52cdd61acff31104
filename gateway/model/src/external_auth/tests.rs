use std::net::{IpAddr, Ipv4Addr};

use super::*;
use crate::request::Fields;

#[test]
fn nothing_but_a_clear_yes_lets_anybody_in() {
    for status in 100..=599 {
        let word = match status {
            200..=299 => Word::Yes,
            401 | 403 => Word::No,
            _ => Word::Unclear,
        };
        assert_eq!(Word::of(status), word, "{status}");
    }
    assert_eq!(Word::of(0), Word::Unclear);
}

/// Every field has this value.
struct Says(&'static [u8]);

impl Fields for Says {
    fn each<'f>(&'f self, _: &str, with: &mut dyn FnMut(&'f [u8])) {
        with(self.0);
    }
}

fn location(page: &str, says: &'static [u8]) -> Result<String, Denial> {
    let page = Page::parse(page).unwrap();
    let origin = Some(Template::parse("?rd=$scheme://$http_host$escaped_request_uri").unwrap());
    let location = SignIn { page, origin }.location(&Request {
        method: b"GET",
        secure: true,
        host: "mill.test",
        authority: b"mill.test:8443",
        path: b"/a",
        query: Some(b"x=.evil.test&y=//evil.test"),
        uri: b"/a?x=.evil.test&y=//evil.test",
        client: IpAddr::V4(Ipv4Addr::LOCALHOST),
        fields: &Says(says),
    });
    location.map(|location| String::from_utf8(location).unwrap())
}

#[test]
fn a_client_is_sent_to_the_authors_page_and_no_other() {
    const BACK: &str = "?rd=https://mill.test:8443%2Fa%3Fx%3D.evil.test%26y%3D%2F%2Fevil.test";
    for (page, to) in [
        ("https://auth.test/start", "https://auth.test/start"),
        ("https://$host/start", "https://mill.test/start"),
        ("https://$http_host/start", "https://mill.test:8443/start"),
        ("$scheme://$best_http_host/start", "https://mill.test:8443/start"),
        ("https://auth.$host/start", "https://auth.mill.test/start"),
        ("https://auth.test/start/$arg_x", "https://auth.test/start/.evil.test"),
        ("https://auth.test$uri", "https://auth.test/a"),
        ("/oauth2/start", "/oauth2/start"),
        ("/$arg_y", "/evil.test"),
        ("/start/$http_a", "/start/%5C%0D%0Ab"),
    ] {
        assert_eq!(location(page, b"\\\r\nb"), Ok(format!("{to}{BACK}")), "{page}");
    }
}

#[test]
fn a_page_whose_host_a_client_could_choose_is_none() {
    for page in [
        "https://auth.test$arg_x",
        "https://auth.test$args",
        "https://auth.test$http_x",
        "https://auth.test.$arg_x/start",
        "https://$arg_x/start",
        "https://$cookie_home/start",
        "https://$http_x_forwarded_host/start",
        "https://$host$arg_x/start",
        "https://$host.$arg_x/start",
        "https://auth.test:$server_port/start",
        "https://auth.test@$arg_x/start",
        "$arg_x://auth.test/start",
        "$arg_x",
        "//$arg_x/start",
        "//evil.test/start",
        "javascript:alert(1)",
        "https://auth.test/$1",
        "https://auth.test/$nobody",
    ] {
        assert!(Page::parse(page).is_err(), "{page}");
    }
    let endless = "$host".repeat(200_000);
    for page in [format!("https://auth.test/{endless}"), format!("/{endless}"), "https://${${host}}/".to_owned()] {
        assert!(Page::parse(&page).is_err());
    }
}

#[test]
fn who_sends_more_than_a_location_takes_is_sent_nowhere() {
    static LONG: [u8; MAX_LOCATION_BYTES] = [b'a'; MAX_LOCATION_BYTES];
    assert_eq!(location("https://auth.test/$http_a", &LONG), Err(Denial::BadRewrite));
    assert_eq!(location("/$http_a", &LONG), Err(Denial::BadRewrite));
    assert_eq!(location("https://auth.test/$http_a", &LONG[20..]), Err(Denial::BadRewrite), "with the way back");
}
