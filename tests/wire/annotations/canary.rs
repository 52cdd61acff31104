//! A share of a route's traffic for another version.

use super::case::{Case, Exchange, Saw};

const OTHER: Exchange = Exchange { saw: Saw::OnlyOther(&["GET / "]), ..Exchange::PLAIN };

pub(super) const CASES: &[Case] = &[
    Case {
        proves: &["canary", "canary-by-header", "canary-weight"],
        what: "a header that says always or never decides, and chance where it says nothing",
        canary: &[("canary", "true"), ("canary-by-header", "X-Canary"), ("canary-weight", "0")],
        exchanges: &[
            Exchange::PLAIN,
            Exchange { sends: &["GET /", "X-Canary: always"], ..OTHER },
            Exchange { sends: &["GET /", "x-canary: never"], ..Exchange::PLAIN },
            Exchange { sends: &["GET /", "X-Canary: sometimes"], ..Exchange::PLAIN },
        ],
        ..Case::PLAIN
    },
    Case {
        proves: &["canary-weight-total"],
        what: "a weight of all is everything, but for those who say never",
        canary: &[
            ("canary", "true"),
            ("canary-by-header", "X-Canary"),
            ("canary-weight", "1000"),
            ("canary-weight-total", "1000"),
        ],
        exchanges: &[OTHER, Exchange { sends: &["GET /", "X-Canary: never"], ..Exchange::PLAIN }],
        ..Case::PLAIN
    },
    Case {
        proves: &["canary-by-header-value"],
        what: "with a value, only that value decides, and always and never are values as any other",
        canary: &[("canary", "true"), ("canary-by-header", "X-Canary"), ("canary-by-header-value", "blue")],
        exchanges: &[
            Exchange { sends: &["GET /", "X-Canary: blue"], ..OTHER },
            Exchange { sends: &["GET /", "X-Canary: Blue"], ..Exchange::PLAIN },
            Exchange { sends: &["GET /", "X-Canary: always"], ..Exchange::PLAIN },
        ],
        ..Case::PLAIN
    },
    Case {
        proves: &["canary-by-header-pattern"],
        what: "a pattern is looked for anywhere in the header, in its case",
        canary: &[
            ("canary", "true"),
            ("canary-by-header", "User-Agent"),
            ("canary-by-header-pattern", "Fire(fox|bird)"),
        ],
        exchanges: &[
            Exchange { sends: &["GET /", "User-Agent: Mozilla/5.0 Firefox/140.0"], ..OTHER },
            Exchange { sends: &["GET /", "User-Agent: Mozilla/5.0 firefox/140.0"], ..Exchange::PLAIN },
        ],
        ..Case::PLAIN
    },
    Case {
        proves: &["canary-by-cookie"],
        what: "a header decides before a cookie does",
        canary: &[("canary", "true"), ("canary-by-header", "X-Canary"), ("canary-by-cookie", "fresh")],
        exchanges: &[
            Exchange { sends: &["GET /", "Cookie: a=b; fresh=always"], ..OTHER },
            Exchange { sends: &["GET /", "Cookie: fresh=never"], ..Exchange::PLAIN },
            Exchange { sends: &["GET /", "Cookie: fresh=yes"], ..Exchange::PLAIN },
            Exchange { sends: &["GET /", "Cookie: fresh=always", "X-Canary: never"], ..Exchange::PLAIN },
            Exchange { sends: &["GET /", "Cookie: fresh=never", "X-Canary: always"], ..OTHER },
        ],
        ..Case::PLAIN
    },
    Case {
        what: "a pattern that cannot be used takes nothing",
        canary: &[
            ("canary", "true"),
            ("canary-by-header", "X-Canary"),
            ("canary-by-header-pattern", "(?=a)"),
            ("canary-weight", "100"),
        ],
        exchanges: &[Exchange { sends: &["GET /", "X-Canary: a"], ..Exchange::PLAIN }],
        ..Case::PLAIN
    },
    Case {
        what: "a canary is behind the protection of its route",
        annotations: &[("allowlist-source-range", "192.0.2.0/24")],
        canary: &[("canary", "true"), ("canary-weight", "100"), ("allowlist-source-range", "0.0.0.0/0")],
        exchanges: &[
            Exchange { gets: &["403"], saw: Saw::Nothing, ..Exchange::PLAIN },
            Exchange { sends: &["GET /", "X-Forwarded-For: 192.0.2.1"], ..OTHER },
        ],
        ..Case::PLAIN
    },
    Case {
        proves: &["affinity-canary-behavior"],
        what: "a client whose session is with one of the two stays there",
        annotations: &[("affinity", "cookie"), ("session-cookie-name", "route")],
        canary: &[("canary", "true"), ("canary-by-header", "X-Canary")],
        exchanges: &[
            Exchange {
                sends: &["GET /", "X-Canary: always"],
                gets: &["200", "Set-Cookie: route={session}; Path=/; HttpOnly"],
                ..OTHER
            },
            Exchange {
                sends: &["GET /", "X-Canary: never", "Cookie: route={session}"],
                lacks: &["Set-Cookie"],
                ..OTHER
            },
            Exchange { gets: &["200", "Set-Cookie: route={session}; Path=/; HttpOnly"], ..Exchange::PLAIN },
            Exchange {
                sends: &["GET /", "X-Canary: always", "Cookie: route={session}"],
                lacks: &["Set-Cookie"],
                ..Exchange::PLAIN
            },
        ],
        ..Case::PLAIN
    },
    Case {
        what: "a canary that decides each time takes clients out of their session",
        annotations: &[("affinity", "cookie"), ("session-cookie-name", "route")],
        canary: &[("canary", "true"), ("canary-by-header", "X-Canary"), ("affinity-canary-behavior", "legacy")],
        exchanges: &[
            Exchange { gets: &["200", "Set-Cookie: route={session}; Path=/; HttpOnly"], ..Exchange::PLAIN },
            Exchange {
                sends: &["GET /", "X-Canary: always", "Cookie: route={session}"],
                lacks: &["Set-Cookie"],
                ..OTHER
            },
        ],
        ..Case::PLAIN
    },
];
