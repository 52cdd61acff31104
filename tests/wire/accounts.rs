//! Requests counted by Ingress, under the names of ingress-nginx.

use std::collections::BTreeMap;

use crate::support::backend::Backend;
use crate::support::lane::Lane;
use crate::support::manifest::{all_of, document, file, ingress, served};

/// Samples whose names begin so, of which the labels have all these texts.
fn those(metrics: &BTreeMap<String, f64>, name: &str, labels: &[&str]) -> Vec<f64> {
    let name = format!("nginx_ingress_controller_{name}{{");
    let is_one = |sample: &str| sample.starts_with(&name) && labels.iter().all(|label| sample.contains(label));
    metrics.iter().filter(|(sample, _)| is_one(sample)).map(|(_, value)| *value).collect()
}

#[tokio::test]
async fn requests_are_counted_by_ingress_where_a_lane_asks_for_it() {
    let mut settings = document();
    let lane = Lane::start(&settings).await;
    let backend = Backend::named("main").await;
    lane.put("web.yaml", &file(&[ingress("web", &[all_of("count.test", "web")]), served("web", backend.port())]));
    lane.wait_for("count.test", "/", 200, "main").await;
    let counted = async || {
        let metrics = lane.metrics().await;
        metrics.into_keys().filter(|name| name.starts_with("nginx_ingress_controller_")).count()
    };
    assert_eq!(counted().await, 0);

    settings.metrics.ingress_nginx_names = true;
    lane.configure(&settings).await;
    for _ in 0..3 {
        lane.get("count.test", "/").await;
    }
    lane.send("MAKEUP / HTTP/1.1\r\nHost: count.test\r\nConnection: close\r\n\r\n").await;
    lane.get("nobody.test", "/").await;
    let of_web = ["namespace=\"shop\"", "ingress=\"web\"", "service=\"web\"", "canary=\"\"", "status=\"200\""];
    let get = [&of_web[..], &["method=\"GET\""]].concat();
    // The method that somebody made up is no label, and the host that no rule is for is not counted.
    let other = [&of_web[..], &["method=\"OTHER\""]].concat();
    let every = [&get[..], &["le=\"+Inf\""]].concat();
    let figures = |seen: &BTreeMap<String, f64>| {
        let of = |name: &str, labels: &[&str]| those(seen, name, labels);
        [
            of("requests", &get),
            of("requests", &other),
            of("request_duration_seconds_count", &get),
            of("response_duration_seconds_bucket", &every),
            of("response_size_sum", &get),
        ]
    };
    lane.wait_for_metrics(figures, [3.0, 1.0, 3.0, 3.0, 12.0].map(|figure| vec![figure])).await;
    let metrics = lane.metrics().await;
    assert_eq!(those(&metrics, "requests", &[]).iter().sum::<f64>(), 4.0);
    assert!(!metrics.keys().any(|name| name.contains("host=") || name.contains("MAKEUP")));

    settings.metrics.per_host = true;
    lane.configure(&settings).await;
    lane.get("count.test", "/").await;
    let by_host = ["host=\"count.test\"", "ingress=\"web\""];
    lane.wait_for_metrics(|seen| those(seen, "requests", &by_host), vec![1.0]).await;

    settings.metrics.ingress_nginx_names = false;
    lane.configure(&settings).await;
    assert_eq!(counted().await, 0);
}
