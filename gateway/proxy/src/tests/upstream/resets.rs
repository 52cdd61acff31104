//! Requests that are taken back, on connections that others share.

use http::Request;

use super::http2::{Backend, GET, lane, no_content};
use crate::tests::http2::{connect, send};
use crate::tests::support::eventually;

/// Servers take many resets of requests that they have not looked at yet for an attack, and end the connection.
#[tokio::test]
async fn a_client_that_takes_back_all_it_asks_for_hurts_nobody_else_on_a_shared_connection() {
    let lane = lane().await;
    let (mut honest, mut late) = (lane.client().await, lane.client().await);
    honest.send(GET).await;
    let mut shared = Backend::accept(&lane).await;
    let (_, mut respond) = shared.call().await;
    let mut hostile = connect(&lane).await;
    let mut asked = Vec::new();
    for _ in 0..60 {
        let request = Request::get("http://a.test/").body(()).unwrap();
        asked.push(send(&mut hostile, request, true).await);
    }
    eventually("all requests are on their way", || lane.proxy.tally().in_flight == 61).await;
    drop(asked);
    eventually("they are taken back", || lane.proxy.tally().in_flight == 1).await;
    // Only now does the backend look: at heads and resets at once.
    respond.send_response(no_content(), true).unwrap();
    let head = shared.during(honest.head()).await;
    assert!(head.starts_with("HTTP/1.1 204 "), "{head}");
    late.send(GET).await;
    let mut other = shared.during(Backend::accept(&lane)).await;
    let (_, mut respond) = shared.during(other.call()).await;
    respond.send_response(no_content(), true).unwrap();
    shared.during(other.during(late.head())).await;
}
