//! How large the heads of a backend of HTTP/2 may be.

use std::future::poll_fn;

use bulkhead_model::limits;
use http::{HeaderValue, Response};

use super::http2::{Backend, GET, lane};

/// Drives the connection while `other` runs, if it does not end before.
async fn during_or_after<T>(backend: &mut Backend, other: impl Future<Output = T>) -> T {
    let connection = &mut backend.connection;
    let driven = async {
        // However it ends.
        let _ = poll_fn(|cx| connection.poll_closed(cx)).await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        biased;
        () = driven => unreachable!("it waits for ever"),
        done = other => done,
    }
}

#[tokio::test]
async fn a_backends_header_list_has_so_many_bytes_and_no_more() {
    let most = limits::RESPONSE_HEADER_LIST.size();
    // What a field counts besides its bytes (RFC 9113 section 6.5.2). Of the codec: a list of exactly the bound is refused already.
    let around = ":status".len() + "200".len() + 32 + "x".len() + 32;
    for (bytes, passes) in [(most - 1, true), (most, false), (most + 1, false), (most * 10, false)] {
        let lane = lane().await;
        let mut client = lane.client().await;
        client.send(GET).await;
        let mut backend = Backend::accept(&lane).await;
        let (_, mut respond) = backend.call().await;
        let long = HeaderValue::from_bytes(&vec![b'y'; bytes - around]).unwrap();
        let response = Response::builder().header("x", long).body(()).unwrap();
        respond.send_response(response, true).unwrap();
        let answer = during_or_after(&mut backend, client.head()).await;
        let status = if passes { "HTTP/1.1 200 " } else { "HTTP/1.1 502 " };
        assert!(answer.starts_with(status), "{bytes}: {}", answer.lines().next().unwrap_or_default());
        assert_eq!(lane.faults("bad_response"), u64::from(!passes), "{bytes}");
    }
}
