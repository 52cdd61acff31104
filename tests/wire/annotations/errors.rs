//! Pages of another Service instead of errors.

use super::case::{Case, Exchange, Saw};

/// What the Service of the pages is told of every error.
const TOLD: &[&str] = &[
    "GET / HTTP/1.1",
    "X-Code: 404",
    "X-Format: text/html",
    "X-Original-URI: /status/404?a=b",
    "X-Namespace: shop",
    "X-Ingress-Name: {case}",
    "X-Service-Name: {case}-main",
    "X-Service-Port: 80",
    "X-Request-ID: 7",
    "Host: {host}",
];

pub(super) const CASES: &[Case] = &[
    Case {
        proves: &["custom-http-errors", "default-backend"],
        what: "a listed error of the backend is answered by the page of the default backend",
        annotations: &[
            ("custom-http-errors", "404,413"),
            ("default-backend", "{case}-other"),
            ("proxy-body-size", "4b"),
        ],
        exchanges: &[
            Exchange {
                sends: &["GET /status/404?a=b", "Accept: text/html", "X-Request-ID: 7"],
                gets: &["200", "X-Backend: other"],
                saw: Saw::Other(TOLD),
                ..Exchange::PLAIN
            },
            Exchange {
                sends: &["HEAD /status/404"],
                gets: &["200", "X-Backend: other"],
                saw: Saw::Other(&["HEAD / HTTP/1.1", "X-Code: 404"]),
                ..Exchange::PLAIN
            },
            Exchange {
                sends: &["POST /status/404"],
                content: "1234",
                gets: &["200", "X-Backend: other"],
                saw: Saw::Other(&["POST / HTTP/1.1", "Content-Length: 0"]),
                ..Exchange::PLAIN
            },
            Exchange {
                sends: &["POST /"],
                content: "12345",
                gets: &["200", "X-Backend: other"],
                saw: Saw::Other(&["POST / HTTP/1.1", "X-Code: 413", "Content-Length: 0"]),
                ..Exchange::PLAIN
            },
            Exchange {
                sends: &["GET /status/500"],
                gets: &["500", "X-Backend: main"],
                saw: Saw::Main(&["GET /status/500 "]),
                ..Exchange::PLAIN
            },
            Exchange::PLAIN,
        ],
        ..Case::PLAIN
    },
    Case {
        proves: &["disable-proxy-intercept-errors"],
        what: "the backend's own errors stay where only the gateway's are replaced",
        annotations: &[
            ("custom-http-errors", "403,404"),
            ("default-backend", "{case}-other"),
            ("disable-proxy-intercept-errors", "true"),
            ("denylist-source-range", "10.0.0.0/8"),
        ],
        exchanges: &[
            Exchange {
                sends: &["GET /status/404"],
                gets: &["404", "X-Backend: main"],
                saw: Saw::Main(&["GET /status/404 "]),
                ..Exchange::PLAIN
            },
            Exchange {
                sends: &["GET /secret", "X-Forwarded-For: 10.1.2.3"],
                gets: &["200", "X-Backend: other"],
                saw: Saw::Other(&[
                    "GET / HTTP/1.1",
                    "X-Code: 403",
                    "X-Original-URI: /secret",
                    "X-Forwarded-For: 10.1.2.3",
                ]),
                ..Exchange::PLAIN
            },
        ],
        ..Case::PLAIN
    },
    Case {
        what: "who is turned away gets a page and nothing of the backend, even if its path is the path of the page",
        annotations: &[
            ("custom-http-errors", "403"),
            ("default-backend", "{case}-other"),
            ("denylist-source-range", "127.0.0.1"),
        ],
        exchanges: &[Exchange {
            gets: &["200", "X-Backend: other"],
            saw: Saw::OnlyOther(&["GET / "]),
            ..Exchange::PLAIN
        }],
        ..Case::PLAIN
    },
    Case {
        what: "for a Service without endpoints the default backend answers what was asked",
        annotations: &[("default-backend", "{case}-other")],
        backend: "nobody",
        more: "kind: Service\napiVersion: v1\nmetadata: {namespace: shop, name: {case}-nobody}\nspec: {ports: [{port: 80}]}\n",
        exchanges: &[Exchange {
            sends: &["GET /deep/er?a=b"],
            gets: &["200", "X-Backend: other"],
            saw: Saw::OnlyOther(&["GET /deep/er?a=b HTTP/1.1", "X-Code: 503"]),
            ..Exchange::PLAIN
        }],
        ..Case::PLAIN
    },
    Case {
        what: "an error is answered as it is where the page cannot be had",
        annotations: &[
            ("custom-http-errors", "404,403"),
            ("default-backend", "{case}-nobody"),
            ("denylist-source-range", "10.0.0.0/8"),
        ],
        more: "kind: Service\napiVersion: v1\nmetadata: {namespace: shop, name: {case}-nobody}\nspec: {ports: [{port: 80}]}\n",
        exchanges: &[
            Exchange {
                sends: &["GET /status/404"],
                gets: &["404"],
                saw: Saw::Main(&["GET /status/404 "]),
                ..Exchange::PLAIN
            },
            Exchange {
                sends: &["GET /", "X-Forwarded-For: 10.1.2.3"],
                gets: &["403"],
                saw: Saw::Nothing,
                ..Exchange::PLAIN
            },
            Exchange::PLAIN,
        ],
        ..Case::PLAIN
    },
    Case {
        what: "pages without a Service to have them from leave errors as they are",
        annotations: &[("custom-http-errors", "404")],
        exchanges: &[Exchange {
            sends: &["GET /status/404"],
            gets: &["404", "X-Backend: main"],
            saw: Saw::Main(&["GET /status/404 "]),
            ..Exchange::PLAIN
        }],
        ..Case::PLAIN
    },
];
