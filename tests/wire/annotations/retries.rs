//! When another endpoint is asked: for routes with two, which a case does not have.

use tokio::net::TcpListener;

use crate::support::backend::{Backend, Reply};
use crate::support::lane::Lane;
use crate::support::manifest::{all_of, document, file, ingress, service, slices};

const HOST: &str = "again.test";
/// Enough for both endpoints to have their turn on every thread, and less than what second tries may cost.
const ASKED: usize = 8;

/// A gateway whose route leads to two endpoints, and has this annotation.
async fn lane(annotation: &str, ports: [u16; 2]) -> Lane {
    let mut settings = document();
    settings.upstream.tries = 2;
    let lane = Lane::start(&settings).await;
    let metadata = format!("name: web, annotations: {{nginx.ingress.kubernetes.io/{annotation}}},");
    let ingress = ingress("web", &[all_of(HOST, "web")]).replacen("name: web,", &metadata, 1);
    let [one, other] = ports.map(|port| (port, "ready: true"));
    lane.put("web.yaml", &file(&[ingress, format!("{}{}", service("web"), slices("web", &[one, other]))]));
    lane.wait("two endpoints", |report| report.routes == 1 && report.endpoints == 2).await;
    lane
}

async fn failing(status: &'static str) -> Backend {
    Backend::start(move |_| Reply::keep(format!("HTTP/1.1 {status}\r\nContent-Length: 4\r\n\r\nfail"))).await
}

/// How often each status came back of requests with this method.
async fn ask(lane: &Lane, method: &str) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..ASKED {
        let request = format!("{method} / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 2\r\n\r\nhi");
        statuses.push(lane.send(&request).await.status);
    }
    statuses
}

fn count(statuses: &[u16], wanted: u16) -> usize {
    statuses.iter().filter(|status| **status == wanted).count()
}

#[tokio::test]
async fn an_answer_with_a_listed_status_is_given_up_for_that_of_another_endpoint() {
    let (bad, good) = (failing("503 x").await, Backend::named("good").await);
    let lane = lane("proxy-next-upstream: error timeout http_503", [bad.port(), good.port()]).await;
    assert_eq!(count(&ask(&lane, "GET").await, 200), ASKED);
    assert!(bad.count() > 0, "the other one was asked first at times");
    // What may have had an effect is not asked for again.
    bad.saw().await;
    let statuses = ask(&lane, "POST").await;
    assert_eq!((count(&statuses, 503), count(&statuses, 200)), (bad.count(), ASKED - bad.count()));
    assert!(bad.count() > 0);
}

#[tokio::test]
async fn an_answer_with_another_status_or_the_last_one_is_passed_on() {
    let (bad, worse) = (failing("503 x").await, failing("500 x").await);
    let lane = lane("proxy-next-upstream: http_503", [bad.port(), worse.port()]).await;
    assert_eq!(count(&ask(&lane, "GET").await, 500), ASKED);
    let both = failing("503 x").await;
    let ports = [bad.port(), both.port()].map(|port| (port, "ready: true"));
    lane.put("endpoints.yaml", &slices("web", &ports).replace("name: web-", "name: more-"));
    lane.wait("four endpoints", |report| report.endpoints >= 3).await;
    let statuses = ask(&lane, "GET").await;
    assert_eq!(
        count(&statuses, 500) + count(&statuses, 503),
        ASKED,
        "the backend's own word is passed on: {statuses:?}"
    );
}

#[tokio::test]
async fn a_route_may_say_that_requests_can_be_repeated() {
    let (bad, good) = (failing("502 x").await, Backend::named("good").await);
    let lane = lane("proxy-next-upstream: http_502 non_idempotent", [bad.port(), good.port()]).await;
    assert_eq!(count(&ask(&lane, "POST").await, 200), ASKED);
    assert!(bad.count() > 0);
}

#[tokio::test]
async fn nobody_else_is_asked_where_that_is_off() {
    let dead = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let good = Backend::named("good").await;
    let off = lane("proxy-next-upstream: 'off'", [dead, good.port()]).await;
    assert!(count(&ask(&off, "GET").await, 502) > 0);
    let on = lane("proxy-next-upstream-timeout: '10'", [dead, good.port()]).await;
    assert_eq!(count(&ask(&on, "GET").await, 200), ASKED);
}
