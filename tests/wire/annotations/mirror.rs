//! A copy of every request.

use super::case::{Case, Exchange, Saw};

pub(super) const CASES: &[Case] = &[
    Case {
        proves: &["mirror-target", "mirror-host"],
        what: "somebody else gets a copy of a request, with its content",
        annotations: &[("mirror-target", "http://127.0.0.1:{other}$request_uri"), ("mirror-host", "copies.test")],
        exchanges: &[Exchange {
            sends: &["POST /x?y", "X-A: 1"],
            content: "abc",
            saw: Saw::Copied(
                &["POST /x?y ", "X-A: 1"],
                &["POST /x?y ", "Host: copies.test", "X-A: 1", "Content-Length: 3"],
            ),
            ..Exchange::PLAIN
        }],
        ..Case::PLAIN
    },
    Case {
        proves: &["mirror-request-body"],
        what: "a copy without content says no length",
        annotations: &[("mirror-target", "http://127.0.0.1:{other}/copies"), ("mirror-request-body", "off")],
        exchanges: &[Exchange {
            sends: &["POST /x"],
            content: "abc",
            saw: Saw::Copied(&["POST /x "], &["POST /copies ", "Host: 127.0.0.1"]),
            ..Exchange::PLAIN
        }],
        ..Case::PLAIN
    },
];
