use std::net::{IpAddr, Ipv4Addr};

use proptest::prelude::*;

use super::*;
use crate::request::Fields;

struct None;

impl Fields for None {
    fn each<'f>(&'f self, _: &str, _: &mut dyn FnMut(&'f [u8])) {}
}

/// A request of a client that wrote this authority, path and query.
fn request<'r>(authority: &'r str, uri: &'r str) -> Request<'r> {
    let (path, query) = uri.split_once('?').map_or((uri, Option::None), |(path, query)| (path, Some(query.as_bytes())));
    Request {
        method: b"GET",
        secure: false,
        host: "mill.test",
        authority: authority.as_bytes(),
        path: path.as_bytes(),
        query,
        uri: uri.as_bytes(),
        client: IpAddr::V4(Ipv4Addr::LOCALHOST),
        fields: &None,
    }
}

const DOORS: Doors = Doors { used: 80, https: Some(443) };

/// Status and location; 0 if a request goes on.
fn sent(outcome: Result<(), Stop>) -> (u16, String) {
    match outcome {
        Ok(()) => (0, String::new()),
        Err(Stop::Answered(answer)) => {
            let [("Location", location)] = &answer.fields[..] else { panic!("{answer:?}") };
            (answer.status, String::from_utf8(location.clone()).unwrap())
        }
        Err(Stop::Denied(denial)) => panic!("{denial:?}"),
    }
}

fn https(always: bool, strips_slash: bool) -> Redirects {
    Redirects { https: Some(HttpsRedirect { always, strips_slash }), ..Redirects::default() }
}

#[test]
fn requests_in_clear_text_go_to_https_if_the_host_has_tls_or_always() {
    for (always, has_tls, secure, status) in [
        (false, true, false, 308),
        (false, false, false, 0),
        (true, false, false, 308),
        (true, true, true, 0),
        (false, true, true, 0),
    ] {
        let request = Request { secure, ..request("mill.test", "/a?b") };
        let (got, to) = sent(https(always, false).https(&request, DOORS, || has_tls));
        assert_eq!(got, status, "{always} {has_tls} {secure}");
        assert_eq!(to, if status == 0 { "" } else { "https://mill.test/a?b" });
    }
    assert_eq!(sent(Redirects::default().https(&request("mill.test", "/"), DOORS, || true)).0, 0);
}

#[test]
fn proof_for_who_issues_certificates_stays_in_clear_text() {
    for (path, status) in [
        ("/.well-known/acme-challenge", 0),
        ("/.well-known/acme-challenge/token", 0),
        ("/.well-known/acme-challenges", 308),
        ("/.well-known/", 308),
    ] {
        assert_eq!(sent(https(true, false).https(&request("mill.test", path), DOORS, || true)).0, status, "{path}");
    }
}

#[test]
fn one_slash_at_the_end_is_left_out_where_the_route_says_so() {
    for (uri, strips, to) in [
        ("/", true, "https://mill.test"),
        ("/a/", true, "https://mill.test/a"),
        ("/a//", true, "https://mill.test/a/"),
        ("/a?b=/", true, "https://mill.test/a?b="),
        ("/a", true, "https://mill.test/a"),
        ("/", false, "https://mill.test/"),
        ("/a/", false, "https://mill.test/a/"),
    ] {
        assert_eq!(sent(https(true, strips).https(&request("mill.test", uri), DOORS, || true)), (308, to.to_owned()));
    }
}

#[test]
fn the_port_of_https_is_the_one_that_the_client_can_reach() {
    let form = |port| Redirects { form: Form { port, relative: false }, ..https(true, false) };
    for (authority, used, lane, named, to) in [
        ("mill.test", 80, Some(443), false, "https://mill.test/"),
        ("mill.test:80", 80, Some(443), false, "https://mill.test/"),
        ("mill.test", 80, Some(443), true, "https://mill.test:443/"),
        ("mill.test", 80, Some(8443), false, "https://mill.test:8443/"),
        ("mill.test:8080", 8080, Some(8443), false, "https://mill.test:8443/"),
        // What is in front of the lane has other ports than the lane.
        ("mill.test", 8080, Some(8443), false, "https://mill.test/"),
        ("mill.test:30080", 80, Some(8443), false, "https://mill.test/"),
        ("mill.test", 80, Option::None, false, "https://mill.test/"),
    ] {
        let doors = Doors { used, https: lane };
        assert_eq!(sent(form(named).https(&request(authority, "/"), doors, || true)).1, to, "{authority} {doors:?}");
    }
}

#[test]
fn other_names_and_pages_keep_scheme_and_port() {
    let root = HostRedirect::Root(LocalPath::parse("/app?x=1").unwrap());
    let named = HostRedirect::Root(LocalPath::with_variables("/app/$arg_t").unwrap());
    let slash = HostRedirect::Slash(LocalPath::parse("/a/").unwrap());
    let name = |strips_slash| HostRedirect::Name { host: "www.mill.test".into(), strips_slash };
    for (redirect, secure, authority, uri, status, to) in [
        (root.clone(), false, "mill.test", "/?y", 302, "http://mill.test/app?x=1"),
        (root.clone(), true, "Mill.test:8443", "/", 302, "https://Mill.test:8443/app?x=1"),
        (named.clone(), false, "mill.test:81", "/?t=%2Fevil.test", 302, "http://mill.test:81/app/%2Fevil.test"),
        (named.clone(), false, "mill.test", "/?t=//evil.test", 302, "http://mill.test/app///evil.test"),
        (slash.clone(), false, "mill.test:8080", "/a", 301, "http://mill.test:8080/a/"),
        (slash.clone(), false, "mill.test", "/a?b=c", 301, "http://mill.test/a/?b=c"),
        (name(false), false, "mill.test", "/a/?b=c", 308, "http://www.mill.test/a/?b=c"),
        (name(false), true, "mill.test:8443", "/", 308, "https://www.mill.test:8443/"),
        (name(true), false, "mill.test", "/a/", 308, "http://www.mill.test/a"),
    ] {
        let request = Request { secure, ..request(authority, uri) };
        let redirects = Redirects { host: Some(redirect), ..Redirects::default() };
        assert_eq!(sent(redirects.host(&request, DOORS)), (status, to.to_owned()), "{authority} {uri}");
    }
    let with =
        |host, relative, port| Redirects { host: Some(host), form: Form { relative, port }, ..Redirects::default() };
    assert_eq!(sent(with(slash, true, false).host(&request("mill.test", "/a?b"), DOORS)).1, "/a/?b");
    assert_eq!(sent(with(root, false, true).host(&request("mill.test", "/"), DOORS)).1, "http://mill.test:80/app?x=1");
}

#[test]
fn what_has_moved_is_there_for_every_request() {
    let moved = Moved { status: 301, to: Destination::parse("https://new.test/x").unwrap() };
    let redirects = Redirects { moved: Some(moved), ..Redirects::default() };
    assert_eq!(
        sent(redirects.moved(&request("mill.test", "/a"), Option::None)),
        (301, "https://new.test/x".to_owned())
    );
    assert!(!redirects.is_empty() && Redirects::default().moved(&request("mill.test", "/a"), Option::None).is_ok());
}

proptest! {
    /// Whatever path is asked for, a redirect leads to the host of the request or the one that is written, and nowhere else.
    #[test]
    fn no_path_leads_to_another_host(path in "/[ -~]{0,20}", strips in any::<bool>(), secure in any::<bool>()) {
        let request = Request { secure, ..request("mill.test", &path) };
        let name = HostRedirect::Name { host: "www.mill.test".into(), strips_slash: strips };
        let redirects = Redirects { host: Some(name), ..https(true, strips) };
        let (_, to) = sent(redirects.host(&request, DOORS));
        let rest = to.split_once("://").unwrap().1.strip_prefix("www.mill.test").unwrap().to_owned();
        prop_assert!(rest.is_empty() || rest.starts_with('/'));
        if !secure && !is_in_clear(path.as_bytes()) {
            let (_, to) = sent(redirects.https(&request, DOORS, || true));
            let rest = to.strip_prefix("https://mill.test").unwrap().to_owned();
            prop_assert!(rest.is_empty() || rest.starts_with('/'));
        }
    }
}
