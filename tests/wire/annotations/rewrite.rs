//! Paths as regular expressions, rewrites, and as whom a Service is asked.

use bulkhead_crds::lane::Profile;

use super::case::{Case, Exchange, Saw};

const NGINX: &[Profile] = &[Profile::IngressNginx];
const STANDARD: &[Profile] = &[Profile::Standard];

/// `line` is answered by the Service, which saw `seen`.
const fn served(line: &'static [&'static str], seen: &'static [&'static str]) -> Exchange {
    Exchange { sends: line, saw: Saw::Main(seen), ..Exchange::PLAIN }
}

/// `line` is answered with `status`, and no backend saw it.
const fn refused(line: &'static [&'static str], status: &'static [&'static str]) -> Exchange {
    Exchange { sends: line, gets: status, saw: Saw::Nothing, ..Exchange::PLAIN }
}

/// Another Ingress for the case's host, with a plain path.
const BESIDE: &str = r#"{"apiVersion":"networking.k8s.io/v1","kind":"Ingress","metadata":{"name":"{case}-beside","namespace":"shop"},"spec":{"ingressClassName":"{class}","rules":[{"host":"{host}","http":{"paths":[{"path":"/beside","pathType":"Prefix","backend":{"service":{"name":"{case}-main","port":{"number":80}}}}]}}]}}
"#;

/// Another Ingress for the case's host, with a path for everything.
const OPEN: &str = r#"{"apiVersion":"networking.k8s.io/v1","kind":"Ingress","metadata":{"name":"{case}-open","namespace":"shop"},"spec":{"ingressClassName":"{class}","rules":[{"host":"{host}","http":{"paths":[{"path":"/","pathType":"Prefix","backend":{"service":{"name":"{case}-main","port":{"number":80}}}}]}}]}}
"#;

/// A field as long as many heads may be; its value takes three times the room in a path.
const LONG: &str = match str::from_utf8(&LONG_BYTES) {
    Ok(text) => text,
    Err(_) => "",
};
const LONG_BYTES: [u8; 12 << 10] = {
    let mut bytes = [b'"'; 12 << 10];
    (bytes[0], bytes[1], bytes[2]) = (b'X', b':', b' ');
    bytes
};

pub(super) const CASES: &[Case] = &[
    Case {
        what: "what a refused rewrite was to protect is not left to a wider path",
        annotations: &[("rewrite-target", "/$nobody/$2")],
        paths: &[("/admin(/|$)(.*)", "ImplementationSpecific")],
        more: OPEN,
        exchanges: &[
            refused(&["GET /admin"], &["503"]),
            refused(&["GET /ADMIN/users"], &["503"]),
            served(&["GET /other"], &["GET /other "]),
        ],
        ..Case::PLAIN
    },
    Case {
        what: "empty annotations ask for nothing",
        annotations: &[("configuration-snippet", ""), ("enable-modsecurity", ""), ("server-snippet", "# deny all;")],
        exchanges: &[Exchange::PLAIN],
        ..Case::PLAIN
    },
    Case {
        proves: &["use-regex"],
        what: "paths are expressions, in any case, from the beginning, to no end",
        annotations: &[("use-regex", "true")],
        paths: &[("/v[0-9]+/(a|b)", "ImplementationSpecific"), ("/end$", "ImplementationSpecific")],
        more: BESIDE,
        exchanges: &[
            served(&["GET /v12/a/x?y=z"], &["GET /v12/a/x?y=z "]),
            served(&["GET /V1/Boat"], &["GET /V1/Boat "]),
            refused(&["GET /x/v1/a"], &["404"]),
            refused(&["GET /v1/c"], &["404"]),
            served(&["GET /end"], &["GET /end "]),
            refused(&["GET /end/"], &["404"]),
            served(&["GET /beside/x"], &["GET /beside/x "]),
        ],
        ..Case::PLAIN
    },
    Case {
        what: "every alternative begins where the path does",
        annotations: &[("use-regex", "true")],
        paths: &[("/v1/first|/second", "ImplementationSpecific")],
        more: BESIDE,
        exchanges: &[
            served(&["GET /second/x"], &["GET /second/x "]),
            served(&["GET /v1/first"], &["GET /v1/first "]),
            refused(&["GET /x/second"], &["404"]),
            refused(&["GET /x/v1/first"], &["404"]),
        ],
        ..Case::PLAIN
    },
    Case {
        what: "an expression makes all paths of its host some",
        profiles: NGINX,
        annotations: &[("use-regex", "true")],
        paths: &[("/v[0-9]+", "ImplementationSpecific"), ("/exact", "Exact")],
        more: BESIDE,
        exchanges: &[
            served(&["GET /besides"], &["GET /besides "]),
            served(&["GET /BESIDE"], &["GET /BESIDE "]),
            served(&["GET /exactly"], &["GET /exactly "]),
        ],
        ..Case::PLAIN
    },
    Case {
        what: "an expression leaves the other paths of its host as they are",
        profiles: STANDARD,
        annotations: &[("use-regex", "true")],
        paths: &[("/v[0-9]+", "ImplementationSpecific"), ("/exact", "Exact")],
        more: BESIDE,
        exchanges: &[
            refused(&["GET /besides"], &["404"]),
            refused(&["GET /BESIDE"], &["404"]),
            refused(&["GET /exactly"], &["404"]),
            served(&["GET /exact"], &["GET /exact "]),
        ],
        ..Case::PLAIN
    },
    Case {
        what: "an expression that would have to remember too much is not left to a wider path",
        annotations: &[("use-regex", "true")],
        paths: &[("/admin/(a|b)*a(a|b){24}", "ImplementationSpecific"), ("/", "Prefix")],
        exchanges: &[
            refused(&["GET /admin/users"], &["503"]),
            refused(&["GET /Admin/"], &["503"]),
            served(&["GET /other"], &["GET /other "]),
        ],
        ..Case::PLAIN
    },
    Case {
        what: "an expression that cannot be matched is not left to a wider path",
        annotations: &[("use-regex", "true")],
        paths: &[("/admin/(?!public)(.*)", "ImplementationSpecific"), ("/", "Prefix")],
        exchanges: &[refused(&["GET /admin/users"], &["503"]), served(&["GET /other"], &["GET /other "])],
        ..Case::PLAIN
    },
    Case {
        proves: &["rewrite-target"],
        what: "groups of the path stand in the target, and the query stays",
        annotations: &[("rewrite-target", "/$2")],
        paths: &[("/shop(/|$)(.*)", "ImplementationSpecific")],
        exchanges: &[
            served(&["GET /shop/a/b?c=d"], &["GET /a/b?c=d "]),
            served(&["GET /shop"], &["GET / "]),
            served(&["GET /SHOP/x"], &["GET /x "]),
            served(&["GET /shop/a%20b"], &["GET /a%20b "]),
            refused(&["GET /shopping"], &["404"]),
            refused(&["GET /shop///evil.test"], &["400"]),
        ],
        ..Case::PLAIN
    },
    Case {
        what: "without groups the whole path becomes the target",
        annotations: &[("rewrite-target", "/base")],
        paths: &[("/shop", "Prefix")],
        exchanges: &[served(&["GET /shop"], &["GET /base "]), served(&["GET /shop/a/b?c"], &["GET /base?c "])],
        ..Case::PLAIN
    },
    Case {
        what: "a target that is the path itself still stands for all below it",
        annotations: &[("rewrite-target", "/shop")],
        paths: &[("/shop", "Prefix")],
        exchanges: &[served(&["GET /shop/a"], &["GET /shop "]), refused(&["GET /shopping"], &["404"])],
        ..Case::PLAIN
    },
    Case {
        what: "a rewrite of the root to itself is none",
        annotations: &[("rewrite-target", "/"), ("x-forwarded-prefix", "/p")],
        exchanges: &[Exchange { unseen: &["x-forwarded-prefix"], ..served(&["GET /a/b"], &["GET /a/b "]) }],
        ..Case::PLAIN
    },
    Case {
        what: "a rewrite makes plain prefixes of its host expressions",
        profiles: NGINX,
        annotations: &[("rewrite-target", "/base")],
        paths: &[("/shop", "Prefix")],
        exchanges: &[served(&["GET /shopping"], &["GET /base "]), served(&["GET /SHOP"], &["GET /base "])],
        ..Case::PLAIN
    },
    Case {
        what: "a rewrite leaves plain prefixes as they are",
        profiles: STANDARD,
        annotations: &[("rewrite-target", "/base")],
        paths: &[("/shop", "Prefix")],
        exchanges: &[refused(&["GET /shopping"], &["404"]), refused(&["GET /SHOP"], &["404"])],
        ..Case::PLAIN
    },
    Case {
        what: "no client makes dots, an authority or half an escape of a rewrite",
        annotations: &[("rewrite-target", "/$1"), ("use-regex", "true")],
        paths: &[("/api(.*)", "ImplementationSpecific")],
        exchanges: &[
            served(&["GET /api/users"], &["GET /users "]),
            served(&["GET /apiusers"], &["GET /users "]),
            refused(&["GET /api../admin"], &["400"]),
            refused(&["GET /api%2e%2e/admin"], &["400"]),
            refused(&["GET /api.%2e/admin"], &["400"]),
            refused(&["GET /api//evil.test/x"], &["400"]),
            refused(&["GET /api/%5cevil.test"], &["400"]),
            refused(&["GET /api%0d%0aX-Evil:1"], &["400"]),
            served(&["GET /api/a%3fb"], &["GET /a%3Fb "]),
        ],
        ..Case::PLAIN
    },
    Case {
        what: "a target with a scheme is a redirect that takes the query along",
        annotations: &[("rewrite-target", "https://{host}:8443/new/$1")],
        paths: &[("/old/(.*)", "ImplementationSpecific")],
        exchanges: &[Exchange {
            gets: &["302", "Location: https://{host}:8443/new/a?b=c"],
            ..refused(&["GET /old/a?b=c"], &[])
        }],
        ..Case::PLAIN
    },
    Case {
        what: "a target with a scheme may have the host that is asked",
        annotations: &[("rewrite-target", "$scheme://$http_host/new/$1")],
        paths: &[("/old/(.*)", "ImplementationSpecific")],
        exchanges: &[Exchange {
            gets: &["302", "Location: http://{host}:8443/new/a?b=c"],
            ..refused(&["GET /old/a?b=c", "Host: {host}:8443"], &[])
        }],
        ..Case::PLAIN
    },
    Case {
        what: "no client chooses the host that a target leads to",
        annotations: &[("rewrite-target", "https://{host}$arg_x/")],
        paths: &[("/old", "Prefix")],
        exchanges: &[refused(&["GET /old/a?x=.evil.test"], &["503"])],
        ..Case::PLAIN
    },
    Case {
        what: "variables stand in the target, and are letters of a path whatever a client says",
        annotations: &[("rewrite-target", "/$host/$http_x_tenant/$2"), ("x-forwarded-prefix", "/$http_x_tenant$1")],
        paths: &[("/(shop)/(.*)", "ImplementationSpecific")],
        exchanges: &[
            served(
                &["GET /shop/a?b=c", "X-Tenant: blue"],
                &["GET /{host}/blue/a?b=c ", "X-Forwarded-Prefix: /blueshop"],
            ),
            served(&["GET /shop/a", "X-Tenant: a?b#c d"], &["GET /{host}/a%3Fb%23c%20d/a "]),
            served(&["GET /shop/a", "X-Tenant: %2e%2e"], &["GET /{host}/%252e%252e/a "]),
            refused(&["GET /shop/a", "X-Tenant: .."], &["400"]),
            refused(&["GET /shop/a", "X-Tenant: ../../admin"], &["400"]),
            refused(&["GET /shop/a", "X-Tenant: a\tb"], &["400"]),
            refused(&["GET /shop/a", "X-Tenant: //evil.test"], &["400"]),
        ],
        ..Case::PLAIN
    },
    Case {
        what: "a field that makes more of a path than may be sent is refused",
        annotations: &[("rewrite-target", "/$http_x/$http_x/$http_x")],
        exchanges: &[refused(&["GET /", LONG], &["400"]), served(&["GET /", "X: a"], &["GET /a/a/a "])],
        ..Case::PLAIN
    },
    Case {
        what: "the path that came stands in the target as it is, and the query stays",
        annotations: &[("rewrite-target", "/v1$uri")],
        paths: &[("/shop", "Prefix")],
        exchanges: &[served(&["GET /shop/a%20b?c=d"], &["GET /v1/shop/a%20b?c=d "])],
        ..Case::PLAIN
    },
    Case {
        what: "a prefix that comes to nothing takes the field away",
        annotations: &[("rewrite-target", "/"), ("x-forwarded-prefix", "$arg_none")],
        paths: &[("/shop", "Prefix")],
        exchanges: &[Exchange {
            unseen: &["X-Forwarded-Prefix"],
            ..served(&["GET /shop", "X-Forwarded-Prefix: /evil"], &["GET / "])
        }],
        ..Case::PLAIN
    },
    Case {
        what: "what becomes of nothing is the route's fault",
        annotations: &[("rewrite-target", "$1")],
        paths: &[("/a(.*)", "ImplementationSpecific")],
        exchanges: &[refused(&["GET /a"], &["500"]), served(&["GET /a/b"], &["GET /b "])],
        ..Case::PLAIN
    },
    Case {
        proves: &["x-forwarded-prefix"],
        what: "the backend is told what was taken off, whatever the client says of it",
        annotations: &[("rewrite-target", "/$2"), ("x-forwarded-prefix", "/$1")],
        paths: &[("/(x|y)/(.*)", "ImplementationSpecific")],
        exchanges: &[served(&["GET /x/a", "X-Forwarded-Prefix: /evil"], &["GET /a ", "X-Forwarded-Prefix: /x"])],
        ..Case::PLAIN
    },
    Case {
        proves: &["upstream-vhost"],
        what: "the backend is asked for another host, and told the client's",
        annotations: &[("upstream-vhost", "inner.test:8080")],
        exchanges: &[served(&["GET /"], &["GET / ", "Host: inner.test:8080", "X-Forwarded-Host: {host}"])],
        ..Case::PLAIN
    },
    Case {
        what: "what a client makes of the host for the backend is a host, or refused",
        annotations: &[("upstream-vhost", "$http_x_tenant.inner.test")],
        exchanges: &[
            served(&["GET /", "X-Tenant: a"], &["GET / ", "Host: a.inner.test"]),
            refused(&["GET /", "X-Tenant: a/b"], &["400"]),
            refused(&["GET /", "X-Tenant: a b"], &["400"]),
        ],
        ..Case::PLAIN
    },
];
