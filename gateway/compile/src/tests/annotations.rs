use bulkhead_crds::finding::Severity;

use crate::annotation;

use super::world::{World, ingress, rules, service, slice};

fn world(annotation: &str) -> World {
    let manifest = ingress("mill/a", 1, &rules(&["a.test / Prefix flour:80"]));
    let manifest = manifest.replace("name: a,", &format!("name: a, annotations: {{{annotation}}},"));
    World::new(&(manifest + &service("mill/flour") + &slice("mill/s", "flour", &["10.1.0.1"])))
}

/// What one annotation does to an Ingress: its value, and whether its routes answer 503.
fn judge(annotation: &str) -> bool {
    let world = world(annotation);
    let key = annotation.split(':').next().unwrap();
    let denied = world.routes() == ["a.test / Prefix mill/a none 503"];
    if !denied {
        assert_eq!(world.routes(), ["a.test / Prefix mill/a mill/flour:80 1"], "{annotation}");
    }
    let (code, severity) =
        if denied { ("PolicyNotServed", Severity::Error) } else { ("AnnotationNotServed", Severity::Warning) };
    assert_eq!(world.codes(), [format!("{code} Ingress mill/a {key}")]);
    assert_eq!(world.findings[0].severity, severity);
    denied
}

/// As in Traefik CVE-2026-54762, where a route whose protection could not be had was published without it.
#[test]
fn a_protection_that_is_not_offered_answers_503() {
    for annotation in [
        "global-rate-limit: '5'",
        "global-rate-limit-window: 1m",
        "enable-modsecurity: 'true'",
        "enable-owasp-core-rules: 'true'",
        "modsecurity-snippet: SecRuleEngine On",
        "configuration-snippet: deny all;",
        "server-snippet: deny all;",
        "auth-snippet: x",
        "stream-snippet: x",
        "server-snippet: \"# a comment\\ndeny all;\"",
        "ssl-passthrough: 'true'",
        "never-heard-of: x",
    ] {
        assert!(judge(&format!("nginx.ingress.kubernetes.io/{annotation}")), "{annotation}");
    }
}

#[test]
fn a_harmless_annotation_is_named_and_the_route_served() {
    for annotation in ["enable-rewrite-log: 'true'", "hsts: 'true'", "hsts-max-age: '60'", "proxy-ssl-ciphers: DEFAULT"]
    {
        assert!(!judge(&format!("nginx.ingress.kubernetes.io/{annotation}")), "{annotation}");
    }
}

#[test]
fn the_remedy_of_a_snippet_says_what_replaces_each_directive_in_it_and_nothing_else_of_it() {
    let remedy = |annotation: &str| {
        let world = world(&format!("nginx.ingress.kubernetes.io/{annotation}"));
        assert_eq!(world.routes(), ["a.test / Prefix mill/a none 503"], "{annotation}");
        world.findings[0].remedy.clone()
    };
    for name in ["configuration-snippet", "server-snippet", "auth-snippet", "stream-snippet"] {
        let told = remedy(&format!("{name}: 'gzip on; add_header X-Secret hunter2;'"));
        assert!(told.starts_with("add_header: List the fields") && told.contains(" gzip: Compress"), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
        let hostile = remedy(&format!("{name}: \"\\u001b[2J \\u202e; {}\"", "directive_x y; ".repeat(9000)));
        assert!(hostile.chars().count() <= 1024 && !hostile.contains(|c: char| !c.is_ascii()), "{hostile}");
    }
    for (annotation, expected) in [
        ("configuration-snippet: '; # nothing'", "Write what the snippet does as annotations"),
        ("modsecurity-snippet: 'SecRuleEngine On'", "Put a web application firewall"),
        ("enable-modsecurity: 'true'", "Put a web application firewall"),
    ] {
        assert!(remedy(annotation).starts_with(expected), "{annotation}");
    }
}

#[test]
fn a_switch_that_is_off_is_nothing_to_speak_of() {
    for annotation in [
        "enable-modsecurity: 'false'",
        "enable-modsecurity: ' False '",
        "enable-owasp-core-rules: 'false'",
        "enable-opentelemetry: 'false'",
        "enable-opentracing: '0'",
        "enable-rewrite-log: 'false'",
        "opentelemetry-trust-incoming-span: 'false'",
        "ssl-passthrough: 'false'",
        // Charts write such lines where nobody has set anything.
        "auth-snippet: ''",
        "configuration-snippet: ''",
        "configuration-snippet: ' '",
        "configuration-snippet: \"# deny all;\\n\\n  # gzip on;\\n\"",
        "enable-modsecurity: ''",
        "enable-owasp-core-rules: ''",
        "modsecurity-snippet: ''",
        "modsecurity-snippet: '# SecRuleEngine On'",
        "modsecurity-transaction-id: ''",
        "never-heard-of: ''",
        "server-snippet: \"\\n\"",
        "ssl-passthrough: ''",
        "stream-snippet: ''",
    ] {
        let world = world(&format!("nginx.ingress.kubernetes.io/{annotation}"));
        assert_eq!(world.codes(), [""; 0], "{annotation}");
        assert_eq!(world.routes(), ["a.test / Prefix mill/a mill/flour:80 1"], "{annotation}");
    }
}

#[test]
fn annotations_of_other_controllers_are_judged_by_their_words() {
    for (annotation, denied) in [
        ("traefik.ingress.kubernetes.io/router.middlewares: mill-auth@kubernetescrd", true),
        ("traefik.ingress.kubernetes.io/router.priority: '5'", false),
        ("traefik.ingress.kubernetes.io/router.tls.options: mill-mtls@kubernetescrd", true),
        ("haproxy.org/allow-list: 10.0.0.0/8", true),
        ("haproxy.org/auth-type: basic-auth", true),
        ("haproxy.org/rate-limit-requests: '5'", true),
        ("haproxy.org/cors-allow-origin: '*'", false),
        ("haproxy.org/load-balance: leastconn", false),
        ("haproxy-ingress.github.io/denylist-source-range: 10.0.0.0/8", true),
        ("haproxy-ingress.github.io/waf: modsecurity", true),
        ("haproxy-ingress.github.io/timeout-client: 5s", false),
        ("ingress.kubernetes.io/whitelist-source-range: 10.0.0.0/8", true),
        ("ingress.kubernetes.io/ssl-redirect: 'true'", false),
        ("nginx.org/basic-auth-secret: x", true),
        ("nginx.org/policies: x", true),
        ("nginx.org/server-snippets: deny all;", true),
        ("nginx.org/proxy-read-timeout: 5s", false),
        ("nginx.com/jwt-key: x", true),
        ("nginx.com/sticky-cookie-services: x", false),
        ("projectcontour.io/auth-context: x", true),
        ("projectcontour.io/num-retries: '2'", false),
        ("konghq.com/plugins: key-auth", true),
        ("konghq.com/strip-path: 'true'", false),
        ("alb.ingress.kubernetes.io/auth-type: oidc", false),
        ("alb.ingress.kubernetes.io/scheme: internal", false),
    ] {
        assert_eq!(judge(annotation), denied, "{annotation}");
    }
}

#[test]
fn paths_that_are_meant_as_regular_expressions_are_not_taken_literally() {
    for (path, kind, value, served) in [
        ("/a(b|c)", "ImplementationSpecific", "true", "Expression"),
        ("/a.*", "Prefix", "true", "Expression"),
        ("/a$", "ImplementationSpecific", "true", "Expression"),
        ("/a", "ImplementationSpecific", "true", "Expression"),
        ("/v1.0", "Prefix", "true", "Prefix"),
        ("/a*", "Exact", "true", "Exact"),
        ("/a*", "Prefix", "false", "Prefix"),
    ] {
        let manifest = ingress("mill/a", 1, &rules(&[&format!("a.test {path} {kind} flour:80")]));
        let annotation = format!("nginx.ingress.kubernetes.io/use-regex: '{value}'");
        let manifest = manifest.replace("name: a,", &format!("name: a, annotations: {{{annotation}}},"));
        let world = World::new(&(manifest + &service("mill/flour")));
        assert_eq!(
            world.routes(),
            [format!("a.test {path} {served} mill/a mill/flour:80 503")],
            "{path} {kind} {value}"
        );
    }
}

#[test]
fn annotations_of_others_are_theirs() {
    assert_eq!(world("example.test/auth-type: basic").codes(), [""; 0]);
}

#[test]
fn a_canary_never_takes_the_traffic_of_the_ingress_it_shadows() {
    let world = world("nginx.ingress.kubernetes.io/canary: 'true', nginx.ingress.kubernetes.io/canary-weight: '5'");
    assert_eq!(world.routes(), [""; 0]);
    assert_eq!(world.codes()[0], "CanaryNotServed Ingress mill/a spec.rules[0].http.paths[0].backend");
}

#[test]
fn every_annotation_of_ingress_nginx_has_one_row() {
    let mut names: Vec<&str> = annotation::rows().map(|row| row.name).collect();
    names.extend(annotation::rows().filter_map(|row| row.alias));
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!((names.len(), count), (138, 138), "136 annotations, two of which have a second name");
    assert!(annotation::row("whitelist-source-range").is_some_and(|row| row.name == "allowlist-source-range"));
}

#[test]
fn what_cannot_be_read_is_named_and_protects_by_refusing() {
    for (annotation, denied) in [
        ("allowlist-source-range: 10.0.0.0/33", true),
        ("whitelist-source-range: example.test", true),
        ("denylist-source-range: 10.0.0", true),
        ("allowlist-source-range: ''", false),
        ("server-alias: '~^a.*'", false),
        ("server-alias: 'a b'", false),
        ("from-to-www-redirect: 'on'", false),
        ("permanent-redirect: /x", true),
        ("permanent-redirect: 'https://b.test$nobody'", true),
        ("permanent-redirect: 'https://b.test/$nobody'", true),
        ("permanent-redirect: 'https://$arg_to/'", true),
        ("temporal-redirect: 'javascript://a.test'", true),
        ("force-ssl-redirect: 'yes'", true),
        ("ssl-redirect: 'yes'", false),
        ("app-root: //evil.test", false),
        ("app-root: 'https://evil.test/'", false),
        ("preserve-trailing-slash: 'on'", false),
        ("proxy-body-size: 1 MB", false),
        ("proxy-read-timeout: 60s", false),
        ("proxy-next-upstream-tries: '-1'", false),
        ("load-balance: fastest", false),
    ] {
        let key = format!("nginx.ingress.kubernetes.io/{}", annotation.split(':').next().unwrap());
        let world = world(&format!("nginx.ingress.kubernetes.io/{annotation}"));
        let (code, route) = if denied {
            ("ProtectionUnreadable", "a.test / Prefix mill/a none 503")
        } else {
            ("AnnotationUnreadable", "a.test / Prefix mill/a mill/flour:80 1")
        };
        assert_eq!(world.codes(), [format!("{code} Ingress mill/a {key}")], "{annotation}");
        assert_eq!(world.routes(), [route], "{annotation}");
    }
}

#[test]
fn a_misspelt_annotation_names_the_one_that_was_meant() {
    for (name, meant) in [
        ("rewrite-targett", "Did you mean \"rewrite-target\"?"),
        ("whitelist-source-rang", "Did you mean \"whitelist-source-range\"?"),
        ("never-heard-of", "answers 503."),
    ] {
        let world = world(&format!("nginx.ingress.kubernetes.io/{name}: x"));
        assert!(world.findings[0].message.ends_with(meant), "{}", world.findings[0].message);
    }
}

#[test]
fn of_two_lists_of_who_may_ask_the_newer_name_counts_and_the_other_is_told() {
    const NEW: &str = "nginx.ingress.kubernetes.io/allowlist-source-range";
    const OLD: &str = "nginx.ingress.kubernetes.io/whitelist-source-range";
    let told = |code: &str, key: &str| vec![format!("{code} Ingress mill/a {key}")];
    for (new, old, allowed, codes) in [
        ("0.0.0.0/0", "10.0.0.0/8", Some(&[0][..]), told("AnnotationNotServed", OLD)),
        ("10.0.0.0/8, 192.0.2.1", "192.0.2.1,10.0.0.0/8", Some(&[8, 32]), vec![]),
        ("", "10.0.0.0/8", Some(&[8]), vec![]),
        ("10.0.0.0/8", "", Some(&[8]), vec![]),
        ("", "", None, [told("AnnotationUnreadable", NEW), told("AnnotationUnreadable", OLD)].concat()),
        ("10.0.0.0/8", "office", Some(&[]), told("ProtectionUnreadable", OLD)),
        ("office", "10.0.0.0/8", Some(&[]), told("ProtectionUnreadable", NEW)),
    ] {
        let world = world(&format!("{NEW}: '{new}', {OLD}: '{old}'"));
        assert_eq!(world.codes(), codes, "{new} {old}");
        let is_refused = world.routes() == ["a.test / Prefix mill/a none 503"];
        assert_eq!(is_refused, allowed == Some(&[]), "{new} {old}");
        if !is_refused {
            let filters = world.all_filters().remove(0);
            let allow = filters.and_then(|filters| filters.access.clone()).and_then(|access| access.allow);
            let allow = allow.map(|all| all.iter().map(|network| network.prefix).collect::<Vec<_>>());
            assert_eq!(allow.as_deref(), allowed, "{new} {old}");
        }
    }
}
