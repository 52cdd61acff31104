//! What a backend's answer says otherwise to the client.

use super::case::{Case, Exchange, Saw};

pub(super) const CASES: &[Case] = &[
    Case {
        proves: &["proxy-cookie-domain", "proxy-cookie-path"],
        what: "every cookie of a backend is for the domain and the path that clients know, and stays as it is otherwise",
        annotations: &[
            ("proxy-cookie-domain", "mill.internal $host"),
            ("proxy-cookie-path", "/two/ \"/; Secure; SameSite=None\""),
        ],
        exchanges: &[
            Exchange {
                sends: &[
                    "GET /say?Set-Cookie=a=1;Domain=.MILL.internal;Path=/two/x;HttpOnly&Set-Cookie=b=2;Path=/&Set-Cookie=c=3;domain=mill.internal&Set-Cookie=;Path=/two/",
                ],
                gets: &[
                    "200",
                    "Set-Cookie: a=1;Domain=.{host};Path=/x; Secure; SameSite=None;HttpOnly",
                    "Set-Cookie: b=2;Path=/",
                    "Set-Cookie: c=3;domain={host}",
                    "Set-Cookie: ;Path=/two/",
                ],
                saw: Saw::Main(&["Host: {host}"]),
                ..Exchange::PLAIN
            },
            Exchange { lacks: &["Set-Cookie"], ..Exchange::PLAIN },
        ],
        ..Case::PLAIN
    },
    Case {
        what: "a cookie is changed by an expression",
        annotations: &[
            ("proxy-cookie-domain", r"~^(?<shop>[a-z]+)\.internal$ $shop.test"),
            ("proxy-cookie-path", "~*^/A/(.*)$ /$1"),
        ],
        exchanges: &[Exchange {
            sends: &["GET /say?Set-Cookie=a=1;Domain=Mill.internal;Path=/a/b"],
            gets: &["200", "Set-Cookie: a=1;Domain=Mill.test;Path=/b"],
            saw: Saw::Main(&["Host: {host}"]),
            ..Exchange::PLAIN
        }],
        ..Case::PLAIN
    },
    Case {
        what: "a cookie that cannot be changed as it is written passes as it came, and nothing else comes of the text",
        annotations: &[
            ("proxy-cookie-domain", "a b\r\nX-Injected: 1"),
            ("proxy-cookie-path", "/ /; proxy_pass http://evil.test"),
            ("proxy-redirect-from", "http://a/"),
        ],
        exchanges: &[Exchange {
            sends: &["GET /say?Set-Cookie=a=1;Domain=a;Path=/&Location=http://a/"],
            gets: &["200", "Set-Cookie: a=1;Domain=a;Path=/", "Location: http://a/"],
            lacks: &["X-Injected"],
            saw: Saw::Main(&["Host: {host}"]),
            ..Exchange::PLAIN
        }],
        ..Case::PLAIN
    },
    Case {
        proves: &["proxy-redirect-from", "proxy-redirect-to"],
        what: "places that a backend names are where clients find them",
        annotations: &[
            ("proxy-redirect-from", "http://mill.internal:8080/"),
            ("proxy-redirect-to", "$scheme://$http_host/shop/"),
        ],
        exchanges: &[
            Exchange {
                sends: &[
                    "GET /status/302/say?Location=http://mill.internal:8080/a&Refresh=5;url=http://mill.internal:8080/b",
                ],
                gets: &["302", "Location: http://{host}/shop/a", "Refresh: 5;url=http://{host}/shop/b"],
                saw: Saw::Main(&[
                    "GET /status/302/say?Location=http://mill.internal:8080/a&Refresh=5;url=http://mill.internal:8080/b ",
                ]),
                ..Exchange::PLAIN
            },
            Exchange {
                sends: &["GET /say?Location=http://other.test/a"],
                gets: &["200", "Location: http://other.test/a"],
                saw: Saw::Main(&["GET /say?Location=http://other.test/a "]),
                ..Exchange::PLAIN
            },
        ],
        ..Case::PLAIN
    },
    Case {
        what: "a place that an expression matches is written anew, and one that the gateway names itself stays",
        annotations: &[
            ("proxy-redirect-from", "~^http://([^/]+)/(.*)$"),
            ("proxy-redirect-to", "https://$1.test/$2"),
            ("app-root", "/home"),
        ],
        exchanges: &[
            Exchange {
                sends: &["GET /say?Location=http://mill/a"],
                gets: &["200", "Location: https://mill.test/a"],
                saw: Saw::Main(&["GET /say?Location=http://mill/a "]),
                ..Exchange::PLAIN
            },
            Exchange { gets: &["302", "Location: http://{host}/home"], saw: Saw::Nothing, ..Exchange::PLAIN },
        ],
        ..Case::PLAIN
    },
    Case {
        what: "a backend says what it likes where nothing is to be said otherwise",
        annotations: &[
            ("proxy-cookie-domain", "off"),
            ("proxy-cookie-path", "off"),
            ("proxy-redirect-from", "default"),
            ("proxy-redirect-to", "http://nowhere.test/"),
        ],
        exchanges: &[Exchange {
            sends: &["GET /say?Location=http://mill/a&Set-Cookie=a=1;Path=/"],
            gets: &["200", "Location: http://mill/a", "Set-Cookie: a=1;Path=/"],
            saw: Saw::Main(&["GET /say?Location=http://mill/a&Set-Cookie=a=1;Path=/ "]),
            ..Exchange::PLAIN
        }],
        ..Case::PLAIN
    },
];
