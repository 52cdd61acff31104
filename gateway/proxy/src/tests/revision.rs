//! What a backend's answer says otherwise, line for line.

use std::sync::Arc;

use bulkhead_model::Filters;
use bulkhead_model::revision::{Attribute, Revision, Wanted};
use bulkhead_model::substitution::Substitution;
use bulkhead_model::template::Template;
use http::Request;

use super::http2;
use super::support::Lane;

const GET: &str = "GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n";

async fn start(wanted: Wanted<Template>) -> Lane {
    let lane = Lane::start().await;
    lane.publish_filtered(2, Filters { revision: Revision::new(wanted).map(Arc::new), ..Filters::default() });
    lane
}

fn cookies() -> Wanted<Template> {
    Wanted { path: Some(Attribute::parse("/", "/shop/", false).unwrap()), ..Wanted::default() }
}

#[tokio::test]
async fn cookies_stay_in_order_and_what_is_for_one_connection_is_not_raised_again() {
    let lane = start(cookies()).await;
    let mut client = lane.client().await;
    client.send(GET).await;
    let mut backend = lane.accept().await;
    backend.head().await;
    backend
        .send("HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/\r\nset-cookie: broken\r\nX-A: 1\r\nSet-Cookie: c=3;path=/c\r\nSet-Cookie: a=4\r\nContent-Length: 1\r\n\r\n.")
        .await;
    let answer = client.until("\r\n\r\n.").await;
    let lines: Vec<&str> = answer.lines().filter_map(|line| line.strip_prefix("Set-Cookie: ")).collect();
    assert_eq!(lines, ["a=1; Path=/shop/", "broken", "c=3;path=/shop/c", "a=4"], "{answer}");
    assert!(answer.contains("\r\nX-A: 1\r\n") && !answer.contains("set-cookie"), "{answer}");

    // A response in which nothing is meant is written as it came.
    client.send(GET).await;
    backend.head().await;
    backend.send("HTTP/1.1 200 OK\r\nset-cookie: b=2\r\nContent-Length: 1\r\n\r\n.").await;
    assert!(client.until("\r\n\r\n.").await.contains("\r\nset-cookie: b=2\r\n"));

    client.send(GET).await;
    backend.head().await;
    backend
        .send("HTTP/1.1 200 OK\r\nConnection: location\r\nLocation: /hop\r\nSet-Cookie: d=1;Path=/\r\nContent-Length: 1\r\n\r\n.")
        .await;
    let answer = client.until("\r\n\r\n.").await;
    assert!(answer.contains("d=1;Path=/shop/") && !answer.contains("/hop"), "{answer}");
}

#[tokio::test]
async fn a_client_of_http2_is_told_the_same() {
    let places = Substitution::parse("http://mill/", "https://$host/", false).unwrap();
    let lane = start(Wanted { places: Some(places), ..cookies() }).await;
    let mut requests = http2::connect(&lane).await;
    let request = Request::get("http://a.test/x").body(()).unwrap();
    let (response, _) = http2::send(&mut requests, request, true).await;
    let mut backend = lane.accept().await;
    backend.head().await;
    backend
        .send("HTTP/1.1 302 Found\r\nLocation: http://mill/y\r\nSet-Cookie: a=1; Path=/\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n")
        .await;
    let response = http2::answer(response).await.unwrap();
    assert_eq!(response.headers()["location"], "https://a.test/y");
    let cookies: Vec<_> = response.headers().get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=1; Path=/shop/", "b=2"]);
}
