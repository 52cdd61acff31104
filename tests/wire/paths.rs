//! One path, one meaning: what is matched is what the backend sees, or the request is refused.
//!
//! `/admin` has a backend of its own beside the one for everything else, so that each row tells where a path was routed and how it arrived.

use crate::support::backend::{Backend, Reply};
use crate::support::lane::Lane;
use crate::support::manifest::{Path, file, ingress, served};
use crate::support::message::Request;

/// Request target, and who saw which target; empty: refused.
type Row = (&'static [u8], &'static str);

#[rustfmt::skip]
const TABLE: &[Row] = &[
    (b"/", "open /"),
    (b"/admin", "admin /admin"),
    (b"/admin/", "admin /admin/"),
    (b"/admin/x", "admin /admin/x"),
    (b"/administrator", "open /administrator"),
    (b"/Admin", "open /Admin"),
    // What needs no encoding is decoded before anybody matches.
    (b"/%61dmin", "admin /admin"),
    (b"/%61%64%6D%69%6e/x", "admin /admin/x"),
    (b"/admin%2dx", "open /admin-x"),
    (b"/%7euser", "open /~user"),
    // What needs it keeps it, in one spelling.
    (b"/a%20b", "open /a%20b"),
    (b"/caf%c3%a9", "open /caf%C3%A9"),
    (b"/caf\xc3\xa9", "open /caf%C3%A9"),
    (b"/%3b%3f%23%25", "open /%3B%3F%23%25"),
    (b"/%2561dmin", "open /%2561dmin"),
    (b"/%252e%252e/admin", "open /%252e%252e/admin"),
    (b"/[x]", "open /%5Bx%5D"),
    (b"/a;b=c/d", "open /a;b=c/d"),
    (b"/admin;x", "open /admin;x"),
    (b"/admin;x/y", "open /admin;x/y"),
    (b"/a!$&'()*+,;=:@b", "open /a!$&'()*+,;=:@b"),
    // Dot segments go before anybody matches.
    (b"/x/../admin", "admin /admin"),
    (b"/x/%2e%2e/admin", "admin /admin"),
    (b"/x/.%2E/admin", "admin /admin"),
    (b"/./admin", "admin /admin"),
    (b"/admin/.", "admin /admin/"),
    (b"/admin/..", "open /"),
    (b"/admin/../x", "open /x"),
    (b"/admin/%2e%2e/x", "open /x"),
    (b"/admin/x/../..", "open /"),
    (b"/...", "open /..."),
    (b"/.well-known/acme", "open /.well-known/acme"),
    (b"/..x", "open /..x"),
    // A slash more is another path, and never an authority.
    (b"//admin", "open //admin"),
    (b"/admin//x", "admin /admin//x"),
    (b"//evil.example/x", "open //evil.example/x"),
    (b"/x//admin", "open /x//admin"),
    // An escaped slash is a part of a name, and stays one where it leads nowhere else as a slash.
    (b"/group%2fproject", "open /group%2Fproject"),
    (b"/group%2Fproject/files/a%2Fb%5cc?x=%2f", "open /group%2Fproject/files/a%2Fb%5Cc?x=%2f"),
    (b"/admin/group%2Fproject", "admin /admin/group%2Fproject"),
    (b"/administrator%2F", "open /administrator%2F"),
    (b"/x%2fadmin", "open /x%2Fadmin"),
    (b"/x/../%61dmin/a%5cb", "admin /admin/a%5Cb"),
    (b"/a%2f...%2F..b", "open /a%2F...%2F..b"),
    (b"/http%3A%2F%2Fa.example%2F", "open /http%3A%2F%2Fa.example%2F"),
    (b"/x%252f..%252fadmin", "open /x%252f..%252fadmin"),
    // Nobody routes by a query.
    (b"/x?/admin", "open /x?/admin"),
    (b"/admin?x=../..&y=%zz&z=%2f", "admin /admin?x=../..&y=%zz&z=%2f"),
    (b"/x?", "open /x?"),
    (b"/x?a?b", "open /x?a?b"),
    (b"/%61?%61", "open /a?%61"),
    // What two readers could take for two paths.
    (b"/..", ""), (b"/../admin", ""), (b"/x/../../admin", ""), (b"/%2e%2e/admin", ""),
    (b"/..;/admin", ""), (b"/x/..;y/admin", ""), (b"/x/..%3b/admin", ""), (b"/.;x/admin", ""), (b"/x/%2e%2e;/admin", ""),
    (b"//..", ""), (b"/x//../admin", ""),
    (b"/x/..%2fadmin", ""), (b"/x%2f..%2Fadmin", ""), (b"/x%2f%2e%2e%2fadmin", ""), (b"/%2e%2e%2fadmin", ""), (b"/..%2fadmin", ""),
    (b"/x/..%5cadmin", ""), (b"/x%5C..%2Fadmin", ""), (b"/x%2f..;y%2fadmin", ""), (b"/x%2f.", ""), (b"/x\\admin", ""),
    (b"/a%2fb/../admin", ""), (b"/a%5c/%2e%2e/admin", ""), (b"/admin/x%2f..", ""), (b"/..%c0%2fadmin", ""), (b"/..%c1%5cadmin", ""),
    // Another route for who takes the escaped slash for a slash.
    (b"/admin%2f", ""), (b"/admin%2Fx", ""), (b"/admin%5cx", ""), (b"/%61dmin%2Fx", ""), (b"/admin%2f/x", ""),
    (b"/admin%00", ""), (b"/%00/admin", ""), (b"/x%0d%0aHost:%20evil", ""), (b"/%01", ""), (b"/%1f", ""), (b"/%7f", ""),
    (b"/%", ""), (b"/%4", ""), (b"/%zz", ""), (b"/%+1", ""), (b"/%u0061dmin", ""), (b"/admin%", ""),
    (b"/%c0%ae%c0%ae/admin", ""), (b"/%c0%afadmin", ""), (b"/%e0%80%af", ""), (b"/%f0%80%80%af", ""),
    (b"/\xff", ""), (b"/\xc3", ""), (b"/x?\xff", ""),
    (b"/admin#x", ""), (b"/#/admin", ""), (b"/x?y#z", ""),
    (b"/x\"y", ""), (b"/<x>", ""), (b"/{x}", ""), (b"/x|y", ""), (b"/x^y", ""), (b"/x`y", ""),
];

/// As in Traefik CVE-2025-47952 and CVE-2025-66490, Caddy CVE-2026-27587 and Envoy CVE-2026-73511, -73551 and -73553.
#[tokio::test]
async fn a_path_is_matched_as_the_backend_sees_it_or_refused() {
    let answer = |name: &'static str| move |request: &Request| Reply::ok(&format!("{name} {}", request.target()));
    let (open, admin) = (Backend::start(answer("open")).await, Backend::start(answer("admin")).await);
    let lane = Lane::shared().await;
    let paths = [
        Path { host: "paths.test", path: "/", kind: "Prefix", service: "paths-open" },
        Path { host: "paths.test", path: "/admin", kind: "Prefix", service: "paths-admin" },
    ];
    lane.put(
        "paths.yaml",
        &file(&[ingress("paths", &paths), served("paths-open", open.port()), served("paths-admin", admin.port())]),
    );
    lane.wait_for("paths.test", "/admin", 200, "admin /admin").await;
    lane.wait_for("paths.test", "/", 200, "open /").await;
    for backend in [&open, &admin] {
        backend.saw().await;
    }
    println!("cases: {} paths behind two routes", TABLE.len());
    let mut wrong = Vec::new();
    for (target, expected) in TABLE {
        let request = [b"GET ", *target, b" HTTP/1.1\r\nHost: paths.test\r\nConnection: close\r\n\r\n"].concat();
        let answer = lane.send(request).await;
        let (status, expected) = if expected.is_empty() { (400, "400 the ") } else { (200, *expected) };
        // An answer of the gateway says why; one of a backend is its own, to the letter.
        let right = if status == 200 { answer.text() == expected } else { answer.text().starts_with("400 ") };
        if answer.status != status || !right {
            wrong.push(format!(
                "{}: {} {:?}, not {status} {expected:?}",
                target.escape_ascii(),
                answer.status,
                answer.text()
            ));
        }
    }
    let seen = open.saw().await.requests.len() + admin.saw().await.requests.len();
    lane.remove("paths.yaml");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(
        seen,
        TABLE.iter().filter(|(_, expected)| !expected.is_empty()).count(),
        "a refused request reached a backend"
    );
}
