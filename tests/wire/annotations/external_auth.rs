//! Another service's word on whether a client may ask.

use super::case::{Case, Exchange, Saw};

const REFUSED: Exchange = Exchange { saw: Saw::OnlyOther(&["GET /status/401 "]), gets: &["401"], ..Exchange::PLAIN };

pub(super) const CASES: &[Case] = &[
    Case {
        what: "whoever is let in without the service being asked says nothing in its name",
        annotations: &[
            ("auth-url", "http://127.0.0.1:{other}/say?X-User=ann"),
            ("auth-response-headers", "X-User"),
            ("allowlist-source-range", "10.0.0.0/8"),
            ("satisfy", "any"),
        ],
        exchanges: &[Exchange {
            sends: &["GET /", "X-User: forged", "X-Forwarded-For: 10.9.8.7"],
            unseen: &["X-User"],
            ..Exchange::PLAIN
        }],
        ..Case::PLAIN
    },
    Case {
        proves: &["auth-url", "auth-response-headers"],
        what: "a request that another service lets in goes to its backend, with what that service says of the client",
        annotations: &[
            ("auth-url", "http://127.0.0.1:{other}/say?X-User=ann"),
            ("auth-response-headers", "X-User, X-Groups"),
        ],
        exchanges: &[
            Exchange {
                sends: &["GET /x?y", "X-User: forged", "X-Groups: admins", "Cookie: s=1"],
                saw: Saw::Both(
                    &["GET /x?y ", "X-User: ann"],
                    &[
                        "GET /say?X-User=ann ",
                        "Host: 127.0.0.1",
                        "Cookie: s=1",
                        "X-Original-URL: http://{host}/x?y",
                        "X-Original-Method: GET",
                        "X-Sent-From: nginx-ingress-controller",
                        "X-Auth-Request-Redirect: /x?y",
                    ],
                ),
                unseen: &["X-Groups"],
                ..Exchange::PLAIN
            },
            Exchange {
                sends: &["POST /x"],
                content: "abc",
                saw: Saw::Both(&["POST /x "], &["GET /say?X-User=ann ", "X-Original-Method: POST"]),
                ..Exchange::PLAIN
            },
        ],
        ..Case::PLAIN
    },
    Case {
        what: "a service is found by its name",
        annotations: &[("auth-url", "http://localhost:{other}/verify")],
        exchanges: &[Exchange { saw: Saw::Both(&["GET / "], &["GET /verify ", "Host: localhost"]), ..Exchange::PLAIN }],
        ..Case::PLAIN
    },
    Case {
        what: "a request that another service does not let in goes no further",
        annotations: &[("auth-url", "http://127.0.0.1:{other}/status/401?say=1")],
        exchanges: &[Exchange { saw: Saw::OnlyOther(&["GET /status/401?say=1 "]), ..REFUSED }],
        ..Case::PLAIN
    },
    Case {
        what: "what is no clear yes is no yes",
        annotations: &[("auth-url", "http://127.0.0.1:{other}/status/302")],
        exchanges: &[Exchange { saw: Saw::OnlyOther(&["GET /status/302 "]), gets: &["500"], ..Exchange::PLAIN }],
        ..Case::PLAIN
    },
    Case {
        proves: &["auth-signin", "auth-signin-redirect-param"],
        what: "a client that is not known is sent to sign in, and from there back",
        annotations: &[
            ("auth-url", "http://127.0.0.1:{other}/status/401"),
            ("auth-signin", "https://login.test/start?a=b"),
            ("auth-signin-redirect-param", "back"),
        ],
        exchanges: &[Exchange {
            sends: &["GET /x?y"],
            gets: &["302", "Location: https://login.test/start?a=b&back=http://{host}%2Fx%3Fy"],
            ..REFUSED
        }],
        ..Case::PLAIN
    },
    Case {
        what: "a page to sign in may be of the host that is asked",
        annotations: &[
            ("auth-url", "http://127.0.0.1:{other}/status/401"),
            ("auth-signin", "$scheme://$http_host/oauth2/start?rd=$escaped_request_uri"),
        ],
        exchanges: &[Exchange {
            sends: &["GET /x?y", "Host: {host}:8080"],
            gets: &["302", "Location: http://{host}:8080/oauth2/start?rd=%2Fx%3Fy"],
            ..REFUSED
        }],
        ..Case::PLAIN
    },
    Case {
        what: "no client chooses the host of the page to sign in",
        annotations: &[
            ("auth-url", "http://127.0.0.1:{other}/status/401"),
            ("auth-signin", "/$arg_x/$http_x?rd=$arg_x"),
        ],
        exchanges: &[Exchange {
            sends: &["GET /?x=/evil.test", "X: \\evil.test\t"],
            gets: &["302", "Location: /evil.test/%5Cevil.test?rd=/evil.test"],
            ..REFUSED
        }],
        ..Case::PLAIN
    },
    Case {
        what: "a page to sign in whose host a client could choose closes the route",
        annotations: &[("auth-url", "http://127.0.0.1:{other}/status/401"), ("auth-signin", "https://auth.test$arg_x")],
        exchanges: &[Exchange { sends: &["GET /?x=.evil.test"], gets: &["503"], saw: Saw::Nothing, ..Exchange::PLAIN }],
        ..Case::PLAIN
    },
    Case {
        proves: &["auth-method", "auth-request-redirect"],
        what: "a service is asked by the method that it wants, and told where clients are to come back to",
        annotations: &[
            ("auth-url", "http://127.0.0.1:{other}/verify"),
            ("auth-method", "POST"),
            ("auth-request-redirect", "https://$host/home"),
        ],
        exchanges: &[Exchange {
            sends: &["GET /x"],
            saw: Saw::Both(
                &["GET /x "],
                &[
                    "POST /verify ",
                    "X-Original-URI: /x",
                    "X-Scheme: http",
                    "X-Auth-Request-Redirect: https://{host}/home",
                ],
            ),
            ..Exchange::PLAIN
        }],
        ..Case::PLAIN
    },
    Case {
        proves: &["auth-always-set-cookie"],
        what: "cookies of the service reach the client",
        annotations: &[("auth-url", "http://127.0.0.1:{other}/say?Set-Cookie=s"), ("auth-always-set-cookie", "true")],
        exchanges: &[Exchange {
            sends: &["GET /status/404"],
            gets: &["404", "Set-Cookie: s"],
            saw: Saw::Both(&["GET /status/404 "], &["GET /say?Set-Cookie=s "]),
            ..Exchange::PLAIN
        }],
        ..Case::PLAIN
    },
    Case {
        proves: &["auth-cache-key", "auth-cache-duration", "enable-global-auth"],
        what: "a word that is remembered is not asked for again",
        annotations: &[
            ("auth-url", "http://127.0.0.1:{other}/verify"),
            ("auth-cache-key", "$http_x_key"),
            ("auth-cache-duration", "200 1h"),
            ("enable-global-auth", "true"),
        ],
        exchanges: &[Exchange {
            sends: &["GET /", "X-Key: a"],
            saw: Saw::Both(&["GET / "], &["GET /verify "]),
            ..Exchange::PLAIN
        }],
        ..Case::PLAIN
    },
    Case {
        proves: &["auth-proxy-set-headers"],
        what: "a service is told what a ConfigMap says, and who asks only by the gateway",
        annotations: &[("auth-url", "http://127.0.0.1:{other}/verify"), ("auth-proxy-set-headers", "shop/{case}-told")],
        more: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \"{case}-told\", namespace: shop}\ndata: {X-Shop: \"$host\", X-Key: \"7\", X-Real-IP: 10.9.8.7, Content-Length: \"5\"}\n",
        exchanges: &[Exchange {
            sends: &["GET /", "X-Key: forged"],
            saw: Saw::Both(
                &["GET / ", "X-Key: forged"],
                &["GET /verify ", "X-Shop: {host}", "X-Key: 7", "X-Real-IP: 127.0.0.1"],
            ),
            ..Exchange::PLAIN
        }],
        ..Case::PLAIN
    },
    Case {
        what: "a service that is to be told what is not there is not asked",
        annotations: &[("auth-url", "http://127.0.0.1:{other}/verify"), ("auth-proxy-set-headers", "elsewhere/told")],
        more: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: told, namespace: elsewhere}\ndata: {X-Shop: x}\n",
        exchanges: &[Exchange { gets: &["503"], saw: Saw::Nothing, ..Exchange::PLAIN }],
        ..Case::PLAIN
    },
    Case {
        what: "a service that cannot be named closes the route",
        annotations: &[("auth-url", "http://127.0.0.1:{other}/$unknown")],
        exchanges: &[Exchange { gets: &["503"], saw: Saw::Nothing, ..Exchange::PLAIN }],
        ..Case::PLAIN
    },
];
