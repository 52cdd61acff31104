//! What a backend is told of the host where it is asked for another one.

use bulkhead_model::{Filters, Template};

use super::support::Lane;

#[tokio::test]
async fn a_backend_that_is_asked_for_another_host_knows_the_clients() {
    let lane = Lane::start().await;
    let vhost = Some(Template::parse("inner.test:81").unwrap());
    lane.publish_filtered(2, Filters { vhost, ..Filters::default() });
    let mut client = lane.client().await;
    client.send("GET / HTTP/1.1\r\nHost: A.Test:8080\r\nX-Forwarded-Host: forged\r\n\r\n").await;
    let head = lane.accept().await.head().await;
    assert!(head.contains("\r\nHost: inner.test:81\r\n"), "{head}");
    assert!(head.contains("\r\nX-Forwarded-Host: a.test:8080\r\n") && !head.contains("forged"), "{head}");
}
