//! Names and passwords, how much is enough, and fields of every response.

use bulkhead_crds::lane::Profile;

use super::case::{Case, Exchange, Saw};

/// The password of `zoe` and of `adam` is hunter2.
const FILE: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: people, namespace: shop}\nstringData:\n  auth: |\n    # people\n    zoe:$apr1$saltsalt$r/QcFGT5pNL28bNkeDMHR.\n    adam:$2y$05$abcdefghijklmnopqrstuuoXuKqgZXLiJqzfmMXDDhSFPIvxV7t8.\n    plain:hunter2\n";
const MAP: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: people-map, namespace: shop}\nstringData: {zoe: \"{SHA}87u9ZqY9S/F0eUBXjsPQEDUw4h0=\", auth: hunter2}\n";
const FIELDS: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: fields, namespace: shop}\ndata: {X-Frame-Options: DENY, X-Backend: hidden, X-Price: \"$host costs 5$\", Content-Length: \"5\"}\n";
const STRICT: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: strict, namespace: shop}\ndata: {Strict-Transport-Security: max-age=7}\n";
const FOREIGN: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: people, namespace: elsewhere}\nstringData: {auth: \"zoe:{SHA}87u9ZqY9S/F0eUBXjsPQEDUw4h0=\"}\n";

/// zoe:hunter2
const ZOE: &str = "Authorization: Basic em9lOmh1bnRlcjI=";
/// adam:hunter2
const ADAM: &str = "Authorization: Basic YWRhbTpodW50ZXIy";
/// plain:hunter2
const PLAIN: &str = "Authorization: Basic cGxhaW46aHVudGVyMg==";
/// zoe:wrong
const WRONG: &str = "Authorization: Basic em9lOndyb25n";

const INSIDE: &str = "X-Forwarded-For: 10.1.2.3";
const OUTSIDE: &str = "X-Forwarded-For: 203.0.113.9";
const SHUT_OUT: &str = "X-Forwarded-For: 10.9.9.9";

const IN: Exchange = Exchange { sends: &["GET /", ZOE], unseen: &["Authorization"], ..Exchange::PLAIN };
const ASKED: Exchange = Exchange {
    sends: &["GET /"],
    gets: &["401", "WWW-Authenticate: Basic realm=\"\""],
    saw: Saw::Nothing,
    ..Exchange::PLAIN
};
const CLOSED: Exchange = Exchange { sends: &["GET /", ZOE], gets: &["503"], saw: Saw::Nothing, ..Exchange::PLAIN };

pub(super) const CASES: &[Case] = &[
    Case {
        proves: &["auth-type", "auth-secret"],
        what: "who shows a name and its password is let in, and the backend does not see it",
        annotations: &[("auth-type", "basic"), ("auth-secret", "people")],
        more: FILE,
        exchanges: &[
            ASKED,
            IN,
            IN,
            Exchange { sends: &["GET /", ADAM], ..IN },
            Exchange { sends: &["GET /", WRONG], ..ASKED },
            Exchange { sends: &["GET /", WRONG], ..ASKED },
            Exchange { sends: &["GET /", PLAIN], ..ASKED },
            Exchange { sends: &["GET /", ZOE, ZOE], ..ASKED },
            Exchange { sends: &["GET /", "Authorization: Bearer em9lOmh1bnRlcjI="], ..ASKED },
            Exchange { sends: &["POST /", WRONG], content: "1234", ..ASKED },
        ],
        ..Case::PLAIN
    },
    Case {
        proves: &["auth-secret-type"],
        what: "every key of a Secret may be a user",
        annotations: &[("auth-type", "basic"), ("auth-secret", "shop/people-map"), ("auth-secret-type", "auth-map")],
        more: MAP,
        exchanges: &[IN, ASKED, Exchange { sends: &["GET /", "Authorization: Basic YXV0aDpodW50ZXIy"], ..ASKED }],
        ..Case::PLAIN
    },
    Case {
        proves: &["auth-realm"],
        what: "people are shown what the password is for",
        annotations: &[("auth-type", "basic"), ("auth-secret", "people"), ("auth-realm", "The \"mill\"")],
        exchanges: &[Exchange { gets: &["401", r#"WWW-Authenticate: Basic realm="The \"mill\"""#], ..ASKED }],
        ..Case::PLAIN
    },
    Case {
        proves: &[],
        what: "nobody is let in where there are no users, or another namespace has them",
        annotations: &[("auth-type", "basic"), ("auth-secret", "nobody")],
        exchanges: &[CLOSED],
        ..Case::PLAIN
    },
    Case {
        proves: &[],
        what: "users of another namespace are nobody's business",
        annotations: &[("auth-type", "basic"), ("auth-secret", "elsewhere/people")],
        more: FOREIGN,
        exchanges: &[CLOSED],
        ..Case::PLAIN
    },
    Case {
        proves: &[],
        what: "digest is refused",
        annotations: &[("auth-type", "digest"), ("auth-secret", "people")],
        exchanges: &[CLOSED],
        ..Case::PLAIN
    },
    Case {
        proves: &["satisfy"],
        what: "an address or a password is enough, and an address that is shut out stays out",
        annotations: &[
            ("auth-type", "basic"),
            ("auth-secret", "people"),
            ("satisfy", "any"),
            ("allowlist-source-range", "10.0.0.0/8"),
            ("denylist-source-range", "10.9.0.0/16"),
        ],
        exchanges: &[
            Exchange { sends: &["GET /", INSIDE], ..IN },
            Exchange { sends: &["GET /", INSIDE, WRONG], ..IN },
            Exchange { sends: &["GET /", OUTSIDE, ZOE], ..IN },
            Exchange { sends: &["GET /", OUTSIDE], ..ASKED },
            Exchange { sends: &["GET /", OUTSIDE, WRONG], ..ASKED },
            Exchange { sends: &["GET /", SHUT_OUT, ZOE], gets: &["403"], saw: Saw::Nothing, ..Exchange::PLAIN },
        ],
        ..Case::PLAIN
    },
    Case {
        proves: &[],
        what: "an address and a password are needed where nothing else is said",
        annotations: &[("auth-type", "basic"), ("auth-secret", "people"), ("allowlist-source-range", "10.0.0.0/8")],
        exchanges: &[
            Exchange { sends: &["GET /", INSIDE, ZOE], ..IN },
            Exchange { sends: &["GET /", INSIDE], ..ASKED },
            Exchange { sends: &["GET /", OUTSIDE, ZOE], gets: &["403"], saw: Saw::Nothing, ..Exchange::PLAIN },
        ],
        ..Case::PLAIN
    },
    Case {
        proves: &["custom-headers"],
        what: "every response says what the ConfigMap says, those of the gateway too, and is framed as it is",
        annotations: &[("custom-headers", "fields"), ("auth-type", "basic"), ("auth-secret", "people")],
        more: FIELDS,
        exchanges: &[
            Exchange {
                gets: &[
                    "200",
                    "X-Frame-Options: DENY",
                    "X-Backend: hidden",
                    "X-Price: $host costs 5$",
                    "Content-Length: 4",
                ],
                ..IN
            },
            Exchange { gets: &["401", "X-Frame-Options: DENY"], ..ASKED },
        ],
        ..Case::PLAIN
    },
    Case {
        proves: &[],
        what: "what the ConfigMap says of https counts, once",
        profiles: &[Profile::IngressNginx],
        annotations: &[("custom-headers", "strict")],
        more: STRICT,
        exchanges: &[
            Exchange { gets: &["200", "Strict-Transport-Security: max-age=7"], secure: true, ..Exchange::PLAIN },
            Exchange {
                sends: &["GET /strict"],
                gets: &["200", "Strict-Transport-Security: max-age=7"],
                secure: true,
                saw: Saw::Main(&[]),
                ..Exchange::PLAIN
            },
        ],
        ..Case::PLAIN
    },
    Case {
        proves: &[],
        what: "without the ConfigMap nothing is served",
        annotations: &[("custom-headers", "nothing")],
        exchanges: &[CLOSED],
        ..Case::PLAIN
    },
];
