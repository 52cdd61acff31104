//! What every proxy serves: 1,000 routes, 250 hosts with four prefixes each, all to one backend that answers 1 KiB.

use std::fmt::Write;

use bulkhead_crds::lane::{LaneDocument, LaneDrain, LaneIdentity};
use bulkhead_crds::lane_spec::LaneSpec;
use bulkhead_crds::names::{
    CONTROLLER, GROUP, LABEL_INSTANCE, LABEL_INSTANCE_NAMESPACE, LABEL_INSTANCE_UID, LABEL_LANE, LaneName,
};
use bulkhead_crds::observability::AccessLogFormat;

use serde_json::json;

use crate::traffic::Traffic;

/// Hosts; each has [`PATHS`].
pub(crate) const HOSTS: usize = 250;
/// Prefixes of every host.
pub(crate) const PATHS: usize = 4;
/// Bytes of every answer's content.
pub(crate) const CONTENT: usize = 1024;

pub(crate) fn host(number: usize) -> String {
    format!("host{}.example.com", number % HOSTS)
}

/// The document of the lane that the gateway serves: the defaults, except that a busy connection is never worn out.
pub(crate) fn document() -> LaneDocument {
    let identity = LaneIdentity {
        namespace: "bench".to_owned(),
        instance: "bench".to_owned(),
        uid: "5d1f0a52-8a43-4b1c-9c55-0c3d2a4f7b60".to_owned(),
        lane: LaneName::NorthSouth,
    };
    let mut lane = LaneDocument::of(identity, "bench", &LaneSpec::default());
    lane.config_generation = 1;
    lane.limits.keep_alive_requests = 1_000_000_000;
    // Full handshakes are compared with those of peers that resume nothing either.
    lane.tls.session_tickets = false;
    lane.drain = LaneDrain { lameduck_ms: 0, timeout_ms: 1_000 };
    // Those it is compared with write none either.
    lane.access_log.format = AccessLogFormat::Off;
    lane
}

/// The lane's class, and the Service with the backend on `port`.
pub(crate) fn base(port: u16) -> String {
    let LaneIdentity { namespace, instance, uid, lane } = document().identity;
    let lane = lane.slug();
    format!(
        "apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata:
  name: bench
  labels: {{{LABEL_INSTANCE}: {instance}, {LABEL_INSTANCE_NAMESPACE}: {namespace}, {LABEL_INSTANCE_UID}: {uid}, {LABEL_LANE}: {lane}}}
spec:
  controller: {CONTROLLER}
  parameters: {{apiGroup: {GROUP}, kind: GatewayInstance, name: {instance}, namespace: {namespace}, scope: Namespace}}
---
apiVersion: v1
kind: Service
metadata: {{name: web, namespace: bench}}
spec:
  ports: [{{name: http, port: 80, targetPort: 8080}}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: web-0, namespace: bench, labels: {{kubernetes.io/service-name: web}}}}
addressType: IPv4
endpoints: [{{addresses: [127.0.0.1], conditions: {{ready: true}}}}]
ports: [{{name: http, port: {port}, protocol: TCP}}]
"
    )
}

/// The Ingress of one host, with `more` as a further prefix.
pub(crate) fn ingress(number: usize, more: Option<&str>) -> String {
    let mut paths = String::new();
    let own = (0..PATHS).map(|path| format!("/p{path}"));
    for path in own.chain(more.map(str::to_owned)) {
        // Writing to a string cannot fail.
        let _ = write!(
            paths,
            "\n      - {{path: {path}, pathType: Prefix, backend: {{service: {{name: web, port: {{number: 80}}}}}}}}"
        );
    }
    format!(
        "apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: host{number}, namespace: bench}}
spec:
  ingressClassName: bench
  rules:
  - host: {host}
    http:
      paths:{paths}
",
        host = host(number)
    )
}

/// Fields that a browser sends.
pub(crate) const FIELDS: [(&str, &str); 5] = [
    ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/133.0"),
    ("Accept", "text/html,application/xhtml+xml"),
    ("Accept-Language", "en-US,en;q=0.5"),
    ("Accept-Encoding", "gzip, deflate, br"),
    ("Cookie", "session=0123456789abcdef"),
];

/// The script of `wrk`: every route in turn, with the fields a browser sends and `more`.
pub(crate) fn requests(more: &[(&str, &str)]) -> String {
    let host = format!("\"host\" .. math.floor(i / {PATHS}) .. \".example.com\"");
    script(HOSTS * PATHS, &format!("\"/p\" .. (i % {PATHS}) .. \"/item\""), &host, more)
}

/// A script that asks `count` times for other things: `path` and `host` say for which, in Lua, of the number `i`.
fn script(count: usize, path: &str, host: &str, more: &[(&str, &str)]) -> String {
    let fields: String =
        FIELDS.iter().chain(more).map(|(name, value)| format!(",\n    [\"{name}\"] = \"{value}\"")).collect();
    format!(
        r#"local i = 0
request = function()
  i = (i + 1) % {count}
  return wrk.format("GET", {path} .. "?id=" .. i, {{
    ["Host"] = {host}{fields}}})
end
"#
    )
}

/// Expressions of one host.
pub(crate) const EXPRESSIONS: usize = 1_000;
/// That host.
const TENANTS: &str = "tenants.example.com";

/// An Ingress whose paths are regular expressions.
pub(crate) fn expressions() -> String {
    let backend = json!({"service": {"name": "web", "port": {"number": 80}}});
    let path = |number| json!({"path": format!("/tenant-{number}/api/v[0-9]+(/|$)(.*)"), "pathType": "ImplementationSpecific", "backend": backend});
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"name": "tenants", "namespace": "bench", "annotations": {"nginx.ingress.kubernetes.io/use-regex": "true"}},
        "spec": {
            "ingressClassName": "bench",
            "rules": [{"host": TENANTS, "http": {"paths": (0..EXPRESSIONS).map(path).collect::<Vec<_>>()}}],
        },
    })
    .to_string()
}

/// The script of `wrk` for [`expressions`]: every one in turn.
pub(crate) fn requests_for_expressions() -> String {
    script(EXPRESSIONS, "\"/tenant-\" .. i .. \"/api/v2\"", &format!("\"{TENANTS}\""), &[])
}

/// A server of nginx that answers every request itself.
pub(crate) fn nginx_backend(port: u16) -> String {
    format!("server {{ listen 127.0.0.1:{port}; location / {{ return 200 \"{}\"; }} }}", "x".repeat(CONTENT))
}

/// The servers of nginx as a proxy.
pub(crate) fn nginx_proxy(port: u16, backend: u16, traffic: Traffic) -> String {
    let words = traffic.nginx();
    let mut text = format!(
        "server_names_hash_max_size 4096; upstream web {{ server 127.0.0.1:{backend}; keepalive 256; keepalive_requests 1000000000; }}
ssl_certificate chain.pem; ssl_certificate_key key.pem; ssl_protocols TLSv1.3; ssl_session_cache off; ssl_session_tickets off;
proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_set_header Host $host;
proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme; proxy_buffers 8 32k; proxy_buffer_size 32k;\n"
    );
    for number in 0..HOSTS {
        let _ = write!(text, "server {{ listen 127.0.0.1:{port}{words}; server_name {};", host(number));
        for path in 0..PATHS {
            let _ = write!(text, " location /p{path} {{ proxy_pass http://web; }}");
        }
        text.push_str(" }\n");
    }
    text
}

/// A configuration of nginx with these servers, in one process.
pub(crate) fn nginx(servers: &str) -> String {
    format!(
        "daemon off; master_process off; worker_processes 1; pid nginx.pid; error_log stderr error;
events {{ worker_connections 16000; multi_accept on; }}
http {{ access_log off; keepalive_requests 1000000000; keepalive_timeout 300;
client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
{servers} }}
"
    )
}

/// The configuration of haproxy, whose routes are a map in `map`.
pub(crate) fn haproxy(bind: &str, backend: u16, map: &str) -> String {
    format!(
        "global
  nbthread 1
  maxconn 8192
  tune.ssl.cachesize 0
  ssl-default-bind-options ssl-min-ver TLSv1.3
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  http-reuse always
  option forwardfor
frontend web
  bind {bind}
  http-request set-header X-Forwarded-Proto http
  use_backend %[base,lower,map_beg({map})]
backend web
  server one 127.0.0.1:{backend}
"
    )
}

/// The routes for haproxy: host and path, and a backend.
pub(crate) fn haproxy_map() -> String {
    let routes = (0..HOSTS).flat_map(|number| (0..PATHS).map(move |path| format!("{}/p{path} web\n", host(number))));
    routes.collect()
}
