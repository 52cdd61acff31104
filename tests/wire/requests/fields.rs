//! Host, fields that end at this hop, and names that a backend could take for others.

use super::{Case, forwarded, refused};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = hosts();
    cases.extend(aliases());
    cases.extend(nominated());
    cases.extend(hop_by_hop());
    cases.extend(claims());
    cases
}

fn hosts() -> Vec<Case> {
    let mut cases = vec![
        refused("no Host", b"GET / HTTP/1.1\r\nX: y\r\n\r\n", 400),
        // RFC 9112 asks it of HTTP/1.1 alone, but without a host there is nothing to route by.
        refused("no Host in HTTP/1.0", b"GET / HTTP/1.0\r\n\r\n", 400),
        refused("two Hosts", b"GET / HTTP/1.1\r\nHost: a.test\r\nHost: b.example\r\n\r\n", 400),
        refused("one Host twice", b"GET / HTTP/1.1\r\nHost: a.test\r\nhost: a.test\r\n\r\n", 400),
        refused("an empty Host", b"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
    ];
    for host in [
        "a.test, b.example",
        "a.test,",
        "a.test/b@c",
        "user@a.test",
        "user:pass@a.test",
        "a.test?x",
        "a.test#x",
        "a.test b",
        "a.test\\b",
        "a.test:80:80",
        "a.test:x",
        "a.test:",
        "a.test:65536",
        "a.test:-1",
        "a..test",
        ".a.test",
        "a.test..",
        "%61.test",
        "*.test",
        "[::1",
        "[a.test]",
        "\"a.test\"",
        "<a.test>",
        "\u{e9}.test",
        "a.test\0",
    ] {
        cases.push(refused(
            "a Host that is not one host",
            format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes(),
            400,
        ));
    }
    for (host, canonical) in [
        ("a.test", "a.test"),
        ("a.test:80", "a.test:80"),
        ("a.test:8443", "a.test:8443"),
        ("a.test.", "a.test"),
        ("a.test.:8443", "a.test:8443"),
    ] {
        let with = |host: &str| format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes();
        cases.push(forwarded("a Host, with a port or a root label", with(host), with(canonical)));
    }
    cases
}

/// To a backend that makes variables of names, `_` is `-`.
fn aliases() -> Vec<Case> {
    let drops = |line: &str| {
        let request = format!("POST / HTTP/1.1\r\nHost: a.test\r\n{line}\r\nContent-Length: 2\r\n\r\nhi").into_bytes();
        forwarded(
            "a name that is another one's alias",
            request,
            b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nhi",
        )
    };
    [
        "Transfer_Encoding: chunked",
        "Content_Length: 40",
        "X_Real_IP: 6.6.6.6",
        "X_Forwarded_For: 6.6.6.6",
        "X-Forwarded_For: 6.6.6.6",
        "Host_: evil.example",
        "X.Real.IP: 6.6.6.6",
        "Proxy: http://evil.example/",
    ]
    .map(drops)
    .into()
}

fn nominated() -> Vec<Case> {
    let mut cases = vec![
        forwarded(
            "Connection ends what it names, in any case",
            b"GET / HTTP/1.1\r\nHost: a.test\r\nX-Secret: y\r\nX-Other: z\r\nConnection: keep-alive, x-SECRET\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a.test\r\nX-Other: z\r\n\r\n",
        ),
        forwarded(
            "Connection names what is not there",
            b"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: X-Nothing\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n",
        ),
        refused(
            "Connection names more than any sender does",
            format!("GET / HTTP/1.1\r\nHost: a.test\r\nConnection: {}\r\n\r\n", "x, ".repeat(17)).into_bytes(),
            400,
        ),
        refused(
            "Connection is no list of tokens",
            b"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: \"close\"\r\n\r\n",
            400,
        ),
    ];
    for name in [
        "Host",
        "X-Real-IP",
        "x-forwarded-for",
        "X-Forwarded-Anything",
        "Authorization",
        "Cookie",
        "Content-Length",
        "Transfer-Encoding",
        "Content-Type",
    ] {
        let request = format!("GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close, {name}\r\n\r\n").into_bytes();
        cases.push(refused("Connection names what is meant for the backend", request, 400));
    }
    cases
}

fn hop_by_hop() -> Vec<Case> {
    let mut cases: Vec<Case> = [
        "Keep-Alive: timeout=5",
        "Proxy-Connection: keep-alive",
        "Proxy-Authorization: Basic eA==",
        "Proxy-Authenticate: Basic",
        "TE: gzip",
        "Trailer: X",
        "Upgrade: TLS/1.2",
    ]
    .map(|line| {
        let request = format!("GET / HTTP/1.1\r\nHost: a.test\r\n{line}\r\nX: y\r\n\r\n").into_bytes();
        forwarded("a field that ends at this hop", request, b"GET / HTTP/1.1\r\nHost: a.test\r\nX: y\r\n\r\n")
    })
    .into();
    // Trailers are passed on, so their place is asked for again on the next hop, and nothing else that was asked for.
    cases.push(forwarded(
        "trailers are welcome",
        b"GET / HTTP/1.1\r\nHost: a.test\r\nTE: trailers, gzip\r\nX: y\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a.test\r\nX: y\r\nConnection: TE\r\nTE: trailers\r\n\r\n",
    ));
    cases
}

/// Where a request comes from is for the gateway to say.
fn claims() -> Vec<Case> {
    [
        "X-Forwarded-For: 6.6.6.6",
        "X-Forwarded-Host: evil.example",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Port: 443",
        "x-real-ip: 6.6.6.6",
        "Forwarded: for=6.6.6.6",
        "X-Forwarded-Prefix: /admin",
        "X-Original-URL: /admin",
        "X-Original-URI: /admin",
        "X-Forwarded-Ssl: on",
        "X-Forwarded-Client-Cert: Subject=\"CN=admin\"",
        "Ssl-Client-Verify: SUCCESS",
        "True-Client-IP: 6.6.6.6",
    ]
    .map(|line| {
        let request = format!("GET / HTTP/1.1\r\nHost: a.test\r\n{line}\r\n{line}\r\n\r\n").into_bytes();
        forwarded("a claim of a client that nobody trusts", request, b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
    })
    .into()
}
