//! Pages of other origins.

use bulkhead_crds::lane::Profile;

use super::case::{Case, Exchange, Saw};

const PREFLIGHT: &[&str] = &["OPTIONS /", "Origin: https://shop.test", "Access-Control-Request-Method: PUT"];

pub(super) const CASES: &[Case] = &[
    Case {
        proves: &["enable-cors", "cors-allow-methods", "cors-allow-headers", "cors-max-age"],
        what: "every page may read what needs no credentials, and is told the defaults",
        profiles: &[Profile::Standard],
        annotations: &[("enable-cors", "true")],
        exchanges: &[
            Exchange {
                sends: &["GET /", "Origin: https://shop.test"],
                gets: &[
                    "200",
                    "Access-Control-Allow-Origin: *",
                    "Access-Control-Allow-Methods: GET, PUT, POST, DELETE, PATCH, OPTIONS",
                    "Access-Control-Allow-Headers: DNT,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range,Authorization",
                    "Access-Control-Max-Age: 1728000",
                ],
                lacks: &["Access-Control-Allow-Credentials", "Vary", "Access-Control-Expose-Headers"],
                ..Exchange::PLAIN
            },
            Exchange {
                sends: PREFLIGHT,
                gets: &["204", "Access-Control-Allow-Origin: *"],
                lacks: &["Access-Control-Allow-Credentials", "Content-Length"],
                saw: Saw::Nothing,
                ..Exchange::PLAIN
            },
            Exchange { sends: &["OPTIONS /"], saw: Saw::Main(&["OPTIONS / "]), ..Exchange::PLAIN },
        ],
        ..Case::PLAIN
    },
    Case {
        what: "every page is told of credentials, and every request for options is answered",
        profiles: &[Profile::IngressNginx],
        annotations: &[("enable-cors", "true")],
        exchanges: &[
            Exchange {
                gets: &["200", "Access-Control-Allow-Origin: *", "Access-Control-Allow-Credentials: true"],
                ..Exchange::PLAIN
            },
            Exchange {
                sends: &["OPTIONS /"],
                gets: &["204", "Access-Control-Allow-Origin: *", "Access-Control-Allow-Credentials: true"],
                saw: Saw::Nothing,
                ..Exchange::PLAIN
            },
        ],
        ..Case::PLAIN
    },
    Case {
        proves: &["cors-allow-origin", "cors-allow-credentials", "cors-expose-headers"],
        what: "a listed origin is told itself, and others pass without a word",
        annotations: &[
            ("enable-cors", "true"),
            ("cors-allow-origin", "https://shop.test, https://*.mill.test:8443, null"),
            ("cors-allow-methods", "GET, PUT"),
            ("cors-allow-headers", "X-Stone,X-Sieve"),
            ("cors-expose-headers", "X-Flour"),
            ("cors-max-age", "600"),
        ],
        exchanges: &[
            Exchange {
                sends: &["GET /", "Origin: https://shop.test"],
                gets: &[
                    "200",
                    "Access-Control-Allow-Origin: https://shop.test",
                    "Access-Control-Allow-Credentials: true",
                    "Access-Control-Allow-Methods: GET, PUT",
                    "Access-Control-Allow-Headers: X-Stone, X-Sieve",
                    "Access-Control-Expose-Headers: X-Flour",
                    "Access-Control-Max-Age: 600",
                    "Vary: Origin",
                ],
                ..Exchange::PLAIN
            },
            Exchange {
                sends: &["GET /", "Origin: https://a.mill.test:8443"],
                gets: &["200", "Access-Control-Allow-Origin: https://a.mill.test:8443"],
                ..Exchange::PLAIN
            },
            Exchange {
                sends: &["GET /", "Origin: null"],
                gets: &["200", "Access-Control-Allow-Origin: null"],
                ..Exchange::PLAIN
            },
            Exchange {
                sends: &["GET /", "Origin: https://a.b.mill.test:8443"],
                gets: &["200", "Vary: Origin"],
                lacks: &["Access-Control-Allow-Origin", "Access-Control-Allow-Credentials"],
                ..Exchange::PLAIN
            },
            Exchange {
                sends: PREFLIGHT,
                gets: &["204", "Access-Control-Allow-Origin: https://shop.test", "Access-Control-Max-Age: 600"],
                saw: Saw::Nothing,
                ..Exchange::PLAIN
            },
            Exchange {
                sends: &["OPTIONS /", "Origin: https://evil.test", "Access-Control-Request-Method: PUT"],
                lacks: &["Access-Control-Allow-Origin"],
                saw: Saw::Main(&["OPTIONS / "]),
                ..Exchange::PLAIN
            },
        ],
        ..Case::PLAIN
    },
    Case {
        what: "a page reads that it was refused, and a preflight does not pass where nobody may",
        profiles: &[Profile::Standard],
        annotations: &[
            ("enable-cors", "true"),
            ("cors-allow-origin", "https://shop.test"),
            ("cors-allow-credentials", "false"),
            ("denylist-source-range", "127.0.0.0/8"),
        ],
        exchanges: &[
            Exchange {
                sends: &["GET /", "Origin: https://shop.test"],
                gets: &["403", "Access-Control-Allow-Origin: https://shop.test"],
                lacks: &["Access-Control-Allow-Credentials"],
                saw: Saw::Nothing,
                ..Exchange::PLAIN
            },
            Exchange { sends: PREFLIGHT, gets: &["403"], saw: Saw::Nothing, ..Exchange::PLAIN },
        ],
        ..Case::PLAIN
    },
    Case {
        what: "a preflight is answered before anybody is asked who they are",
        profiles: &[Profile::IngressNginx],
        annotations: &[
            ("enable-cors", "true"),
            ("cors-allow-origin", "https://shop.test"),
            ("denylist-source-range", "127.0.0.0/8"),
        ],
        exchanges: &[Exchange { sends: PREFLIGHT, gets: &["204"], saw: Saw::Nothing, ..Exchange::PLAIN }],
        ..Case::PLAIN
    },
    Case {
        what: "an origin that cannot be read lets nobody in, nor does a line within it",
        annotations: &[
            ("enable-cors", "true"),
            ("cors-allow-origin", "https://(.*)\r\nX-Injected: 1"),
            ("cors-allow-headers", "X-A\r\nX-Injected: 1"),
        ],
        exchanges: &[Exchange {
            sends: &["GET /", "Origin: https://shop.test"],
            lacks: &["Access-Control-Allow-Origin", "X-Injected"],
            ..Exchange::PLAIN
        }],
        ..Case::PLAIN
    },
    Case {
        what: "nothing is said where it is not asked for",
        annotations: &[("enable-cors", "false"), ("cors-allow-origin", "*")],
        exchanges: &[Exchange {
            sends: &["GET /", "Origin: https://shop.test"],
            lacks: &["Access-Control-Allow-Origin"],
            ..Exchange::PLAIN
        }],
        ..Case::PLAIN
    },
];
