//! Where clients are sent instead of being answered.

use bulkhead_crds::lane::Profile;

use super::case::{Case, Exchange, Saw};

const STANDARD: &[Profile] = &[Profile::Standard];
const NGINX: &[Profile] = &[Profile::IngressNginx];

/// A request that no backend sees.
const SENT: Exchange = Exchange { saw: Saw::Nothing, ..Exchange::PLAIN };
/// One under TLS.
const SECURE: Exchange = Exchange { secure: true, ..Exchange::PLAIN };

pub(super) const CASES: &[Case] = &[
    Case {
        what: "a host with a TLS entry is left alone unless its Ingress asks for more",
        profiles: STANDARD,
        tls: true,
        exchanges: &[
            Exchange {
                saw: Saw::Main(&["GET / ", "X-Forwarded-Port: 80", "X-Forwarded-Proto: http"]),
                ..Exchange::PLAIN
            },
            Exchange {
                saw: Saw::Main(&["GET / ", "X-Forwarded-Port: 443", "X-Forwarded-Proto: https"]),
                lacks: &["Strict-Transport-Security"],
                ..SECURE
            },
            Exchange {
                sends: &["GET /strict"],
                gets: &["200", "Strict-Transport-Security: max-age=1"],
                saw: Saw::Main(&["GET /strict "]),
                ..SECURE
            },
        ],
        ..Case::PLAIN
    },
    Case {
        what: "a host with a TLS entry is for https, and says so for a year",
        profiles: NGINX,
        tls: true,
        exchanges: &[
            Exchange { sends: &["GET /a/?b=c"], gets: &["308", "Location: https://{host}/a/?b=c"], ..SENT },
            Exchange { sends: &["GET /a/"], gets: &["308", "Location: https://{host}/a"], ..SENT },
            Exchange { gets: &["308", "Location: https://{host}"], lacks: &["Strict-Transport-Security"], ..SENT },
            Exchange {
                sends: &["GET /.well-known/acme-challenge/token"],
                saw: Saw::Main(&["GET /.well-known/acme-challenge/token "]),
                ..Exchange::PLAIN
            },
            // A load balancer that speaks TLS in front of the gateway.
            Exchange { sends: &["GET /", "X-Forwarded-Proto: https"], ..Exchange::PLAIN },
            Exchange { gets: &["200", "Strict-Transport-Security: max-age=31536000; includeSubDomains"], ..SECURE },
            Exchange {
                sends: &["GET /strict"],
                gets: &["200", "Strict-Transport-Security: max-age=31536000; includeSubDomains"],
                saw: Saw::Main(&["GET /strict "]),
                ..SECURE
            },
            Exchange {
                sends: &["GET /", "Host: nobody.{host}"],
                gets: &["404", "Strict-Transport-Security: max-age=31536000; includeSubDomains"],
                saw: Saw::Nothing,
                ..SECURE
            },
        ],
        ..Case::PLAIN
    },
    Case {
        proves: &["ssl-redirect"],
        what: "https is asked for where a host has a TLS entry, by those who do not use it",
        annotations: &[("ssl-redirect", "true"), ("preserve-trailing-slash", "true")],
        tls: true,
        exchanges: &[
            Exchange { sends: &["GET /a/?b"], gets: &["308", "Location: https://{host}/a/?b"], ..SENT },
            Exchange { sends: &["POST /a"], content: "x", gets: &["308", "Location: https://{host}/a"], ..SENT },
            Exchange { sends: &["GET /", "X-Forwarded-Proto: https"], ..Exchange::PLAIN },
            Exchange {
                sends: &["GET /.well-known/acme-challenge/t"],
                saw: Saw::Main(&["GET /.well-known/acme-challenge/t "]),
                ..Exchange::PLAIN
            },
            SECURE,
        ],
        ..Case::PLAIN
    },
    Case {
        what: "without a TLS entry nobody is asked to use https",
        annotations: &[("ssl-redirect", "true")],
        exchanges: &[Exchange::PLAIN],
        ..Case::PLAIN
    },
    Case {
        what: "who wants no redirect to https has none",
        annotations: &[("ssl-redirect", "false")],
        tls: true,
        exchanges: &[Exchange::PLAIN],
        ..Case::PLAIN
    },
    Case {
        proves: &["force-ssl-redirect"],
        what: "https is asked for without any TLS entry, and never of who uses it already",
        annotations: &[("force-ssl-redirect", "true"), ("ssl-redirect", "false")],
        exchanges: &[
            Exchange { sends: &["GET /a"], gets: &["308", "Location: https://{host}/a"], ..SENT },
            Exchange { sends: &["GET /", "X-Forwarded-Proto: https"], ..Exchange::PLAIN },
            SECURE,
        ],
        ..Case::PLAIN
    },
    Case {
        proves: &["preserve-trailing-slash"],
        what: "one slash at the end goes, unless it is to stay",
        annotations: &[("force-ssl-redirect", "true"), ("preserve-trailing-slash", "false")],
        exchanges: &[
            Exchange { sends: &["GET /a/"], gets: &["308", "Location: https://{host}/a"], ..SENT },
            Exchange { sends: &["GET /a//"], gets: &["308", "Location: https://{host}/a/"], ..SENT },
        ],
        ..Case::PLAIN
    },
    Case {
        proves: &["use-port-in-redirects"],
        what: "the port is written where it goes without saying",
        annotations: &[
            ("force-ssl-redirect", "true"),
            ("use-port-in-redirects", "true"),
            ("preserve-trailing-slash", "true"),
        ],
        exchanges: &[Exchange { gets: &["308", "Location: https://{host}:443/"], ..SENT }],
        ..Case::PLAIN
    },
    Case {
        what: "the page of an application is of the same host, whatever a client says",
        annotations: &[("app-root", "/$arg_a/$http_x"), ("ssl-redirect", "false")],
        exchanges: &[
            Exchange { sends: &["GET /?a=b", "X: c d"], gets: &["302", "Location: http://{host}/b/c%20d"], ..SENT },
            Exchange {
                sends: &["GET /?a=//evil.test", "X: \\"],
                gets: &["302", "Location: http://{host}/evil.test/%5C"],
                ..SENT
            },
        ],
        ..Case::PLAIN
    },
    Case {
        proves: &["app-root"],
        what: "the page of an application is where / leads",
        annotations: &[("app-root", "/app?x=1"), ("ssl-redirect", "false")],
        exchanges: &[
            Exchange { gets: &["302", "Location: http://{host}/app?x=1"], ..SENT },
            Exchange { sends: &["GET /?y"], gets: &["302", "Location: http://{host}/app?x=1"], ..SENT },
            Exchange {
                sends: &["GET /", "Host: {host}:8080"],
                gets: &["302", "Location: http://{host}:8080/app?x=1"],
                ..SENT
            },
            Exchange { gets: &["302", "Location: https://{host}/app?x=1"], saw: Saw::Nothing, ..SECURE },
            Exchange { sends: &["GET /app"], saw: Saw::Main(&["GET /app "]), ..Exchange::PLAIN },
        ],
        ..Case::PLAIN
    },
    Case {
        what: "a page on another host is no page of an application",
        annotations: &[("app-root", "//evil.test/")],
        exchanges: &[Exchange::PLAIN],
        ..Case::PLAIN
    },
    Case {
        proves: &["permanent-redirect"],
        what: "what has moved for good is there, whatever is asked for",
        annotations: &[("permanent-redirect", "https://new.test/b?c")],
        exchanges: &[Exchange { sends: &["GET /a?d"], gets: &["301", "Location: https://new.test/b?c"], ..SENT }],
        ..Case::PLAIN
    },
    Case {
        proves: &["permanent-redirect"],
        what: "what is asked for is asked for at the new place, and at no other",
        annotations: &[("permanent-redirect", "https://new.test$request_uri")],
        exchanges: &[
            Exchange { sends: &["GET /a?d"], gets: &["301", "Location: https://new.test/a?d"], ..SENT },
            Exchange { gets: &["301", "Location: https://new.test/"], ..SENT },
            Exchange {
                sends: &["GET //evil.test/%0d%0aa:%20b?c=%0d%0a"],
                gets: &["400"],
                lacks: &["Location", "a"],
                ..SENT
            },
            Exchange {
                sends: &["GET //evil.test/?c=%0d%0a"],
                gets: &["301", "Location: https://new.test//evil.test/?c=%0d%0a"],
                ..SENT
            },
            Exchange { sends: &["GET http://{host}/a"], gets: &["301", "Location: https://new.test/a"], ..SENT },
            Exchange { sends: &["GET http://{host}"], gets: &["301", "Location: https://new.test/"], ..SENT },
            Exchange { sends: &["GET http://{host}@evil.test/"], gets: &["400"], lacks: &["Location"], ..SENT },
            Exchange { sends: &["GET @evil.test/"], gets: &["400"], lacks: &["Location"], ..SENT },
            Exchange { sends: &["GET .evil.test/"], gets: &["400"], lacks: &["Location"], ..SENT },
            Exchange { sends: &["OPTIONS *"], gets: &["404"], lacks: &["Location"], ..SENT },
        ],
        ..Case::PLAIN
    },
    Case {
        proves: &["temporal-redirect"],
        what: "what a client says of itself is text in the place that it is sent to",
        annotations: &[("temporal-redirect", "https://www.$host:8443/?from=$escaped_request_uri&as=$http_user_agent")],
        exchanges: &[Exchange {
            sends: &["GET /a?d", "Host: {host}:8080", "User-Agent: a \"b\""],
            gets: &["302", "Location: https://www.{host}:8443/?from=%2Fa%3Fd&as=a%20%22b%22"],
            ..SENT
        }],
        ..Case::PLAIN
    },
    Case {
        what: "groups of a path are parts of the place that a client is sent to",
        annotations: &[("use-regex", "true"), ("permanent-redirect", "https://new.test/shop/$2$is_args$args")],
        paths: &[("/old(/|$)(.*)", "ImplementationSpecific")],
        exchanges: &[
            Exchange { sends: &["GET /old/a/b?c"], gets: &["301", "Location: https://new.test/shop/a/b?c"], ..SENT },
            Exchange { sends: &["GET /old"], gets: &["301", "Location: https://new.test/shop/"], ..SENT },
        ],
        ..Case::PLAIN
    },
    Case {
        what: "nobody is sent to a host that a client could choose",
        annotations: &[("permanent-redirect", "https://$arg_to/")],
        exchanges: &[Exchange { sends: &["GET /?to=evil.test"], gets: &["503"], lacks: &["Location"], ..SENT }],
        ..Case::PLAIN
    },
    Case {
        proves: &["permanent-redirect-code"],
        what: "by the code that is written, if it is one of a redirect",
        annotations: &[("permanent-redirect", "https://new.test/"), ("permanent-redirect-code", "308")],
        exchanges: &[Exchange { gets: &["308", "Location: https://new.test/"], ..SENT }],
        ..Case::PLAIN
    },
    Case {
        proves: &["temporal-redirect", "temporal-redirect-code"],
        what: "what has moved for now comes before what has moved for good",
        annotations: &[
            ("temporal-redirect", "https://now.test/"),
            ("temporal-redirect-code", "307"),
            ("permanent-redirect", "https://new.test/"),
        ],
        exchanges: &[Exchange { gets: &["307", "Location: https://now.test/"], ..SENT }],
        ..Case::PLAIN
    },
    Case {
        what: "who cannot be sent away is not let in",
        annotations: &[("temporal-redirect", "https://now.test/\r\nSet-Cookie: a=b")],
        exchanges: &[Exchange { gets: &["503"], lacks: &["Location", "Set-Cookie"], ..SENT }],
        ..Case::PLAIN
    },
    Case {
        what: "nobody is sent anywhere who is not let in",
        profiles: STANDARD,
        annotations: &[("permanent-redirect", "https://new.test/"), ("allowlist-source-range", "10.0.0.0/8")],
        exchanges: &[
            Exchange { gets: &["403"], lacks: &["Location"], ..SENT },
            Exchange { sends: &["GET /", "X-Forwarded-For: 10.0.0.1"], gets: &["301"], ..SENT },
        ],
        ..Case::PLAIN
    },
    Case {
        what: "everybody is sent to where a route has moved, before anything else is asked",
        profiles: NGINX,
        annotations: &[("permanent-redirect", "https://new.test/"), ("allowlist-source-range", "10.0.0.0/8")],
        tls: true,
        exchanges: &[Exchange { gets: &["301", "Location: https://new.test/"], ..SENT }],
        ..Case::PLAIN
    },
    Case {
        what: "a path with a slash at its end is the same as one without",
        profiles: STANDARD,
        paths: &[("/a/", "Prefix"), ("/b/", "Exact")],
        exchanges: &[
            Exchange { sends: &["GET /a"], saw: Saw::Main(&["GET /a "]), ..Exchange::PLAIN },
            Exchange { sends: &["GET /b"], gets: &["404"], ..SENT },
        ],
        ..Case::PLAIN
    },
    Case {
        what: "who leaves out the slash at the end of a path is sent to the one with it",
        profiles: NGINX,
        paths: &[("/a/", "Prefix"), ("/b/", "Exact"), ("/c", "Prefix")],
        exchanges: &[
            Exchange { sends: &["GET /a?x"], gets: &["301", "Location: http://{host}/a/?x"], ..SENT },
            Exchange {
                sends: &["GET /b", "Host: {host}:8080"],
                gets: &["301", "Location: http://{host}:8080/b/"],
                ..SENT
            },
            Exchange { sends: &["GET /a"], gets: &["301", "Location: https://{host}/a/"], saw: Saw::Nothing, ..SECURE },
            Exchange { sends: &["GET /a/"], saw: Saw::Main(&["GET /a/ "]), ..Exchange::PLAIN },
            Exchange { sends: &["GET /a/x"], saw: Saw::Main(&["GET /a/x "]), ..Exchange::PLAIN },
            Exchange { sends: &["GET /c"], saw: Saw::Main(&["GET /c "]), ..Exchange::PLAIN },
        ],
        ..Case::PLAIN
    },
    Case {
        proves: &["relative-redirects"],
        what: "nothing is said of scheme and host where these stay",
        profiles: NGINX,
        annotations: &[("relative-redirects", "true")],
        paths: &[("/a/", "Prefix")],
        exchanges: &[Exchange { sends: &["GET /a?x"], gets: &["301", "Location: /a/?x"], ..SENT }],
        ..Case::PLAIN
    },
    Case {
        proves: &["server-alias"],
        what: "an alias is served as the host is",
        annotations: &[("server-alias", "alias.{host}, ~^evil"), ("force-ssl-redirect", "true")],
        exchanges: &[
            Exchange {
                sends: &["GET /", "Host: alias.{host}", "X-Forwarded-Proto: https"],
                saw: Saw::Main(&["GET / ", "Host: alias.{host}"]),
                ..Exchange::PLAIN
            },
            Exchange {
                sends: &["GET /a", "Host: alias.{host}"],
                gets: &["308", "Location: https://alias.{host}/a"],
                ..SENT
            },
            Exchange { sends: &["GET /", "Host: evil.{host}"], gets: &["404"], ..SENT },
        ],
        ..Case::PLAIN
    },
    Case {
        proves: &["from-to-www-redirect"],
        what: "the name with www leads to the one without",
        annotations: &[("from-to-www-redirect", "true")],
        exchanges: &[
            Exchange {
                sends: &["GET /a?b", "Host: www.{host}:8080"],
                gets: &["308", "Location: http://{host}:8080/a?b"],
                ..SENT
            },
            Exchange {
                sends: &["GET /a?b", "Host: www.{host}"],
                gets: &["308", "Location: https://{host}/a?b"],
                saw: Saw::Nothing,
                ..SECURE
            },
            Exchange::PLAIN,
        ],
        ..Case::PLAIN
    },
];
