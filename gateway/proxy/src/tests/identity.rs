//! Forged identities: what backends are told of a client is what the gateway saw, in whatever words a client says otherwise.
//!
//! As in Traefik CVE-2024-45410 and CVE-2026-29054 (fields of the gateway taken away by nominating them in Connection), Traefik
//! CVE-2026-33433 and Caddy CVE-2026-30851 (another spelling), and Envoy CVE-2026-26308 (a check that saw one of several values).

use bulkhead_model::Settings;
use bulkhead_model::settings::Network;
use http::Request;

use super::http2::{connect, send};
use super::support::Lane;

/// Fields of a head as a backend reads them that takes `_` for `-`, as CGI does, and knows no case: the values of `name`.
fn values<'h>(head: &'h str, name: &str) -> Vec<&'h str> {
    let same = |line: &&'h str| {
        let read = line.split(':').next().unwrap_or_default().to_ascii_lowercase().replace(['_', '.'], "-");
        read == name
    };
    head.lines().filter(same).map(|line| line.split_once(": ").map_or("", |(_, value)| value)).collect()
}

fn told(head: &str) -> Vec<Vec<&str>> {
    let names = ["x-forwarded-for", "x-real-ip", "x-forwarded-proto", "x-forwarded-host", "forwarded", "x-client-ip"];
    names.map(|name| values(head, name)).to_vec()
}

#[tokio::test]
async fn a_client_is_who_it_is_however_it_spells_another_one() {
    let lane = Lane::start().await;
    let truth = [vec!["127.0.0.1"], vec!["127.0.0.1"], vec!["http"], vec!["a.test"], vec![], vec![]];
    for lie in [
        "X-Forwarded-For: 6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: b.test\r\n",
        "x-forwarded-for: 6.6.6.6\r\nX-FORWARDED-FOR: 7.7.7.7\r\nx-Forwarded-For:\r\n",
        "X_Forwarded_For: 6.6.6.6\r\nX_Real_IP: 6.6.6.6\r\nX_Forwarded-Proto: https\r\nX-Forwarded_Host: b.test\r\n",
        "X.Forwarded.For: 6.6.6.6\r\nX.Real.IP: 6.6.6.6\r\n",
        "Forwarded: for=6.6.6.6;proto=https\r\nFORWARDED: for=7.7.7.7\r\nX-Client-IP: 6.6.6.6\r\nX_Client_IP: 6.6.6.6\r\n",
    ] {
        let mut client = lane.client().await;
        client.send(&format!("GET / HTTP/1.1\r\nHost: a.test\r\n{lie}Connection: close\r\n\r\n")).await;
        let mut backend = lane.accept().await;
        let head = backend.head().await;
        assert_eq!(told(&head), truth, "{lie}{head}");
        assert!(!head.contains("6.6.6.6") && !head.contains("7.7.7.7") && !head.contains("b.test"), "{head}");
        let mut requests = connect(&lane).await;
        let fields = lie.lines().map(|line| line.split_once(':').unwrap());
        let request = fields.fold(Request::get("http://a.test/"), |request, (name, value)| {
            request.header(name.to_ascii_lowercase(), value.trim())
        });
        let _answer = send(&mut requests, request.body(()).unwrap(), true).await;
        let mut backend = lane.accept().await;
        let head = backend.head().await;
        assert_eq!(told(&head), truth, "{lie}{head}");
    }
}

#[tokio::test]
async fn nobody_has_the_words_of_the_gateway_left_out() {
    let lane = Lane::start().await;
    for nominated in [
        "X-Forwarded-For",
        "x-real-ip",
        "close, X-Forwarded-Proto",
        "X-Forwarded-Host",
        "Ssl-Client-Verify",
        "Host",
        "x-forwarded-x",
    ] {
        let mut client = lane.client().await;
        client.send(&format!("GET / HTTP/1.1\r\nHost: a.test\r\nConnection: {nominated}\r\n\r\n")).await;
        let head = client.head().await;
        assert!(head.starts_with("HTTP/1.1 400 "), "{nominated}: {head}");
    }
    assert_eq!(lane.proxy.tally().upstream_connects, 0);
}

/// Of two values no reader knows which counts, so that a trusted peer, who passes on what clients send, is not believed either.
#[tokio::test]
async fn what_a_trusted_peer_says_twice_is_not_believed() {
    let mut settings = Settings::default();
    settings.forwarded.trusted = vec![Network { address: "127.0.0.0".parse().unwrap(), prefix: 8 }];
    let lane = Lane::with(settings).await;
    for (said, proto, host) in [
        ("X-Forwarded-Proto: https\r\nX-Forwarded-Host: b.test\r\n", "https", "b.test"),
        ("X-Forwarded-Proto: https\r\nx-forwarded-proto: http\r\n", "http", "a.test"),
        ("X-Forwarded-Host: b.test\r\nX-Forwarded-Host: c.test\r\nX-Forwarded-Proto:\r\n", "http", "a.test"),
    ] {
        let mut client = lane.client().await;
        client
            .send(&format!("GET / HTTP/1.1\r\nHost: a.test\r\n{said}X-Forwarded-For: 6.6.6.6, 7.7.7.7\r\n\r\n"))
            .await;
        let mut backend = lane.accept().await;
        let head = backend.head().await;
        assert_eq!((values(&head, "x-forwarded-proto"), values(&head, "x-forwarded-host")), (vec![proto], vec![host]));
        // Written by the peer itself; what stands before it anybody may have written.
        assert_eq!(values(&head, "x-real-ip"), ["7.7.7.7"], "{head}");
    }
}
