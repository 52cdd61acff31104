//! Requests whose two sides take turns: broken off, answered early, or waiting for permission.

use bulkhead_tests::exchange::Connection;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::is_beginning;
use crate::support::PATIENCE;
use crate::support::backend::Backend;
use crate::support::lane::Lane;
use crate::support::manifest::{all_of, document, file, ingress, served};
use crate::support::message::Request;

/// Content that ends before its length: the backend sees what there was, and then the end of the connection.
#[tokio::test]
async fn a_request_that_its_client_breaks_off_is_never_complete() {
    let lane = Lane::start(&document()).await;
    let backend = Backend::echo().await;
    lane.put("web.yaml", &file(&[ingress("web", &[all_of("broken.test", "web")]), served("web", backend.port())]));
    lane.wait("an endpoint", |report| report.routes == 1 && report.endpoints == 1).await;
    let sized = "POST /1 HTTP/1.1\r\nHost: broken.test\r\nContent-Length: 9\r\n\r\nabc";
    let chunked = "POST /2 HTTP/1.1\r\nHost: broken.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
    let sends = [sized, chunked, &format!("{chunked}0\r\n"), "GET /x HTTP/1.1\r\nHost: broken.test\r\n"];
    let mut clients = Vec::new();
    for sends in sends {
        let mut client = lane.connect().await;
        client.write(sends).await.unwrap();
        clients.push(client);
    }
    // Whoever leaves before that is not heard of at the backend.
    bulkhead_tests::wait::wait_for("the beginning of three of them", PATIENCE, async || {
        anyhow::ensure!(backend.begun() == 3, "{}", backend.begun());
        Ok(())
    })
    .await
    .unwrap();
    drop(clients);
    bulkhead_tests::wait::wait_for("the end of all of them", PATIENCE, async || {
        let faults = lane.faults().await;
        anyhow::ensure!(faults.get("client_gone") == Some(&(sends.len() as u64)), "{faults:?}");
        Ok(())
    })
    .await
    .unwrap();
    assert_eq!(lane.get("broken.test", "/after").await.text(), "GET /after");
    let saw = backend.saw().await;
    let lines: Vec<String> = saw.requests.iter().map(Request::line).collect();
    assert_eq!((lines, saw.malformed.len(), saw.broken.len()), (vec!["GET /after".to_owned()], 0, 3));
    for broken in &saw.broken {
        let of = |begun: &str| is_beginning(broken, begun.as_bytes(), lane.http.port()).is_ok();
        assert!(of(sized) || of(chunked), "{}", broken.escape_ascii());
    }
}

/// A backend that the test plays itself.
struct Played {
    lane: std::sync::Arc<Lane>,
    name: &'static str,
    listener: TcpListener,
}

impl Played {
    async fn new(name: &'static str) -> Self {
        let (lane, listener) = (Lane::shared().await, TcpListener::bind("127.0.0.1:0").await.unwrap());
        let host = format!("{name}.test");
        let manifests = [ingress(name, &[all_of(&host, name)]), served(name, listener.local_addr().unwrap().port())];
        lane.put(&format!("{name}.yaml"), &file(&manifests));
        bulkhead_tests::wait::wait_for("the route", PATIENCE, async || {
            let routes = lane.routes().await.routes;
            anyhow::ensure!(routes.iter().any(|route| route.host == host && route.endpoints == 1), "{routes:?}");
            Ok(())
        })
        .await
        .unwrap();
        Self { lane, name, listener }
    }

    async fn accept(&self) -> Connection<TcpStream> {
        Connection::over(timeout(PATIENCE, self.listener.accept()).await.unwrap().unwrap().0)
    }
}

impl Drop for Played {
    fn drop(&mut self) {
        self.lane.remove(&format!("{}.yaml", self.name));
    }
}

/// The rest of the content cannot be told from the next request once nobody reads it, so that both connections end.
#[tokio::test]
async fn an_answer_before_the_content_is_complete_ends_both_connections() {
    let played = Played::new("early").await;
    for framing in ["Content-Length: 100", "Transfer-Encoding: chunked"] {
        let mut client = played.lane.connect().await;
        client.write(format!("POST / HTTP/1.1\r\nHost: early.test\r\n{framing}\r\n\r\n")).await.unwrap();
        let mut backend = played.accept().await;
        backend.until(b"\r\n\r\n").await.unwrap();
        backend.write("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno").await.unwrap();
        let answer = client.answer().await.unwrap();
        assert_eq!((answer.status, answer.text().as_str(), answer.header("connection")), (403, "no", Some("close")));
        // What the client sends all the same is neither a request nor content any more.
        let _ = client.write("GET /smuggled HTTP/1.1\r\nHost: early.test\r\n\r\n").await;
        assert!(client.closed().await.unwrap_or_default().is_empty());
        assert!(backend.closed().await.unwrap_or_default().is_empty(), "{framing}");
    }
}

#[tokio::test]
async fn a_client_that_waits_for_permission_gets_it_once_and_the_backend_is_never_asked() {
    let played = Played::new("expect").await;
    for (framing, content, seen) in [
        ("Content-Length: 2", "hi", "hi"),
        ("Transfer-Encoding: chunked", "2\r\nhi\r\n0\r\n\r\n", "2\r\nhi\r\n0\r\n\r\n"),
    ] {
        let mut client = played.lane.connect().await;
        client
            .write(format!("PUT / HTTP/1.1\r\nHost: expect.test\r\nExpect: 100-continue\r\n{framing}\r\n\r\n"))
            .await
            .unwrap();
        assert_eq!(client.until(b"\r\n\r\n").await.unwrap(), b"HTTP/1.1 100 Continue\r\n\r\n");
        client.write(content).await.unwrap();
        let mut backend = played.accept().await;
        let head = backend.until(b"\r\n\r\n").await.unwrap();
        assert!(!String::from_utf8_lossy(&head).to_lowercase().contains("expect:"), "{}", head.escape_ascii());
        assert_eq!(backend.exactly(seen.len()).await.unwrap(), seen.as_bytes());
        backend
            .write("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            .await
            .unwrap();
        assert!(client.until(b"\r\n\r\n").await.unwrap().starts_with(b"HTTP/1.1 204 No Content\r\n"));
    }
}

/// Nothing is sent along a tunnel that nobody has opened: content, pipelined requests and plain bytes stay what they are.
#[tokio::test]
async fn a_switch_that_is_not_passed_on_is_never_made() {
    let played = Played::new("switch").await;
    let mut client = played.lane.connect().await;
    let upgrade = "GET /chat HTTP/1.1\r\nHost: switch.test\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n";
    client.write(format!("{upgrade}GET /next HTTP/1.1\r\nHost: switch.test\r\n\r\n")).await.unwrap();
    let mut backend = played.accept().await;
    let head = String::from_utf8(backend.until(b"\r\n\r\n").await.unwrap()).unwrap().to_lowercase();
    assert!(head.starts_with("get /chat ") && !head.contains("upgrade"), "{head}");
    backend.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: chat\r\nConnection: Upgrade\r\n\r\n").await.unwrap();
    assert_eq!(client.answer().await.unwrap().status, 502);
    assert!(backend.closed().await.unwrap().is_empty(), "nothing may follow on this connection");
    let mut backend = played.accept().await;
    assert!(backend.until(b"\r\n\r\n").await.unwrap().starts_with(b"GET /next "));
    backend.write("HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
    assert_eq!(client.answer().await.unwrap().status, 204);
}
