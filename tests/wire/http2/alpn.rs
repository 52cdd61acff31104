//! Which version is spoken over TLS (RFC 7301), asked by OpenSSL.

use std::process::Stdio;

use tokio::process::Command;
use tokio::time::timeout;

use crate::support::PATIENCE;
use crate::support::lane::{Lane, gateway};
use crate::support::manifest::document;

#[tokio::test]
async fn the_version_is_what_client_and_gateway_both_speak() {
    let mut command = gateway();
    command.env("BULKHEAD_HTTPS", "127.0.0.1:0");
    let lane = Lane::start_as(&document(), command).await;
    for (offered, spoken) in [
        ("h2", "ALPN protocol: h2"),
        ("h2,http/1.1", "ALPN protocol: h2"),
        ("http/1.1,h2", "ALPN protocol: h2"),
        ("http/1.1", "ALPN protocol: http/1.1"),
        ("h3,http/1.1", "ALPN protocol: http/1.1"),
        ("", "No ALPN negotiated"),
        // RFC 7301 section 3.2: nothing in common is said, not guessed.
        ("h3,spdy/3", "no application protocol"),
    ] {
        for version in ["-tls1_2", "-tls1_3"] {
            let mut openssl = Command::new("openssl");
            openssl.args(["s_client", version, "-connect"]).arg(lane.https().to_string());
            if !offered.is_empty() {
                openssl.args(["-alpn", offered]);
            }
            let output = openssl.stdin(Stdio::null()).kill_on_drop(true).output();
            let output = timeout(PATIENCE, output).await.expect("openssl hangs").unwrap();
            let said =
                format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            assert!(said.contains(spoken), "{offered} {version}: {said}");
        }
    }
}
