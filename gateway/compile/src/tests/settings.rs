use std::time::Duration;

use bulkhead_crds::upstream::LoadBalance;
use bulkhead_model::Settings;
use bulkhead_model::access_log::{AccessLog, Format};
use bulkhead_model::balance::Method;
use bulkhead_model::tracing::Share;

use super::world::{World, ingress, lane, rules};

#[test]
fn the_documented_defaults_of_a_lane_are_the_models() {
    let mut world = World::new("");
    world.compiler.set_lane(lane());
    // Only what is no lane's writes no log.
    let access_log = AccessLog { format: Format::Json, ..AccessLog::default() };
    assert_eq!(*world.snapshot().settings, Settings { access_log, ..Settings::default() });
}

#[test]
fn settings_change_without_touching_routes() {
    let mut world = World::new(&ingress("mill/a", 1, &rules(&["a.test / Prefix x:80"])));
    let before = world.snapshot();
    let mut document = lane();
    document.config_generation = 2;
    document.limits.request_content_bytes = 0;
    document.limits.request_fields = 5000;
    document.upstream.tries = 0;
    document.upstream.read_ms = 5;
    world.compiler.set_lane(document);
    let after = world.compile().snapshot.unwrap();
    assert_eq!((after.number, after.config_generation), (before.number + 1, 2));
    assert_eq!(after.settings.limits.content_bytes, u64::MAX);
    assert_eq!(after.settings.limits.fields, 100);
    assert_eq!((after.settings.upstream.tries, after.settings.upstream.read), (1, Duration::from_millis(5)));
    for ((_, old), (_, new)) in before.hosts.hosts().iter().zip(after.hosts.hosts()) {
        assert!(std::sync::Arc::ptr_eq(old, new));
    }
}

#[test]
fn endpoints_are_chosen_as_the_lane_says() {
    for (written, method) in [
        (LoadBalance::RoundRobin, Method::RoundRobin),
        (LoadBalance::LeastRequests, Method::LeastRequests),
        (LoadBalance::PeakEwma, Method::PeakEwma),
        (LoadBalance::Random, Method::Random),
    ] {
        let mut document = lane();
        document.upstream.load_balance = written;
        assert_eq!(World::of(document, "").snapshot().settings.upstream.method, method);
    }
}

#[test]
fn a_proxy_protocol_header_is_expected_where_the_lane_says_so() {
    for expected in [false, true] {
        let mut document = lane();
        document.client_address.proxy_protocol = expected;
        assert_eq!(World::of(document, "").snapshot().settings.forwarded.proxy_protocol, expected);
    }
}

#[test]
fn a_bad_address_block_is_dropped_and_said() {
    let mut document = lane();
    let written = [
        "10.1.2.3/8",
        "2001:db8::1/32",
        "0.0.0.0/0",
        "::/0",
        "10.0.0.0",
        "10.0.0.0/33",
        "::/129",
        "x/8",
        "10.0.0.0/+8",
        "10.0.0.0/",
    ];
    document.client_address.trusted_cidrs = written.map(str::to_owned).to_vec();
    let world = World::of(document, "");
    let trusted = &world.snapshot().settings.forwarded.trusted;
    let shown: Vec<_> = trusted.iter().map(|n| format!("{}/{}", n.address, n.prefix)).collect();
    assert_eq!(shown, ["10.0.0.0/8", "2001:db8::/32", "0.0.0.0/0", "::/0"]);
    assert_eq!(world.codes().len(), 6);
    assert_eq!(
        world.codes()[0],
        "BadNetwork GatewayInstance rivers/delta spec.northSouth.clientAddress.trustedCIDRs[4]"
    );
}

#[test]
fn a_collector_that_is_none_is_said_and_nothing_is_traced() {
    let settings = |endpoint: Option<&str>| {
        let mut document = lane();
        document.tracing.endpoint = endpoint.map(str::to_owned);
        document.tracing.sample_ratio = "0.25".parse().unwrap();
        let world = World::of(document, "");
        (world.snapshot().settings.tracing.clone(), world.codes())
    };
    assert_eq!(settings(None), (None, Vec::new()));
    let (tracing, codes) = settings(Some("https://otel.example/a"));
    let tracing = tracing.unwrap();
    assert_eq!((&*tracing.collector.host, &*tracing.collector.path, codes.len()), ("otel.example", "/a", 0));
    assert_eq!((&*tracing.service, &*tracing.namespace), ("delta-north-south", "rivers"));
    assert_eq!(tracing.share, Share::of_million(250_000));
    let (tracing, codes) = settings(Some("https://user:word@otel.example"));
    assert_eq!(tracing, None);
    assert_eq!(codes, ["BadCollector GatewayInstance rivers/delta spec.northSouth.tracing.endpoint"]);
}

#[test]
fn nothing_is_served_before_the_first_lane_document() {
    let mut compiler = crate::Compiler::new(crate::Options::default());
    for object in super::world::objects(&ingress("mill/a", 1, &rules(&["a.test / Prefix x:80"]))) {
        compiler.apply(object);
    }
    assert!(!compiler.is_dirty());
    let changes = compiler.compile();
    assert!(changes.snapshot.is_none() && changes.findings.is_none() && compiler.classes().is_empty());
    compiler.set_lane(lane());
    assert!(compiler.is_dirty());
    assert_eq!(compiler.compile().snapshot.unwrap().number, 1);
    assert!(!compiler.is_dirty());
}
