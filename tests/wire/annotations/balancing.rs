//! Which endpoint is asked: keys and sessions. Which endpoint that is, one backend cannot show; what clients are told, it can.

use super::case::{Case, Exchange};

pub(super) const CASES: &[Case] = &[
    Case {
        proves: &["affinity"],
        what: "a session begins with a cookie for the path of the rule, and only once",
        annotations: &[("affinity", "cookie")],
        paths: &[("/shop", "Prefix"), ("/", "Prefix")],
        exchanges: &[
            Exchange { gets: &["200", "Set-Cookie: INGRESSCOOKIE={session}; Path=/; HttpOnly"], ..Exchange::PLAIN },
            Exchange {
                sends: &["GET /", "Cookie: INGRESSCOOKIE={session}"],
                lacks: &["Set-Cookie"],
                ..Exchange::PLAIN
            },
            Exchange {
                sends: &["GET /", "Cookie: INGRESSCOOKIE=1700000000.123.45.678901|0123456789abcdef0123456789abcdef"],
                gets: &["200", "Set-Cookie: INGRESSCOOKIE={session}; Path=/; HttpOnly"],
                ..Exchange::PLAIN
            },
            Exchange {
                sends: &["GET /", "X-Forwarded-Proto: https"],
                gets: &["200", "Set-Cookie: INGRESSCOOKIE={session}; Path=/; Secure; HttpOnly"],
                ..Exchange::PLAIN
            },
        ],
        ..Case::PLAIN
    },
    Case {
        proves: &[
            "session-cookie-name",
            "session-cookie-path",
            "session-cookie-max-age",
            "session-cookie-domain",
            "session-cookie-samesite",
            "session-cookie-secure",
        ],
        what: "a session cookie has the attributes that are written",
        annotations: &[
            ("affinity", "cookie"),
            ("affinity-mode", "persistent"),
            ("session-cookie-name", "route"),
            ("session-cookie-path", "/shop"),
            ("session-cookie-max-age", "3600"),
            ("session-cookie-domain", "{host}"),
            ("session-cookie-samesite", "None"),
            ("session-cookie-conditional-samesite-none", "true"),
            ("session-cookie-secure", "true"),
        ],
        exchanges: &[
            Exchange {
                gets: &[
                    "200",
                    "Set-Cookie: route={session}; Max-Age=3600; Domain={host}; Path=/shop; Secure; HttpOnly; SameSite=None",
                ],
                ..Exchange::PLAIN
            },
            Exchange {
                sends: &["GET /", "User-Agent: Mozilla/5.0 (X11) Chrome/66.0 Safari/537.36"],
                gets: &[
                    "200",
                    "Set-Cookie: route={session}; Max-Age=3600; Domain={host}; Path=/shop; Secure; HttpOnly",
                ],
                ..Exchange::PLAIN
            },
            Exchange { sends: &["GET /", "Cookie: route={session}"], lacks: &["Set-Cookie"], ..Exchange::PLAIN },
        ],
        ..Case::PLAIN
    },
    Case {
        what: "what could end a cookie is not put into one",
        annotations: &[
            ("affinity", "cookie"),
            ("session-cookie-path", "/; Domain=test"),
            ("session-cookie-name", "a=b"),
        ],
        exchanges: &[Exchange {
            gets: &["200", "Set-Cookie: INGRESSCOOKIE={session}; Path=/; HttpOnly"],
            ..Exchange::PLAIN
        }],
        ..Case::PLAIN
    },
    Case {
        proves: &["upstream-hash-by"],
        what: "requests with and without what the key is made of are served",
        annotations: &[("upstream-hash-by", "${http_x_user}$cookie_user$arg_user-$request_uri")],
        exchanges: &[
            Exchange { lacks: &["Set-Cookie"], ..Exchange::PLAIN },
            Exchange { sends: &["GET /", "X-User: a", "Cookie: user=b"], ..Exchange::PLAIN },
        ],
        ..Case::PLAIN
    },
    Case {
        what: "a key of which nobody knows what it is is as if it were not written",
        annotations: &[("upstream-hash-by", "$nobody_knows")],
        exchanges: &[Exchange::PLAIN],
        ..Case::PLAIN
    },
];
