//! Values are data: none of them is read in a language, whatever it looks like.
//!
//! As in ingress-nginx CVE-2021-25742, CVE-2022-4886, CVE-2023-5044, CVE-2024-7646, CVE-2025-1974 and CVE-2026-24512 (lines and directives of a
//! configuration), Traefik CVE-2026-29777 (backticks of a rule), Istio CVE-2026-39350 (dots of an expression), Envoy Gateway CVE-2026-22771 and
//! Skipper CVE-2026-23742 (Lua), and templates in kgateway.

use bulkhead_crds::finding::Severity;

use super::world::{World, ingress, rules, service, slice};

/// Texts that mean something in some language, as YAML writes them between double quotes.
const TEXTS: [&str; 18] = [
    "x\\n---\\nkind: Ingress",
    "x\\r\\nX-Injected: 1\\r\\n\\r\\n",
    "x;}\\nlocation / { proxy_pass http://evil.test; }\\n#",
    "/a {\\n return 200; }",
    "$(id)",
    "`id`",
    "a.test`) || Host(`evil.test",
    "\\\" ; deny none; \\\"",
    "'; os.execute('id') --",
    "return function(x) os.execute(x) end",
    "{{ .Values.secret }}",
    "${env:SECRET}",
    "%{[@metadata]}",
    "(?:.*)+$",
    ".*",
    "\\u0000",
    "\\u202e\\u2028x",
    "<!--#include file='/etc/passwd' -->",
];

/// Annotations that are read, and some that are only known.
const KEYS: [&str; 27] = [
    "app-root",
    "temporal-redirect",
    "auth-tls-secret",
    "auth-tls-verify-client",
    "auth-tls-verify-depth",
    "auth-tls-pass-certificate-to-upstream",
    "auth-tls-match-cn",
    "auth-tls-error-page",
    "ssl-ciphers",
    "ssl-prefer-server-ciphers",
    "auth-url",
    "auth-snippet",
    "auth-method",
    "auth-proxy-set-headers",
    "backend-protocol",
    "canary",
    "configuration-snippet",
    "mirror-target",
    "permanent-redirect",
    "proxy-ssl-name",
    "proxy-ssl-protocols",
    "proxy-ssl-secret",
    "proxy-ssl-server-name",
    "proxy-ssl-verify",
    "proxy-ssl-verify-depth",
    "rewrite-target",
    "use-regex",
];

/// A neighbour who had the host first, and the Services of both.
fn neighbour() -> String {
    let both = |namespace: &str| {
        service(&format!("{namespace}/flour")) + &slice(&format!("{namespace}/s"), "flour", &["10.1.0.1"])
    };
    ingress("farm/b", 1, &rules(&["a.test /b Prefix flour:80", "b.test / Prefix flour:80"]))
        + &both("mill")
        + &both("farm")
}

/// The neighbour is served as ever, and what is said is in words that no terminal, log or status takes for more.
fn nothing_else_happened(world: &World, text: &str) -> Vec<String> {
    let served = ["a.test /b Prefix farm/b farm/flour:80 1", "b.test / Prefix farm/b farm/flour:80 1"];
    let (neighbours, own): (Vec<_>, Vec<_>) = world.routes().into_iter().partition(|route| route.contains("farm/b"));
    assert_eq!(neighbours, served, "{text}");
    for finding in &world.findings {
        let said = [&finding.message, &finding.field, &finding.object.name];
        assert!(said.iter().all(|said| !said.contains(char::is_control)), "{text}: {said:?}");
    }
    own
}

#[test]
fn an_annotation_is_obeyed_or_closes_its_own_routes_whatever_is_in_it() {
    for key in KEYS {
        for text in TEXTS {
            let own = ingress("mill/a", 2, &rules(&["a.test / Prefix flour:80"]));
            let list = format!("metadata: {{annotations: {{\"nginx.ingress.kubernetes.io/{key}\": \"{text}\"}}, ");
            let world = World::new(&(own.replacen("metadata: {", &list, 1) + &neighbour()));
            let own = nothing_else_happened(&world, text);
            let open = own == ["a.test / Prefix mill/a mill/flour:80 1"];
            let closed = own == ["a.test / Prefix mill/a none 503"] || (key == "canary" && own.is_empty());
            assert!(open || closed, "{key}: {text}: {own:?}");
            assert!(!world.findings.is_empty(), "{key}: {text}: is said");
            let error = world.findings.iter().any(|finding| finding.severity == Severity::Error);
            assert!(!closed || error || key == "canary", "{key}: {text}: {:?}", world.findings);
        }
    }
}

#[test]
fn variables_without_end_are_refused_in_few_words() {
    let nested = format!("/{}host{}", "${".repeat(400), "}".repeat(400));
    let few = format!("/{}", "$http_x".repeat(33));
    for endless in ["/$host".repeat(175_000), nested, few] {
        for (key, more, is_closed) in [
            ("app-root", "", false),
            ("auth-signin", "nginx.ingress.kubernetes.io/auth-url: 'http://auth.test/', ", true),
            ("rewrite-target", "", true),
            ("x-forwarded-prefix", "nginx.ingress.kubernetes.io/rewrite-target: /x, ", false),
        ] {
            let own = ingress("mill/a", 2, &rules(&["a.test / Prefix flour:80"]));
            let list =
                format!("metadata: {{annotations: {{{more}\"nginx.ingress.kubernetes.io/{key}\": '{endless}'}}, ");
            let world = World::new(&(own.replacen("metadata: {", &list, 1) + &neighbour()));
            let own = nothing_else_happened(&world, key);
            assert_eq!(own == ["a.test / Prefix mill/a none 503"], is_closed, "{key}: {own:?}");
            let said = world.findings.iter().filter(|finding| finding.field.ends_with(key));
            let lengths: Vec<usize> = said.map(|finding| finding.message.len()).collect();
            assert!(
                lengths.iter().any(|length| *length > 0) && lengths.iter().all(|length| *length < 1500),
                "{key}: {lengths:?}"
            );
        }
    }
}

#[test]
fn a_path_is_matched_by_its_letters_or_refused() {
    for text in TEXTS {
        let own = ingress("mill/a", 2, &rules(&["a.test @ Prefix flour:80"])).replace('@', &format!("/{text}"));
        let world = World::new(&(own + &neighbour()));
        nothing_else_happened(&world, text);
        let snapshot = world.snapshot();
        for path in ["/", "/x", "/id", "/evil.test", "/aaaa"] {
            assert!(snapshot.hosts.find(b"a.test", path.as_bytes()).is_none(), "{text} matches {path}");
        }
    }
}

#[test]
fn a_host_is_a_name_or_refused() {
    for text in TEXTS {
        let own = ingress("mill/a", 2, &rules(&["@ / Prefix flour:80"])).replace('@', text);
        let world = World::new(&(own + &neighbour()));
        assert_eq!(nothing_else_happened(&world, text), [""; 0], "{text}");
        assert_eq!(world.codes(), ["BadHost Ingress mill/a spec.rules[0].host"], "{text}");
    }
    // A dot is a dot.
    let own = ingress("mill/a", 2, &rules(&["w.x.test / Prefix flour:80"]));
    let world = World::new(&(own + &neighbour()));
    assert!(world.snapshot().hosts.find(b"wax.test", b"/").is_none());
}

#[test]
fn names_of_services_and_secrets_are_looked_up_and_nothing_else() {
    for text in TEXTS {
        let backend = format!(
            "defaultBackend: {{service: {{name: \"{text}\", port: {{name: \"{text}\"}}}}}}\ntls: [{{secretName: \"{text}\"}}]"
        );
        let world = World::new(&(ingress("mill/a", 2, &backend) + &neighbour()));
        assert_eq!(nothing_else_happened(&world, text), ["*  Default mill/a none 503"], "{text}");
        assert_eq!(world.certificates(), Vec::<String>::new());
    }
}
