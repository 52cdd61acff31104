//! What every annotation does, as a client and a backend see it: one table of cases for each group, in both profiles.
//!
//! A case is an Ingress with annotations, alone on a host of its own, and the requests that show what they do. Texts are
//! templates: `{host}` is the case's host, `{main}` and `{other}` the ports of its backends, `{session}` what the last session cookie said.

mod access;
mod authentication;
mod balancing;
mod bounds;
mod canary;
mod case;
mod cors;
mod errors;
mod external_auth;
mod limits;
mod log;
mod mirror;
mod redirects;
mod retries;
mod revision;
mod rewrite;
mod scene;
mod within;

use std::collections::BTreeSet;

use bulkhead_compile::annotation::{self, State, Use};
use bulkhead_crds::lane::Profile;
use bulkhead_tests::wait::wait_for;

use self::case::Case;
use self::scene::{Scene, host};
use crate::support::PATIENCE;

/// Every case.
fn cases() -> impl Iterator<Item = &'static Case> {
    [
        access::CASES,
        authentication::CASES,
        balancing::CASES,
        bounds::CASES,
        canary::CASES,
        cors::CASES,
        errors::CASES,
        external_auth::CASES,
        limits::CASES,
        mirror::CASES,
        redirects::CASES,
        revision::CASES,
        rewrite::CASES,
        within::CASES,
    ]
    .into_iter()
    .flatten()
}

async fn play_all(profile: Profile) {
    let scene = Scene::start(profile).await;
    let cases: Vec<(usize, &Case)> = cases().enumerate().filter(|(_, case)| case.profiles.contains(&profile)).collect();
    for (number, case) in &cases {
        scene.lane.put(&format!("case-{number}.yaml"), &scene.manifest(*number, case));
    }
    wait_for("routes for all cases", PATIENCE, async || {
        let routes = scene.lane.routes().await.routes;
        let hosts: BTreeSet<&str> = routes.iter().map(|route| &*route.host).collect();
        let missing: Vec<String> =
            cases.iter().map(|(number, _)| host(*number)).filter(|host| !hosts.contains(&**host)).collect();
        anyhow::ensure!(missing.is_empty(), "no routes for {missing:?}");
        Ok(())
    })
    .await
    .unwrap();
    let mut wrong = Vec::new();
    let mut exchanges = 0;
    for (number, case) in &cases {
        exchanges += case.exchanges.len();
        let all = scene.play(*number, case).await;
        wrong.extend(all.iter().map(|one| format!("{}: {one}", case.what)));
    }
    println!("cases: annotations in profile {profile:?}: {} Ingresses, {exchanges} requests", cases.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn every_annotation_does_what_it_says_in_the_profile_standard() {
    play_all(Profile::Standard).await;
}

#[tokio::test]
async fn every_annotation_does_what_it_says_in_the_profile_of_ingress_nginx() {
    play_all(Profile::IngressNginx).await;
}

/// Annotations that cases of this table cannot show, and where they are shown instead.
const SHOWN_ELSEWHERE: &[(&str, &str)] = &[
    ("enable-access-log", "`log`"),
    ("enable-opentelemetry", "`traces`"),
    ("opentelemetry-operation-name", "`traces`"),
    ("opentelemetry-trust-incoming-span", "`traces`"),
    ("backend-protocol", "the unit tests of the proxy on upstreams, and `suites`"),
    ("proxy-ssl-secret", "the unit tests of the compiler on transport and of the proxy on upstream TLS"),
    ("proxy-ssl-verify", "the unit tests of the proxy on upstream TLS"),
    ("proxy-ssl-name", "the unit tests of the proxy on upstream TLS"),
    ("proxy-ssl-server-name", "the unit tests of the proxy on upstream TLS"),
    ("proxy-ssl-protocols", "the unit tests of the compiler on transport"),
    ("auth-tls-secret", "`tls`"),
    ("auth-tls-verify-client", "`tls`"),
    ("auth-tls-verify-depth", "the unit tests of the model on client certificates"),
    ("auth-tls-pass-certificate-to-upstream", "the unit tests of the proxy on clients"),
    ("auth-tls-error-page", "the unit tests of the proxy on clients"),
    ("auth-tls-match-cn", "the unit tests of the proxy on clients"),
    ("ssl-ciphers", "`tls`"),
    ("ssl-prefer-server-ciphers", "the unit tests of the compiler on handshakes"),
    ("affinity-mode", "the unit tests of the proxy on balancing"),
    ("load-balance", "the unit tests of the model on balancing"),
    ("session-cookie-change-on-failure", "the unit tests of the proxy on balancing"),
    ("session-cookie-expires", "the unit tests of the model on sessions"),
    ("limit-connections", "a test of `limits`"),
    ("service-upstream", "the unit tests of the compiler on expressions"),
    ("proxy-next-upstream", "the tests of `retries`"),
    ("proxy-next-upstream-timeout", "the tests of `retries`"),
    ("proxy-connect-timeout", "the unit tests of the compiler on bounds"),
    ("proxy-send-timeout", "the unit tests of the compiler on bounds"),
];

#[test]
fn every_annotation_that_people_need_has_a_case() {
    let proven: BTreeSet<&str> = cases().flat_map(|case| case.proves).copied().collect();
    let elsewhere: BTreeSet<&str> = SHOWN_ELSEWHERE.iter().map(|(name, _)| *name).collect();
    let obeyed = |row: &&annotation::Row| matches!(row.state, State::Obeyed | State::Approximated(_));
    let needed = annotation::rows().filter(|row| matches!(row.use_, Use::Must | Use::Should)).filter(obeyed);
    let without: Vec<&str> =
        needed.map(|row| row.name).filter(|name| !proven.contains(name) && !elsewhere.contains(name)).collect();
    assert!(without.is_empty(), "no case for {without:?}");
    let unknown: Vec<&&str> = proven.iter().filter(|name| annotation::row(name).is_none()).collect();
    assert!(unknown.is_empty(), "cases for what is no annotation: {unknown:?}");
    let both: Vec<&&str> = proven.intersection(&elsewhere).collect();
    assert!(both.is_empty(), "shown here and elsewhere: {both:?}");
}
