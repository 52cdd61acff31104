//! What becomes of a request that shows a password, however long that takes to check, and of the password.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_model::authentication::{Basic, Realm, Satisfy, Users};
use bulkhead_model::backend::Protocol;
use bulkhead_model::external_auth::{Asked, ExternalAuth};
use bulkhead_model::password::PasswordHash;
use bulkhead_model::template::TargetTemplate;
use bulkhead_model::{Authentication, Backend, Endpoint, Endpoints, Errand, Filters, Settings, Template};
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::support::{Lane, Peer};

/// Of hunter2.
const QUICK: &str = "$2y$05$abcdefghijklmnopqrstuuoXuKqgZXLiJqzfmMXDDhSFPIvxV7t8.";
/// Half a second of work, for whatever password.
const SLOW: &str = "$2y$13$abcdefghijklmnopqrstuuoXuKqgZXLiJqzfmMXDDhSFPIvxV7t8.";
/// zoe:hunter2
const REQUEST: &str = "GET / HTTP/1.1\r\nHost: a.test\r\nAuthorization: Basic em9lOmh1bnRlcjI=\r\n\r\n";

fn basic(hash: &str) -> Option<Basic> {
    let hash = PasswordHash::parse(hash.as_bytes()).unwrap();
    let users = Arc::new(Users::new("mill".into(), 1, [(b"zoe"[..].into(), hash)]));
    Some(Basic { users, realm: Realm::new("mill").unwrap() })
}

fn filters(authentication: Authentication) -> Filters {
    Filters { authentication: Some(authentication), ..Filters::default() }
}

#[tokio::test]
async fn a_check_that_takes_longer_than_a_head_may_is_waited_for() {
    let mut settings = Settings::default();
    (settings.limits.first_byte, settings.limits.head) = (Duration::from_millis(250), Duration::from_millis(250));
    let lane = Lane::with(settings).await;
    lane.publish_filtered(2, filters(Authentication { basic: basic(SLOW), ..Authentication::default() }));
    let mut client = lane.client().await;
    client.send(REQUEST).await;
    let head = client.head().await;
    assert!(head.starts_with("HTTP/1.1 401 "), "{head}");
    assert_eq!((lane.faults("head_timeout"), lane.faults("authentication_busy")), (0, 0));
}

#[tokio::test]
async fn a_service_that_is_asked_as_well_does_not_get_the_password() {
    let lane = Lane::start().await;
    let service = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = Arc::new(Endpoint::new(1001, service.local_addr().unwrap()));
    let endpoints = Arc::new(Endpoints { list: Box::new([endpoint]) });
    let backend = Arc::new(Backend::new(1000, "auth.test:80".into(), Protocol::Http1, endpoints));
    let template = |text| Template::parse(text).unwrap();
    let external = Some(ExternalAuth {
        service: Errand {
            backend,
            authority: template("auth.test"),
            target: TargetTemplate::parse("/verify").unwrap(),
        },
        method: None,
        says: Box::default(),
        told: Box::default(),
        sign_in: None,
        returns_to: None,
        memory: None,
        asked: Asked::default(),
    });
    for (number, basic) in [(2, basic(QUICK)), (3, None)] {
        let is_ours = basic.is_some();
        lane.publish_filtered(
            number,
            filters(Authentication {
                basic,
                external: external.clone(),
                satisfy: Satisfy::All,
                ..Authentication::default()
            }),
        );
        let mut client = lane.client().await;
        client.send(REQUEST).await;
        let accepted = timeout(Duration::from_secs(5), service.accept()).await.expect("the service is asked");
        let mut asked = Peer::new(accepted.unwrap().0);
        let question = asked.head().await;
        assert_eq!(!question.contains("Authorization"), is_ours, "{question}");
        asked.send("HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").await;
        assert!(client.head().await.starts_with("HTTP/1.1 401 "));
    }
}
