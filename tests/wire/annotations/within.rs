//! How backends are spoken to.

use super::case::{Case, Exchange, Saw};

const POST: Exchange =
    Exchange { sends: &["POST /"], content: "1234", saw: Saw::Main(&["POST / "]), ..Exchange::PLAIN };

pub(super) const CASES: &[Case] = &[
    Case {
        proves: &["connection-proxy-header"],
        what: "a backend is told that its connection ends with the request",
        annotations: &[("connection-proxy-header", "close")],
        exchanges: &[
            Exchange { saw: Saw::Main(&["GET / ", "Connection: close"]), ..Exchange::PLAIN },
            Exchange { saw: Saw::Main(&["GET / ", "Connection: close"]), ..Exchange::PLAIN },
        ],
        ..Case::PLAIN
    },
    Case {
        what: "it is not told so where it is not asked for",
        annotations: &[("connection-proxy-header", "keep-alive")],
        exchanges: &[Exchange { unseen: &["Connection"], ..Exchange::PLAIN }],
        ..Case::PLAIN
    },
    Case {
        proves: &["proxy-request-buffering"],
        what: "content passes whatever is said of buffers",
        annotations: &[
            ("proxy-request-buffering", "on"),
            ("proxy-buffering", "on"),
            ("proxy-buffer-size", "16k"),
            ("proxy-buffers-number", "garbage"),
            ("proxy-busy-buffers-size", "32k"),
            ("proxy-max-temp-file-size", "0"),
            ("client-body-buffer-size", "1m"),
            ("proxy-http-version", "1.0"),
            ("http2-push-preload", "true"),
        ],
        exchanges: &[POST],
        ..Case::PLAIN
    },
    Case {
        what: "protocols that are not spoken are not begun with",
        annotations: &[("fastcgi-index", "index.php")],
        exchanges: &[Exchange { gets: &["503"], saw: Saw::Nothing, ..Exchange::PLAIN }],
        ..Case::PLAIN
    },
];
