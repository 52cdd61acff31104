//! Heads as they leave.

use super::{get, request, response};
use crate::{
    Edits, Framing, Lines, Name, NameSet, Overlay, Refusal, ResponseFraming, reason_phrase, write_own_response,
    write_request, write_response,
};

fn rewrite(bytes: &[u8], target: &[&[u8]], host: &[u8], framing: Framing, edits: &Edits<'_>) -> String {
    let mut out = Vec::new();
    write_request(&mut out, bytes, &request(bytes).unwrap(), target, host, framing, edits);
    String::from_utf8(out).unwrap()
}

fn rewrite_response(bytes: &[u8], framing: ResponseFraming, close: bool, keep: bool, edits: &Edits<'_>) -> String {
    let mut out = Vec::new();
    write_response(&mut out, bytes, &response(bytes, false).unwrap(), framing, close, keep, edits);
    String::from_utf8(out).unwrap()
}

#[test]
fn a_request_leaves_with_our_target_host_and_framing() {
    let bytes = b"PURGE http://a/x HTTP/1.0\r\naccept:*/*  \r\nHost: a\r\nConnection: close\r\nX:\t1\r\nContent-Length: 3\r\n\r\n";
    let sized = rewrite(bytes, &[b"/new", b"?", b"q=1"], b"b:81", Framing::Sized(3), &Edits::default());
    assert_eq!(sized, "PURGE /new?q=1 HTTP/1.1\r\nHost: b:81\r\naccept: */*\r\nX: 1\r\nContent-Length: 3\r\n\r\n");
    let chunked = rewrite(bytes, &[b"/"], b"b", Framing::Chunked, &Edits::default());
    assert!(chunked.ends_with("Transfer-Encoding: chunked\r\n\r\n") && !chunked.contains("Length"), "{chunked}");
}

#[test]
fn content_is_framed_alike_whatever_the_method() {
    for method in ["GET", "HEAD", "OPTIONS", "DELETE", "POST", "PURGE"] {
        for line in ["Content-Length: 3", "Transfer-Encoding: chunked", "Content-Length: 0"] {
            let bytes = format!("{method} / HTTP/1.1\r\nHost: a\r\n{line}\r\n\r\n");
            let framing = request(bytes.as_bytes()).unwrap().framing;
            assert_eq!(rewrite(bytes.as_bytes(), &[b"/"], b"a", framing, &Edits::default()), bytes);
        }
    }
}

#[test]
fn edits_replace_every_spelling_and_append_beside_what_came() {
    let bytes = get(
        "X-REAL-IP: evil\r\nx-user: evil\r\nX-User: evil\r\nX_User: evil\r\nVia: 1.0 a\r\nX-Debug: 1\r\nAccept: */*\r\nx-tenant: evil\r\nAccept-Language: de\r\n",
    );
    let mut over = Overlay::default();
    over.remove("accept-language");
    over.set("X-Tenant", b"mill");
    over.set("X-User", b"alice");
    let edits = Edits {
        over: Some(&over),
        remove: NameSet::of(&[Name::Accept]),
        remove_more: &["x-debug"],
        remove_prefixes: &[],
        lines: None,
        set: &[(Name::XRealIp, b"192.0.2.1")],
        append: &[(Name::Via, b"1.1 b")],
        upgrade: false,
        trailers: false,
        close: true,
    };
    assert_eq!(
        rewrite(&bytes, &[b"/"], b"a", Framing::None, &edits),
        "GET / HTTP/1.1\r\nHost: a\r\nVia: 1.0 a\r\nX-Tenant: mill\r\nX-User: alice\r\nX-Real-IP: 192.0.2.1\r\nVia: 1.1 b\r\nConnection: close\r\n\r\n"
    );
}

#[test]
fn no_edit_breaks_out_of_its_line_or_decides_framing() {
    let mut over = Overlay::default();
    let lines: [(&str, &[u8]); 7] = [
        ("transfer-encoding", b"chunked"),
        ("CONTENT-LENGTH", b"5"),
        ("host", b"evil"),
        ("X: 1\r\nEvil", b"1"),
        ("", b"1"),
        ("X-Null", b"\0"),
        ("X-Good", b"1"),
    ];
    for (name, value) in lines {
        over.set(name, value);
    }
    let edits = Edits {
        set: &[
            (Name::XRealIp, b"1\r\nEvil: 1"),
            (Name::ContentLength, b"5"),
            (Name::Host, b"evil"),
            (Name::Other, b"1"),
            (Name::Connection, b"close"),
            (Name::Upgrade, b"h2c"),
        ],
        over: Some(&over),
        append: &[(Name::TransferEncoding, b"chunked")],
        ..Edits::default()
    };
    let out = rewrite(&get(""), &[b"/a b#c\r\nEvil: 1\x7f\0"], b"a", Framing::None, &edits);
    assert_eq!(out, "GET /a%20b%23c%0D%0AEvil:%201%7F%00 HTTP/1.1\r\nHost: a\r\nX-Good: 1\r\n\r\n");
    let out = rewrite(&get(""), &[b"/"], b"a\r\nEvil: 1", Framing::None, &Edits::default());
    assert_eq!(request(out.as_bytes()), Err(Refusal::MissingHost), "{out}");
}

#[test]
fn a_target_that_leaves_is_a_path_or_the_asterisk_that_came() {
    let target = |bytes: &[u8], pieces: &[&[u8]]| {
        let out = rewrite(bytes, pieces, b"a", Framing::None, &Edits::default());
        out.split(' ').nth(1).unwrap_or_default().to_owned()
    };
    let options = b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(target(options, &[b"*"]), "*");
    assert_eq!(target(&get(""), &[b"*"]), "/*");
    assert_eq!(target(&get(""), &[]), "/");
    assert_eq!(target(&get(""), &[b"", b"/a", b"", b"?b"]), "/a?b");
    assert_eq!(target(&get(""), &[b"http://evil/"]), "/http://evil/");
    assert_eq!(target(&get(""), &[b"?a"]), "/?a");
}

#[test]
fn a_websocket_is_asked_for_and_switched_to_only_where_both_sides_say_so() {
    let upgrade = Edits { upgrade: true, ..Edits::default() };
    let lines = "Connection: keep-alive, Upgrade\r\nupgrade: WebSocket\r\nSec-WebSocket-Key: k\r\n";
    let asked =
        "GET / HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Key: k\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    let out = rewrite(&get(lines), &[b"/"], b"a", Framing::None, &upgrade);
    assert_eq!(out, asked);
    assert!(request(out.as_bytes()).unwrap().upgrade);
    assert!(!rewrite(&get(lines), &[b"/"], b"a", Framing::None, &Edits::default()).contains("pgrade"));
    let h2c = get("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n");
    assert_eq!(rewrite(&h2c, &[b"/"], b"a", Framing::None, &upgrade), "GET / HTTP/1.1\r\nHost: a\r\n\r\n");

    let (switches, lines) = (
        "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: s\r\n",
        "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    );
    let bytes = format!("{switches}{lines}");
    let write = |bytes: &str, edits| rewrite_response(bytes.as_bytes(), ResponseFraming::None, true, true, edits);
    assert_eq!(write(&bytes, &upgrade), bytes);
    assert!(response(bytes.as_bytes(), false).unwrap().upgrade);
    let refused = format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{lines}");
    assert!(!write(&refused, &upgrade).contains("pgrade"));
}

#[test]
fn trailers_are_asked_for_if_the_client_takes_them() {
    let ask = Edits { trailers: true, upgrade: true, ..Edits::default() };
    let write = |lines: &str, edits: &Edits<'_>| rewrite(&get(lines), &[b"/"], b"a", Framing::None, edits);
    let asked = "GET / HTTP/1.1\r\nHost: a\r\nConnection: TE\r\nTE: trailers\r\n\r\n";
    assert_eq!(write("te: gzip, trailers\r\n", &ask), asked);
    assert!(request(asked.as_bytes()).unwrap().trailers);
    for (lines, trailers) in [("TE: gzip\r\n", true), ("", true), ("TE: trailers\r\n", false)] {
        let edits = Edits { trailers, ..Edits::default() };
        assert!(!write(lines, &edits).contains("TE"), "{lines:?}");
    }
    let both = write("TE: trailers\r\nConnection: upgrade\r\nUpgrade: websocket\r\n", &ask);
    assert!(both.contains("Connection: Upgrade\r\n") && !both.contains("TE"), "{both}");
}

#[test]
fn a_response_leaves_with_one_framing_and_a_word_about_the_connection() {
    let bytes = b"HTTP/1.0 200 Fine\r\nServer: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\n";
    let write = |framing, close, keep| rewrite_response(bytes, framing, close, keep, &Edits::default());
    let (sized, start) = (ResponseFraming::Sized(3), "HTTP/1.1 200 Fine\r\nServer: x\r\n");
    assert_eq!(write(sized, false, false), format!("{start}Content-Length: 3\r\n\r\n"));
    assert_eq!(write(sized, true, true), format!("{start}Content-Length: 3\r\nConnection: close\r\n\r\n"));
    assert_eq!(write(sized, false, true), format!("{start}Content-Length: 3\r\nConnection: keep-alive\r\n\r\n"));
    assert_eq!(write(ResponseFraming::Chunked, false, false), format!("{start}Transfer-Encoding: chunked\r\n\r\n"));
    assert_eq!(write(ResponseFraming::UntilClose, false, true), format!("{start}Connection: close\r\n\r\n"));
    let bytes = b"HTTP/1.1 418\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(
        rewrite_response(bytes, sized, false, false, &Edits::default()),
        "HTTP/1.1 418 \r\nContent-Length: 3\r\n\r\n"
    );
}

#[test]
fn statuses_without_content_never_announce_any() {
    for status in ["100 Continue", "101 Switching Protocols", "204 No Content", "304 Not Modified"] {
        let bytes = format!("HTTP/1.1 {status}\r\nServer: x\r\n\r\n");
        for framing in [ResponseFraming::Sized(3), ResponseFraming::Chunked, ResponseFraming::None] {
            let out = rewrite_response(bytes.as_bytes(), framing, false, false, &Edits::default());
            assert_eq!(out, bytes);
        }
    }
}

#[test]
fn an_answer_to_head_is_written_with_the_length_of_the_answer_to_get() {
    let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n";
    let mut out = Vec::new();
    let head = response(bytes, true).unwrap();
    write_response(&mut out, bytes, &head, head.framing, false, false, &Edits::default());
    assert_eq!(out, bytes);
}

#[test]
fn a_response_keeps_the_cookies_of_the_backend_beside_ours() {
    let bytes = b"HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nContent-Length: 0\r\n\r\n";
    let edits = Edits { append: &[(Name::SetCookie, b"b")], ..Edits::default() };
    let out = rewrite_response(bytes, ResponseFraming::Sized(0), false, false, &edits);
    assert_eq!(out, "HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 0\r\n\r\n");
}

#[test]
fn our_own_response_is_whole() {
    let write = |status, close, head_only| {
        let mut out = Vec::new();
        let fields: &[(&str, &[u8])] = &[("Date", b"now"), ("Bad", b"\r\n")];
        write_own_response(&mut out, status, close, (fields, &Overlay::default()), b"gone", head_only);
        String::from_utf8(out).unwrap()
    };
    let start = "HTTP/1.1 404 Not Found\r\nDate: now\r\nContent-Length: 4\r\n";
    assert_eq!(write(404, false, false), format!("{start}\r\ngone"));
    assert_eq!(write(404, true, false), format!("{start}Connection: close\r\n\r\ngone"));
    assert_eq!(write(404, false, true), format!("{start}\r\n"));
    assert_eq!(write(204, false, false), "HTTP/1.1 204 No Content\r\nDate: now\r\n\r\n");
    assert_eq!(write(100, false, false), "HTTP/1.1 100 Continue\r\nDate: now\r\n\r\n");
    assert!(Refusal::ALL.iter().all(|refusal| !reason_phrase(refusal.status()).is_empty()));
}

#[test]
fn rendered_lines_replace_what_came_and_break_out_no_more_than_edits_do() {
    let instead: [(Name, &[u8]); 5] = [
        (Name::XRealIp, b"192.0.2.1"),
        (Name::XForwardedFor, b"1\r\nEvil: 1"),
        (Name::Host, b"evil"),
        (Name::ContentLength, b"5"),
        (Name::XScheme, b"http"),
    ];
    let lines = Lines::new(&instead, &[(Name::Via, b"1.1 us")]);
    let bytes = get("x-real-ip: evil\r\nX-Forwarded-For: evil\r\nVia: 1.1 them\r\nX-SCHEME: evil\r\n");
    let edits = Edits { lines: Some(&lines), ..Edits::default() };
    assert_eq!(
        rewrite(&bytes, &[b"/"], b"a", Framing::None, &edits),
        "GET / HTTP/1.1\r\nHost: a\r\nVia: 1.1 them\r\nX-Real-IP: 192.0.2.1\r\nX-Scheme: http\r\nVia: 1.1 us\r\n\r\n"
    );
}

#[test]
fn fields_leave_one_by_one_or_in_runs_alike() {
    // Every second field, or its neighbour, or its spacing, keeps it out of a run.
    let bytes = get("A: 1\r\nB: 2\r\nC:3\r\nD: 4 \r\nE:  5\r\nF: 6\r\nTE: x\r\nG: 7\r\nI:\r\nJ: \r\nK: 8\r\n");
    let edits = Edits { remove_more: &["b"], ..Edits::default() };
    assert_eq!(
        rewrite(&bytes, &[b"/"], b"a", Framing::None, &edits),
        "GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nC: 3\r\nD: 4\r\nE: 5\r\nF: 6\r\nG: 7\r\nI: \r\nJ: \r\nK: 8\r\n\r\n"
    );
}

#[test]
fn unknown_names_are_removed_by_name_and_by_beginning() {
    let bytes = get(
        "X-Forwarded-Ssl: on\r\nx-FORWARDED-client-cert: c\r\nX-Forwarde: 1\r\nTrue-Client-IP: 1\r\nTrue-Client: 2\r\n",
    );
    let edits = Edits { remove_more: &["true-client-ip"], remove_prefixes: &["x-forwarded-"], ..Edits::default() };
    assert_eq!(
        rewrite(&bytes, &[b"/"], b"a", Framing::None, &edits),
        "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarde: 1\r\nTrue-Client: 2\r\n\r\n"
    );
}
