use std::sync::Arc;

use bulkhead_model::{Action, Denial, ExternalAuth};
use rustls::RootCertStore;

use super::world::{World, ingress, rules, service, slice};
use crate::{Kind, Options, PlatformRoots};

fn asking(annotations: &[(&str, &str)], host: &str) -> String {
    let each: Vec<String> =
        annotations.iter().map(|(name, value)| format!("nginx.ingress.kubernetes.io/{name}: '{value}'")).collect();
    let manifest = ingress("mill/a", 1, &rules(&[&format!("{host} / Prefix flour:80")]));
    let manifest = manifest.replacen("metadata: {", &format!("metadata: {{annotations: {{{}}}, ", each.join(", ")), 1);
    manifest + &service("mill/flour") + &slice("mill/s", "flour", &["10.1.0.1"])
}

fn external(world: &World) -> Option<ExternalAuth> {
    let snapshot = world.snapshot();
    let route = snapshot.hosts.iter().next().unwrap();
    assert!(matches!(route.action, Action::Forward(_)), "{:?}", route.action);
    route.filters.as_ref()?.authentication.as_ref()?.external.clone()
}

fn is_closed(world: &World) -> bool {
    matches!(world.snapshot().hosts.iter().next().unwrap().action, Action::Deny(Denial::PolicyNotServed))
}

#[test]
fn a_service_is_known_by_its_name_and_asked_where_that_is() {
    let mut world = World::new(&asking(&[("auth-url", "http://auth.test:81/verify")], "a.test"));
    assert_eq!(world.compiler.names().into_iter().collect::<Vec<_>>(), ["auth.test".into()]);
    let endpoints = |world: &World| {
        let list = external(world).unwrap().service.backend.endpoints();
        list.list.iter().map(|endpoint| endpoint.address.to_string()).collect::<Vec<_>>()
    };
    assert_eq!((endpoints(&world), world.codes()), (vec![], vec![]));
    world.compiler.set_addresses("auth.test", ["192.0.2.9".parse().unwrap(), "127.0.0.1".parse().unwrap()]);
    assert!(world.compile().snapshot.is_none());
    assert_eq!(endpoints(&world), ["192.0.2.9:81"]);
    assert_eq!(world.codes(), ["EndpointRefused Ingress mill/a"]);
    world.delete(Kind::Ingress, "mill/a").compile();
    assert!(world.compiler.names().is_empty() && world.codes().is_empty());
}

#[test]
fn two_ingresses_that_ask_one_service_share_it_and_both_hear_of_its_name() {
    let first = asking(&[("auth-url", "http://auth.test/")], "a.test");
    let second =
        first.replace("name: a}", "name: b}").replace("name: a,", "name: b,").replace("path: \"/\"", "path: \"/b\"");
    let mut world = World::new(&first);
    world.compiler.set_addresses("auth.test", []);
    world.compile();
    world.apply(&second).compile();
    assert_eq!(world.codes(), ["NameNotResolved Ingress mill/a", "NameNotResolved Ingress mill/b"]);
    world.compiler.set_addresses("auth.test", ["192.0.2.9".parse().unwrap()]);
    world.compile();
    assert_eq!((world.codes(), world.compiler.counts().endpoints), (vec![], 2));
}

/// What backends take for the gateway's own words, as clients and services may write it.
const OWN_WORDS: [&str; 15] = [
    "ssl-client-verify",
    "SSL_Client_Cert",
    "X-Original-URL",
    "X-Rewrite-URL",
    "x_forwarded_for",
    "X-Forwarded-Prefix",
    "x-real_ip",
    "True-Client-IP",
    "Expect",
    "Proxy-Connection",
    "Content-Encoding",
    "Range",
    "TE",
    "Via",
    "Content_Length",
];

#[test]
fn a_service_that_cannot_be_asked_closes_the_route() {
    let platform = Some(PlatformRoots(Arc::new(RootCertStore::empty())));
    let https = asking(&[("auth-url", "https://$host/verify")], "a.test");
    assert!(is_closed(&World::new(&https)), "nobody could say who answers");
    let world = World::with(Options { platform, ..Options::default() }, &https);
    let asked = external(&world).unwrap().service.backend;
    assert!(asked.tls.as_ref().is_some_and(|tls| tls.asks_for_name) && &*asked.name == "a.test:443", "{asked:?}");
    assert!(is_closed(&World::new(&asking(&[("auth-url", "http://$host/verify")], "*.test"))));
    for url in [
        "auth.test",
        "http://auth.test/$nothing",
        "http://auth.test/a/../$host",
        "http://$http_x/",
        "ftp://a/",
        "http://a.$host/",
    ] {
        assert!(is_closed(&World::new(&asking(&[("auth-url", url)], "a.test"))), "{url}");
    }
    let with = |name, value| World::new(&asking(&[("auth-url", "http://auth.test/"), (name, value)], "a.test"));
    for (name, value) in [
        ("auth-method", "TRACE"),
        ("auth-response-headers", "X-A, Host"),
        ("auth-response-headers", "X-Forwarded-For"),
        ("auth-response-headers", "X A"),
        ("auth-signin", "javascript:alert(1)"),
        ("auth-signin", "https://a.test/$nothing"),
        ("auth-signin", "https://a.test$arg_x"),
        ("auth-signin", "https://$http_x/start"),
        ("auth-signin", "//evil.test/start"),
        ("auth-signin-redirect-param", "a&b"),
        ("auth-request-redirect", "$nothing"),
        ("auth-cache-key", "$nothing"),
    ] {
        assert!(is_closed(&with(name, value)), "{name}: {value}");
    }
    for own in OWN_WORDS {
        assert!(is_closed(&with("auth-response-headers", own)), "{own}");
    }
    for free in ["Authorization", "Set-Cookie", "X-Auth-Request-User", "X-Forwarded-User", "Remote-User", "X_User"] {
        assert!(!is_closed(&with("auth-response-headers", free)), "{free}");
    }
    assert!(!is_closed(&with("auth-cache-duration", "soon")), "to ask too often is no danger");
}

#[test]
fn who_signs_in_is_told_where_from_unless_the_page_says_it() {
    let origin = |page: &str, parameter: &str| {
        let annotations =
            [("auth-url", "http://auth.test/"), ("auth-signin", page), ("auth-signin-redirect-param", parameter)];
        let sign_in = external(&World::new(&asking(&annotations, "a.test"))).unwrap().sign_in.unwrap();
        sign_in.origin.map(|origin| format!("{origin:?}").contains("&"))
    };
    assert_eq!(origin("https://$host/start", ""), Some(false));
    assert_eq!(origin("/oauth2/start", ""), Some(false));
    assert_eq!(origin("$scheme://$host/start?a=b", "back"), Some(true));
    assert_eq!(origin("https://$host/start?rd=$escaped_request_uri", ""), None);
    assert_eq!(origin("https://$host/start?back=/", "back"), None);
}

#[test]
fn answers_are_kept_as_long_as_it_is_said() {
    let memory = |duration: &str| {
        let annotations =
            [("auth-url", "http://auth.test/"), ("auth-cache-key", "$cookie_s"), ("auth-cache-duration", duration)];
        let memory = external(&World::new(&asking(&annotations, "a.test"))).unwrap().memory;
        memory.map(|memory| [200, 401, 403].map(|status| memory.lifetime(status).map(|time| time.as_secs())))
    };
    assert_eq!(memory(""), Some([Some(300), Some(300), None]));
    assert_eq!(memory("200 10m, 401 403 30s"), Some([Some(600), Some(30), Some(30)]));
    assert_eq!(memory("200 99d"), Some([Some(86_400), None, None]));
    assert_eq!(memory("200 1y"), None);
}

#[test]
fn what_was_said_on_one_question_is_not_known_of_another() {
    let asked = |more: &[(&str, &str)], level: &str| {
        let url = ("auth-url", "http://auth.test/lax");
        let before = [("auth-cache-key", "$cookie_s"), ("auth-proxy-set-headers", "told")];
        let before = before.into_iter().chain((!more.iter().any(|(name, _)| *name == "auth-url")).then_some(url));
        let annotations: Vec<_> = before.chain(more.iter().copied()).collect();
        let told =
            format!("\n---\nkind: ConfigMap\nmetadata: {{namespace: mill, name: told}}\ndata: {{X-Level: {level}}}\n");
        external(&World::new(&(asking(&annotations, "a.test") + &told))).unwrap().asked
    };
    let first = asked(&[], "low");
    assert_eq!(first, asked(&[("auth-signin", "https://a.test/in")], "low"));
    let others = [
        asked(&[], "high"),
        asked(&[("auth-url", "http://auth.test/strict")], "low"),
        asked(&[("auth-url", "http://AUTH.test:81/lax?a")], "low"),
        asked(&[("auth-method", "HEAD")], "low"),
        asked(&[("auth-response-headers", "X-User")], "low"),
        asked(&[("auth-request-redirect", "/back")], "low"),
        asked(&[("auth-cache-duration", "200 1m")], "low"),
    ];
    for (nth, other) in others.iter().enumerate() {
        assert!(*other != first && !others[nth + 1..].contains(other), "{nth}");
    }
}
