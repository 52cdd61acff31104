//! What is spoken on a Service port, in the words of Services and of Ingresses.

use bulkhead_model::backend::Protocol;

/// A protocol, and whether it is under TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Spoken {
    pub(crate) protocol: Protocol,
    pub(crate) tls: bool,
}

const HTTP1: Spoken = Spoken { protocol: Protocol::Http1, tls: false };
const HTTP1_TLS: Spoken = Spoken { protocol: Protocol::Http1, tls: true };
const HTTP2: Spoken = Spoken { protocol: Protocol::Http2, tls: false };
const HTTP2_TLS: Spoken = Spoken { protocol: Protocol::Http2, tls: true };

/// Values of a port's `appProtocol`: those that Kubernetes defines (Service API reference, KEP-3726), and what people write for
/// gRPC. WebSockets begin as HTTP/1.1 (RFC 6455 §4.1).
const APP_PROTOCOLS: [(&str, Spoken); 7] = [
    ("http", HTTP1),
    ("https", HTTP1_TLS),
    ("grpc", HTTP2),
    ("grpcs", HTTP2_TLS),
    ("kubernetes.io/h2c", HTTP2),
    ("kubernetes.io/ws", HTTP1),
    ("kubernetes.io/wss", HTTP1_TLS),
];

/// Values of ingress-nginx's `backend-protocol`, and what is spoken. `None`: it cannot be served.
const BACKEND_PROTOCOLS: [(&str, Option<Spoken>); 6] = [
    ("HTTP", Some(HTTP1)),
    ("HTTPS", Some(HTTP1_TLS)),
    ("GRPC", Some(HTTP2)),
    ("GRPCS", Some(HTTP2_TLS)),
    ("AUTO_HTTP", None),
    ("FCGI", None),
];

impl Spoken {
    /// What an `appProtocol` means; `None` if that is not known.
    pub(crate) fn of_app_protocol(written: &str) -> Option<Self> {
        APP_PROTOCOLS.iter().find(|(word, _)| word.eq_ignore_ascii_case(written)).map(|(_, spoken)| *spoken)
    }

    /// What a `backend-protocol` means; the outer `None` if that is not known.
    pub(crate) fn of_backend_protocol(written: &str) -> Option<Option<Self>> {
        BACKEND_PROTOCOLS.iter().find(|(word, _)| word.eq_ignore_ascii_case(written)).map(|(_, spoken)| *spoken)
    }
}
