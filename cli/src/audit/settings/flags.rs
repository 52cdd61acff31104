//! Flags of the controller's command line.

use bulkhead_compile::annotation::parse_bool;

use super::row::{Setting, field, instead, moot, namespace, near, protects, seconds, secret, selector, switch};

const STATUS: &str =
    "The operator writes the addresses of the lane's Service into the status of the Ingresses it owns.";
const OWN_POD: &str = "It is about the controller's own process.";
const BUCKETS: &str = "Histograms have fixed buckets.";
const WEBHOOK: &str = "Nothing needs to be admitted: what cannot be obeyed is reported, and no bad Ingress can hurt another. The operator has a webhook of its own, which its flag --webhook turns on.";
const STREAMS: &str = "Ports of TCP and UDP are not served: give those Services a LoadBalancer of their own.";
const DEFAULT_BACKEND: &str =
    "Write an Ingress of the lane's class with `spec.defaultBackend`, in the namespace of that Service.";

pub(super) const FLAGS: &[Setting] = &[
    near(
        "ingress-class",
        "nginx",
        "northSouth.ingressClass.alsoServe",
        |text| Some(serde_json::json!([text])),
        "For the time side by side; afterwards the Ingresses name the lane's own class.",
    ),
    moot(
        "controller-class",
        "k8s.io/ingress-nginx",
        "Its classes are listed in `spec.northSouth.ingressClass.alsoServe`.",
    ),
    moot(
        "ingress-class-by-name",
        "false",
        "Classes are served by name where `spec.northSouth.ingressClass.alsoServe` lists them.",
    ),
    instead(
        "watch-ingress-without-class",
        "false",
        "An Ingress without a class is served by nobody: name the class in it, or set `spec.northSouth.ingressClass.default`, which new Ingresses then get.",
    ),
    field("watch-namespace", "", "scope.namespaces", namespace),
    field("watch-namespace-selector", "", "scope.namespaces", selector),
    moot("configmap", "", "It is read here, and not needed afterwards."),
    instead(
        "annotations-prefix",
        "nginx.ingress.kubernetes.io",
        "Annotations are read with the prefix `nginx.ingress.kubernetes.io/` only.",
    ),
    instead(
        "disable-catch-all",
        "false",
        "An Ingress without a host is served for every host that no other has, and in the profile Standard with shared hosts for paths that no rule of a host takes: refuse it by admission, or set `spec.scope.hostOwnership`.",
    ),
    near(
        "disable-svc-external-name",
        "false",
        "northSouth.upstream.externalNames",
        |text| parse_bool(text).map(|off| (!off).into()),
        "Where it is not written, ingress-nginx follows the names of Services of the type ExternalName; a lane does when this says so.",
    ),
    moot("publish-service", "", STATUS),
    instead("publish-status-address", "", STATUS),
    instead("update-status", "true", STATUS),
    moot("update-status-on-shutdown", "true", STATUS),
    instead("report-node-internal-ip-address", "false", STATUS),
    moot("election-id", "ingress-controller-leader", "Gateways need no leader."),
    near(
        "default-ssl-certificate",
        "",
        "northSouth.tls.defaultCertificate",
        secret,
        "The Secret must be in the namespace of the GatewayInstance: copy it there.",
    ),
    protects(
        "enable-ssl-passthrough",
        "false",
        "TLS ends at the gateway: give such a Service a LoadBalancer of its own, or let the gateway speak TLS with it (`backend-protocol`).",
    ),
    moot("ssl-passthrough-proxy-port", "442", OWN_POD),
    instead("tcp-services-configmap", "", STREAMS),
    instead("udp-services-configmap", "", STREAMS),
    instead("default-backend-service", "", DEFAULT_BACKEND),
    near(
        "enable-metrics",
        "false",
        "northSouth.metrics.ingressNginxNames",
        switch,
        "Metrics are always there; this adds the names of ingress-nginx.",
    ),
    near("metrics-per-host", "true", "northSouth.metrics.perHost", switch, "Every host is a time series of its own."),
    instead("metrics-per-undefined-host", "false", "Hosts that no Ingress names are never a label."),
    moot("report-status-classes", "false", "Responses are counted by class of status."),
    instead("time-buckets", "", BUCKETS),
    instead("length-buckets", "", BUCKETS),
    instead("size-buckets", "", BUCKETS),
    moot("exclude-socket-metrics", "", BUCKETS),
    moot("healthz-port", "10254", OWN_POD),
    moot("health-check-path", "/healthz", OWN_POD),
    moot("health-check-timeout", "10", OWN_POD),
    moot("status-port", "10246", OWN_POD),
    moot("stream-port", "10247", OWN_POD),
    moot("internal-logger-address", "127.0.0.1:11514", OWN_POD),
    moot("http-port", "80", "Ports are those of the Service: `spec.northSouth.service.httpPort`."),
    moot("https-port", "443", "Ports are those of the Service: `spec.northSouth.service.httpsPort`."),
    moot("default-server-port", "8181", OWN_POD),
    moot("profiler-port", "10245", OWN_POD),
    moot("profiling", "true", OWN_POD),
    field("shutdown-grace-period", "0", "northSouth.drain.lameduckSeconds", seconds),
    moot("post-shutdown-grace-period", "10", OWN_POD),
    moot("sync-rate-limit", "0.3", "There is no reload, so changes need not wait for each other."),
    moot("sync-period", "0", OWN_POD),
    moot("dynamic-configuration-retries", "15", OWN_POD),
    moot(
        "enable-topology-aware-routing",
        "false",
        "Endpoints that their Service means for a gateway's zone are preferred anyway, where the zone is known.",
    ),
    moot("validating-webhook", "", WEBHOOK),
    moot("validating-webhook-certificate", "", WEBHOOK),
    moot("validating-webhook-key", "", WEBHOOK),
    moot("disable-full-test", "false", WEBHOOK),
    moot("enable-annotation-validation", "true", "Values are always checked."),
    instead("deep-inspect", "true", "Values are always parsed, and never pasted into anything."),
    moot("apiserver-host", "", OWN_POD),
    moot("certificate-authority", "", OWN_POD),
    moot("kubeconfig", "", OWN_POD),
    moot("maxmind-license-key", "", "There is no lookup of places by address."),
    moot("maxmind-edition-ids", "GeoLite2-City,GeoLite2-ASN", "There is no lookup of places by address."),
    moot("v", "0", OWN_POD),
    moot("logtostderr", "true", OWN_POD),
];
