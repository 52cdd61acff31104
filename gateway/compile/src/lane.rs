//! The lane document, as the model's settings.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use bulkhead_crds::finding::{Finding, ObjectRef};
use bulkhead_crds::lane::{LaneDocument, Profile};
use bulkhead_crds::observability::{self, AccessLogFormat};
use bulkhead_crds::upstream::LoadBalance;
use bulkhead_model::access_log::{AccessLog, Format};
use bulkhead_model::balance::Method;
use bulkhead_model::limits;
use bulkhead_model::next_upstream::NextUpstream;
use bulkhead_model::settings::{Forwarded, Http2, Limits, Metrics, Network, Ports, Settings, Upstream};
use bulkhead_model::tracing::{Collector, Share, Tracing};

use crate::code::FindingCode;
use crate::findings::{finding, quote};

/// What ingress-nginx says on every response under TLS unless its ConfigMap says otherwise: a year, and all that is below the host.
const STRICT_TRANSPORT: &str = "max-age=31536000; includeSubDomains";

/// Settings, and what could not be taken from the document.
pub(crate) fn settings(lane: &LaneDocument) -> (Settings, Vec<Finding>) {
    let (trusted, mut findings) = trusted(lane);
    let tracing = tracing(lane, &mut findings);
    let settings = Settings {
        limits: limits(lane),
        upstream: upstream(lane),
        forwarded: Forwarded {
            append: lane.client_address.append_forwarded_for,
            trusted,
            proxy_protocol: lane.client_address.proxy_protocol,
            ports: lane.service_ports.map(|ports| Ports { http: ports.http, https: ports.https }),
        },
        strict_transport: match lane.profile {
            Profile::Standard => None,
            Profile::IngressNginx => Some(STRICT_TRANSPORT),
        },
        access_log: access_log(&lane.access_log),
        metrics: metrics(&lane.metrics),
        tracing,
    };
    (settings, findings)
}

fn access_log(log: &observability::AccessLog) -> AccessLog {
    let format = match log.format {
        AccessLogFormat::Json => Format::Json,
        AccessLogFormat::IngressNginx => Format::IngressNginx,
        AccessLogFormat::Off => Format::Off,
    };
    AccessLog { format, skip: log.skip_paths.iter().map(|path| path.as_str().into()).collect() }
}

fn tracing(lane: &LaneDocument, findings: &mut Vec<Finding>) -> Option<Arc<Tracing>> {
    let (identity, endpoint) = (&lane.identity, lane.tracing.endpoint.as_ref()?);
    let collector = Collector::parse(endpoint);
    if collector.is_none() {
        let object = ObjectRef::new("GatewayInstance", &identity.namespace, &identity.instance);
        let field = format!("spec.{}.tracing.endpoint", identity.lane.field());
        let message = format!("{} is no URL of a collector, so no spans are made.", quote(endpoint));
        findings.push(finding(FindingCode::BadCollector, &object, &field, &message));
    }
    Some(Arc::new(Tracing {
        collector: collector?,
        share: Share::of_million(lane.tracing.sample_ratio.parts_per_million()),
        service: identity.lane.object_name(&identity.instance).into(),
        namespace: identity.namespace.as_str().into(),
    }))
}

const fn metrics(metrics: &observability::Metrics) -> Metrics {
    match (metrics.ingress_nginx_names, metrics.per_host) {
        (false, _) => Metrics::Standard,
        (true, false) => Metrics::ByIngress,
        (true, true) => Metrics::ByHost,
    }
}

fn limits(lane: &LaneDocument) -> Limits {
    let limits = &lane.limits;
    Limits {
        head_bytes: bytes(limits.request_head_bytes),
        target_bytes: bytes(limits.request_target_bytes),
        fields: usize::from(limits.request_fields).min(limits::FIELDS.size()),
        content_bytes: if limits.request_content_bytes == 0 { u64::MAX } else { limits.request_content_bytes },
        first_byte: Duration::from_millis(limits.first_byte_ms),
        head: Duration::from_millis(limits.request_head_ms),
        content_idle: Duration::from_millis(limits.request_content_idle_ms),
        content_rate: limits.request_content_rate,
        response_stall: Duration::from_millis(limits.response_stall_ms),
        keep_alive_idle: Duration::from_millis(limits.keep_alive_idle_ms),
        keep_alive_requests: limits.keep_alive_requests,
        keep_alive_age: Duration::from_millis(limits.keep_alive_age_ms),
        connections: bytes(limits.connections),
        tls_handshake: Duration::from_millis(limits.tls_handshake_ms),
        http2: http2(lane),
        ..Settings::default().limits
    }
}

fn http2(lane: &LaneDocument) -> Http2 {
    let http2 = &lane.limits.http2;
    Http2 {
        // Without a stream nobody could send anything.
        streams: http2.concurrent_streams.max(1),
        header_list_bytes: http2.header_list_bytes,
        stream_window: http2.stream_window_bytes,
        connection_window: http2.connection_window_bytes,
        ..Http2::default()
    }
}

fn bytes(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn upstream(lane: &LaneDocument) -> Upstream {
    let upstream = &lane.upstream;
    Upstream {
        connect: Duration::from_millis(upstream.connect_ms),
        read: Duration::from_millis(upstream.read_ms),
        send: Duration::from_millis(upstream.send_ms),
        max_idle_per_endpoint: bytes(upstream.max_idle_per_endpoint),
        keep_alive: Duration::from_millis(upstream.keep_alive_ms),
        tries: upstream.tries.max(1),
        next: NextUpstream::default(),
        closes: false,
        method: match upstream.load_balance {
            LoadBalance::RoundRobin => Method::RoundRobin,
            LoadBalance::LeastRequests => Method::LeastRequests,
            LoadBalance::Random => Method::Random,
            LoadBalance::PeakEwma => Method::PeakEwma,
        },
        requests_per_endpoint: limits::REQUESTS_PER_ENDPOINT.number(),
    }
}

fn trusted(lane: &LaneDocument) -> (Vec<Network>, Vec<Finding>) {
    let identity = &lane.identity;
    let object = ObjectRef::new("GatewayInstance", &identity.namespace, &identity.instance);
    let (mut networks, mut findings) = (Vec::new(), Vec::new());
    for (n, written) in lane.client_address.trusted_cidrs.iter().enumerate() {
        match network(written) {
            Some(network) => networks.push(network),
            None => {
                let field = format!("spec.{}.clientAddress.trustedCIDRs[{n}]", identity.lane.field());
                let message = format!("{} is not an address block, so no peer is trusted for it.", quote(written));
                findings.push(finding(FindingCode::BadNetwork, &object, &field, &message));
            }
        }
    }
    (networks, findings)
}

/// `address/prefix` (RFC 4632 §3.1). Bits behind the prefix are cleared.
pub(crate) fn network(written: &str) -> Option<Network> {
    let (address, length) = written.split_once('/')?;
    let digits = !length.is_empty() && length.bytes().all(|b| b.is_ascii_digit());
    let prefix: u8 = length.parse().ok().filter(|_| digits)?;
    let address = match address.parse().ok()? {
        IpAddr::V4(v4) if prefix <= 32 => {
            let host_bits = u32::MAX.checked_shr(u32::from(prefix)).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & !host_bits))
        }
        IpAddr::V6(v6) if prefix <= 128 => {
            let host_bits = u128::MAX.checked_shr(u32::from(prefix)).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !host_bits))
        }
        _ => return None,
    };
    Some(Network { address, prefix })
}
