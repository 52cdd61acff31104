//! Keys of the ConfigMap about clients: who they are, TLS and HTTP.

use bulkhead_compile::annotation::parse_bool;

use super::row::{Setting, buffers, duration, field, forwarded_for, instead, lacking, list, lowest_tls, moot, near};
use super::row::{number, protects, proxy_protocol, size, switch};

const COMPRESS: &str = "Compress in the application: a gateway passes content on as it is.";
const HSTS: &str = "Responses under TLS say `max-age=31536000; includeSubDomains` in the profile IngressNginx, and what the backend says in Standard. For anything else name a ConfigMap by the annotation `custom-headers`.";
const REDIRECTS: &str = "Write the annotation onto the Ingresses that it is meant for.";
const TICKETS: &str = "A ticket is taken for as long as the certificate and the settings of its host stand.";
const ALWAYS_HTTP2: &str = "HTTP/2 is always offered.";
const CIPHERS: &str = "Ciphers are those of TLS 1.2 with ECDHE and AES-GCM or ChaCha20-Poly1305, and all of TLS 1.3; a host may take fewer with the annotation `ssl-ciphers`.";

pub(super) const KEYS: &[Setting] = &[
    near(
        "use-forwarded-headers",
        "false",
        "northSouth.clientAddress.trustedCIDRs",
        |text| parse_bool(text).filter(|on| !on).map(|_| serde_json::json!([])),
        "Taken with `proxy-real-ip-cidr`, whose blocks are trusted when it is true.",
    ),
    near(
        "enable-real-ip",
        "false",
        "northSouth.clientAddress.trustedCIDRs",
        |text| parse_bool(text).filter(|on| !on).map(|_| serde_json::json!([])),
        "Taken with `proxy-real-ip-cidr`, whose blocks are trusted when it is true.",
    ),
    near(
        "proxy-real-ip-cidr",
        "0.0.0.0/0",
        "northSouth.clientAddress.trustedCIDRs",
        list,
        "Counts where forwarded fields or the PROXY protocol are used. Name the addresses of your load balancer, not everybody's: whoever is in it chooses which address is seen.",
    ),
    field("compute-full-forwarded-for", "false", "northSouth.clientAddress.forwardedFor", forwarded_for),
    instead(
        "forwarded-for-header",
        "X-Forwarded-For",
        "The field is always `X-Forwarded-For`: let the proxy in front send that one.",
    ),
    field("use-proxy-protocol", "false", "northSouth.clientAddress.proxyProtocol", proxy_protocol),
    moot(
        "proxy-protocol-header-timeout",
        "5s",
        "The time to the first request bounds it: `spec.northSouth.limits.firstByteTimeout`.",
    ),
    instead("ssl-redirect", "true", REDIRECTS),
    protects("force-ssl-redirect", "false", REDIRECTS),
    instead("http-redirect-code", "308", "Redirects to HTTPS have status 308."),
    instead(
        "no-tls-redirect-locations",
        "/.well-known/acme-challenge",
        "This path is never redirected; give others an Ingress of their own with `ssl-redirect: \"false\"`.",
    ),
    lacking("hsts", "true", HSTS),
    lacking("hsts-max-age", "31536000", HSTS),
    lacking("hsts-include-subdomains", "true", HSTS),
    instead("hsts-preload", "false", HSTS),
    near(
        "ssl-protocols",
        "TLSv1.2 TLSv1.3",
        "northSouth.tls.minVersion",
        lowest_tls,
        "Versions before TLS 1.2 are not spoken.",
    ),
    instead("ssl-ciphers", "", CIPHERS),
    instead("ssl-ecdh-curve", "auto", "Groups are X25519, P-256 and P-384, and X25519 with ML-KEM-768."),
    instead("ssl-dh-param", "", "Not needed: there is no key exchange over finite fields."),
    field("ssl-reject-handshake", "false", "northSouth.tls.rejectUnknownSNI", switch),
    field("ssl-session-tickets", "false", "northSouth.tls.sessionTickets", switch),
    instead("ssl-session-ticket-key", "", "Ticket keys are made by each pod and never leave it."),
    moot("ssl-session-cache", "true", TICKETS),
    moot("ssl-session-cache-size", "10m", TICKETS),
    instead("ssl-session-timeout", "10m", TICKETS),
    instead("ssl-early-data", "false", "Early data can be sent twice by anybody who sees it, and is not taken."),
    instead("ssl-buffer-size", "4k", "Records are sized by what there is to send."),
    instead("use-http2", "true", ALWAYS_HTTP2),
    field("http2-max-concurrent-streams", "128", "northSouth.limits.http2.concurrentStreams", number),
    instead("use-http3", "false", "HTTP/3 is not spoken."),
    field("keep-alive", "75", "northSouth.limits.keepAliveIdleTimeout", duration),
    field("keep-alive-requests", "1000", "northSouth.limits.keepAliveRequests", number),
    field("client-header-timeout", "60", "northSouth.limits.requestHeadTimeout", duration),
    field("client-body-timeout", "60", "northSouth.limits.requestContentIdleTimeout", duration),
    field("large-client-header-buffers", "4 8k", "northSouth.limits.requestHeadBytes", buffers),
    moot("client-header-buffer-size", "1k", "`spec.northSouth.limits.requestHeadBytes` alone bounds a head."),
    moot("client-body-buffer-size", "8k", "Content is streamed."),
    moot(
        "enable-underscores-in-headers",
        "false",
        "Fields with underscores in their names are never passed on: backends could take them for others.",
    ),
    instead("ignore-invalid-headers", "true", "A request with an invalid field is refused."),
    instead("server-tokens", "false", "A gateway does not name itself."),
    lacking("allow-backend-server-header", "false", "The `Server` field of a backend is passed on."),
    instead("use-gzip", "false", COMPRESS),
    instead("gzip-level", "1", COMPRESS),
    instead("gzip-min-length", "256", COMPRESS),
    instead("gzip-types", "", COMPRESS),
    instead("enable-brotli", "false", COMPRESS),
    instead("brotli-level", "4", COMPRESS),
    instead("brotli-types", "", COMPRESS),
    field("proxy-body-size", "1m", "northSouth.limits.requestContentBytes", size),
];
