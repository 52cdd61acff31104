//! The one table of everything that keeps a request from being forwarded or a response from being finished: who is to
//! blame, what the client is told, whether its connection survives, and the word that stands in logs and metrics.

use bulkhead_http1::Refusal;
use bulkhead_model::Denial;

/// Why an exchange did not end as client and backend meant it to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The client's bytes are not one well-formed request.
    Refused(Refusal),
    /// The model decided not to forward.
    Denied(Denial),
    /// No snapshot has been published yet.
    NotReady,
    /// Connections begin with a PROXY protocol header, and this one comes from nobody who may send one.
    ProxyUntrusted,
    /// The connection does not begin with a PROXY protocol header that can be taken.
    ProxyMalformed,
    /// The PROXY protocol header did not arrive in time.
    ProxyTimeout,
    /// The connection was closed, or reset, in the middle of its PROXY protocol header.
    ProxyAborted,
    /// The client did not finish its TLS handshake in time.
    TlsTimeout,
    /// The client spoke something else than TLS where TLS is spoken.
    TlsPlaintext,
    /// The client asked for a name without a certificate, and such handshakes are refused.
    TlsUnknownName,
    /// The client offers no version, cipher or protocol that is spoken here.
    TlsIncompatible,
    /// The client closed, or reset, its connection before the TLS handshake was over.
    TlsAborted,
    /// The TLS handshake failed in another way: the client refused the certificate, or broke the protocol.
    TlsFailed,
    /// This process has forwarded the request before.
    Loop,
    /// The client did not finish its request head in time.
    HeadTimeout,
    /// The process is short of memory or descriptors.
    Overloaded,
    /// The client stopped sending its content.
    ContentTimeout,
    /// The client sends its content more slowly than any working connection does.
    ContentTooSlow,
    /// The client took back more requests of an HTTP/2 connection than anybody needs to.
    TooManyResets,
    /// The client broke the rules of HTTP/2.
    Http2Broken,
    /// The client sent more frames without request or content than anybody needs to.
    TooManyControlFrames,
    /// The client closed, or reset, its connection before it had its response.
    ClientGone,
    /// The client stopped taking its response.
    ResponseStalled,
    /// No endpoint accepted a connection.
    ConnectFailed,
    /// No endpoint accepted a connection in time.
    ConnectTimeout,
    /// There is no TLS with the backend: it does not speak it, or none that is offered.
    UpstreamHandshake,
    /// The backend's certificate does not lead to a root that is believed, is not for its name, or has run out.
    UpstreamUntrusted,
    /// The backend closed the connection before it answered.
    UpstreamClosed,
    /// The backend says that it did not begin with the request.
    UpstreamRefused,
    /// The backend took back the request that it had begun with.
    UpstreamReset,
    /// The backend's response head is malformed.
    BadResponse,
    /// The backend answered with a status for which another one is asked, and none of those answered.
    UpstreamStatus,
    /// The backend sent more interim responses than any honest one does.
    TooManyInterim,
    /// The backend switched protocols although nobody had asked.
    UnexpectedSwitch,
    /// The backend stopped taking the request.
    UpstreamStalled,
    /// The backend did not answer, or stopped answering, in time.
    UpstreamTimeout,
    /// The call took longer than its caller gave it.
    CallTimeout,
    /// The backend's response ended before its content was complete, or its framing broke.
    ResponseTruncated,
}

/// Who caused a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The client.
    Client,
    /// This gateway, or its configuration.
    Gateway,
    /// The backend.
    Upstream,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The word in logs and metrics.
    pub name: &'static str,
    /// What the client is told while nothing has been said yet; 0: nothing, the connection just ends.
    pub status: u16,
    /// Who caused it.
    pub blame: Blame,
    /// Whether the connection can carry another request (framing is not in doubt).
    pub keeps: bool,
    /// What stands in the response for a person.
    pub text: &'static str,
}

/// Faults that are not the codec's, in the order in which they are counted.
const OWN: [Fault; 61] = [
    Fault::Denied(Denial::BadHost),
    Fault::Denied(Denial::BadPath),
    Fault::Denied(Denial::AmbiguousSlash),
    Fault::Denied(Denial::PathTooCostly),
    Fault::Denied(Denial::BadRewrite),
    Fault::Denied(Denial::EmptyRewrite),
    Fault::Denied(Denial::NoRoute),
    Fault::Denied(Denial::NoService),
    Fault::Denied(Denial::NoEndpoints),
    Fault::Denied(Denial::EndpointsFull),
    Fault::Denied(Denial::PolicyNotServed),
    Fault::Denied(Denial::Misdirected),
    Fault::Denied(Denial::ClientCertificateNeedsTls),
    Fault::Denied(Denial::ClientCertificateMissing),
    Fault::Denied(Denial::ClientCertificateRefused),
    Fault::Denied(Denial::ClientSubjectRefused),
    Fault::Denied(Denial::AddressRefused),
    Fault::Denied(Denial::ConnectionsLimited),
    Fault::Denied(Denial::RateLimited),
    Fault::Denied(Denial::CredentialsMissing),
    Fault::Denied(Denial::CredentialsRefused),
    Fault::Denied(Denial::AuthenticationBusy),
    Fault::Denied(Denial::ServiceRefused),
    Fault::Denied(Denial::ServiceUnclear),
    Fault::Denied(Denial::ContentTooLarge),
    Fault::NotReady,
    Fault::ProxyUntrusted,
    Fault::ProxyMalformed,
    Fault::ProxyTimeout,
    Fault::ProxyAborted,
    Fault::TlsTimeout,
    Fault::TlsPlaintext,
    Fault::TlsUnknownName,
    Fault::TlsIncompatible,
    Fault::TlsAborted,
    Fault::TlsFailed,
    Fault::Loop,
    Fault::HeadTimeout,
    Fault::Overloaded,
    Fault::ContentTimeout,
    Fault::ContentTooSlow,
    Fault::TooManyResets,
    Fault::Http2Broken,
    Fault::TooManyControlFrames,
    Fault::ClientGone,
    Fault::ResponseStalled,
    Fault::ConnectFailed,
    Fault::ConnectTimeout,
    Fault::UpstreamHandshake,
    Fault::UpstreamUntrusted,
    Fault::UpstreamClosed,
    Fault::UpstreamRefused,
    Fault::UpstreamReset,
    Fault::BadResponse,
    Fault::UpstreamStatus,
    Fault::TooManyInterim,
    Fault::UnexpectedSwitch,
    Fault::UpstreamStalled,
    Fault::UpstreamTimeout,
    Fault::CallTimeout,
    Fault::ResponseTruncated,
];

impl Fault {
    /// Every fault, in the order in which they are counted.
    pub fn all() -> impl Iterator<Item = Self> {
        Refusal::ALL.iter().copied().map(Self::Refused).chain(OWN)
    }

    /// What it means. The match is the table: a new fault does not compile until it has its row.
    #[must_use]
    pub fn row(self) -> Row {
        use Blame::{Client, Gateway, Upstream};
        let row = |name, status, blame, keeps, text| Row { name, status, blame, keeps, text };
        match self {
            Self::Refused(refusal) => row(refusal.name(), refusal.status(), Client, false, "the request is malformed"),
            Self::Denied(Denial::BadHost) => {
                row("unroutable_host", 400, Client, false, "the host is not a valid name or address")
            }
            Self::Denied(Denial::BadPath) => {
                row("ambiguous_path", 400, Client, false, "the path can be read in more than one way")
            }
            Self::Denied(Denial::AmbiguousSlash) => row(
                "ambiguous_slash",
                400,
                Client,
                false,
                "an escaped slash makes the path ambiguous between two routes",
            ),
            Self::Denied(Denial::PathTooCostly) => {
                row("path_too_costly", 414, Client, true, "the path is too long for the expressions of its host")
            }
            Self::Denied(Denial::BadRewrite) => {
                row("bad_rewrite", 400, Client, true, "what the route makes of the request must not be sent on")
            }
            // The status as in ingress-nginx.
            Self::Denied(Denial::EmptyRewrite) => {
                row("empty_rewrite", 500, Gateway, true, "the route makes nothing of the path")
            }
            Self::Denied(Denial::NoRoute) => row("no_route", 404, Client, true, "no route has this host and path"),
            Self::Denied(Denial::NoService) => {
                row("no_service", 503, Gateway, true, "the route's service or port does not exist")
            }
            Self::Denied(Denial::NoEndpoints) => {
                row("no_endpoints", 503, Upstream, true, "the route's service has no ready endpoint")
            }
            Self::Denied(Denial::EndpointsFull) => {
                row("endpoints_full", 503, Upstream, true, "every endpoint of the route's service is busy")
            }
            Self::Denied(Denial::PolicyNotServed) => row(
                "policy_not_served",
                503,
                Gateway,
                true,
                "the route asks for a protection that this gateway does not serve",
            ),
            Self::Denied(Denial::Misdirected) => row(
                "misdirected",
                421,
                Client,
                true,
                "the host wants a connection of its own, with a client certificate",
            ),
            // Not 421, which asks the client to try again: in clear text it never can.
            Self::Denied(Denial::ClientCertificateNeedsTls) => {
                row("client_certificate_needs_tls", 403, Client, true, "the host is served under TLS only")
            }
            // Status of both as in ingress-nginx: alerts of TLS tell people nothing.
            Self::Denied(Denial::ClientCertificateMissing) => {
                row("client_certificate_missing", 400, Client, true, "the host wants a client certificate")
            }
            Self::Denied(Denial::ClientCertificateRefused) => {
                row("client_certificate_refused", 400, Client, true, "the client certificate is not accepted")
            }
            Self::Denied(Denial::ClientSubjectRefused) => {
                row("client_subject_refused", 403, Client, true, "the client certificate is for somebody else")
            }
            Self::Denied(Denial::AddressRefused) => {
                row("address_refused", 403, Client, true, "the route does not let in this address")
            }
            Self::Denied(Denial::ConnectionsLimited) => {
                row("connections_limited", 429, Client, true, "too many requests of this client at once")
            }
            Self::Denied(Denial::RateLimited) => row("rate_limited", 429, Client, true, "too many requests"),
            Self::Denied(Denial::CredentialsMissing) => {
                row("credentials_missing", 401, Client, true, "the route asks for a name and a password")
            }
            Self::Denied(Denial::CredentialsRefused) => {
                row("credentials_refused", 401, Client, true, "the name or the password is not accepted")
            }
            Self::Denied(Denial::AuthenticationBusy) => row(
                "authentication_busy",
                503,
                Gateway,
                true,
                "too many passwords are being checked, try again shortly",
            ),
            // What the client is told is what the service says: 401 or 403.
            Self::Denied(Denial::ServiceRefused) => row(
                "service_refused",
                403,
                Client,
                true,
                "the service that decides on this route does not let in the request",
            ),
            Self::Denied(Denial::ServiceUnclear) => row(
                "service_unclear",
                500,
                Upstream,
                true,
                "the service that decides on this route gave no clear answer",
            ),
            Self::Denied(Denial::ContentTooLarge) => {
                row("content_too_large", 413, Client, false, "the content is larger than allowed")
            }
            Self::NotReady => row("not_ready", 503, Gateway, true, "the gateway has no configuration yet"),
            Self::ProxyUntrusted => row("proxy_untrusted", 0, Client, false, ""),
            Self::ProxyMalformed => row("proxy_malformed", 0, Client, false, ""),
            Self::ProxyTimeout => row("proxy_timeout", 0, Client, false, ""),
            Self::ProxyAborted => row("proxy_aborted", 0, Client, false, ""),
            Self::TlsTimeout => row("tls_timeout", 0, Client, false, ""),
            Self::TlsPlaintext => row("tls_plaintext", 0, Client, false, ""),
            Self::TlsUnknownName => row("tls_unknown_name", 0, Client, false, ""),
            Self::TlsIncompatible => row("tls_incompatible", 0, Client, false, ""),
            Self::TlsAborted => row("tls_aborted", 0, Client, false, ""),
            Self::TlsFailed => row("tls_failed", 0, Client, false, ""),
            Self::Loop => row("loop", 508, Gateway, true, "the request has come through this gateway before"),
            Self::HeadTimeout => row("head_timeout", 408, Client, false, "the request head did not arrive in time"),
            Self::Overloaded => row("overloaded", 503, Gateway, true, "the gateway is overloaded, try again shortly"),
            Self::ContentTooSlow => {
                row("content_too_slow", 408, Client, false, "the request content arrives too slowly")
            }
            Self::TooManyResets => row("too_many_resets", 0, Client, false, ""),
            Self::Http2Broken => row("http2_broken", 0, Client, false, ""),
            Self::TooManyControlFrames => row("too_many_control_frames", 0, Client, false, ""),
            Self::ContentTimeout => row("content_timeout", 408, Client, false, "the request content stopped arriving"),
            Self::ClientGone => row("client_gone", 0, Client, false, ""),
            Self::ResponseStalled => row("response_stalled", 0, Client, false, ""),
            Self::ConnectFailed => row("connect_failed", 502, Upstream, true, "no endpoint accepted a connection"),
            Self::ConnectTimeout => {
                row("connect_timeout", 504, Upstream, true, "no endpoint accepted a connection in time")
            }
            Self::UpstreamClosed => {
                row("upstream_closed", 502, Upstream, true, "the backend closed the connection without an answer")
            }
            Self::UpstreamHandshake => {
                row("upstream_handshake", 502, Upstream, true, "the backend does not speak TLS as it should")
            }
            Self::UpstreamUntrusted => {
                row("upstream_untrusted", 502, Upstream, true, "the backend's certificate is not trusted")
            }
            Self::UpstreamRefused => {
                row("upstream_refused", 503, Upstream, true, "the backend did not take the request")
            }
            Self::UpstreamReset => row("upstream_reset", 502, Upstream, true, "the backend broke off the request"),
            Self::BadResponse => row("bad_response", 502, Upstream, true, "the backend's response is malformed"),
            Self::UpstreamStatus => {
                row("upstream_status", 502, Upstream, true, "the backend failed, and no other one answered")
            }
            Self::TooManyInterim => {
                row("too_many_interim", 502, Upstream, true, "the backend sent too many interim responses")
            }
            Self::UnexpectedSwitch => {
                row("unexpected_switch", 502, Upstream, true, "the backend switched protocols unasked")
            }
            Self::UpstreamStalled => {
                row("upstream_stalled", 504, Upstream, true, "the backend stopped taking the request")
            }
            Self::UpstreamTimeout => row("upstream_timeout", 504, Upstream, true, "the backend did not answer in time"),
            // Nothing is known of the backend by it: a caller may give a call no time at all.
            Self::CallTimeout => row("call_timeout", 504, Client, true, "the call took longer than its caller gave it"),
            Self::ResponseTruncated => row("response_truncated", 0, Upstream, false, ""),
        }
    }

    /// Position in [`Self::all`].
    pub(crate) fn index(self) -> usize {
        Self::all().position(|fault| fault == self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Fault;

    #[test]
    fn every_fault_has_a_word_of_its_own_and_a_sensible_status() {
        let mut names = BTreeSet::new();
        for fault in Fault::all() {
            let row = fault.row();
            assert!(names.insert(row.name), "{} stands twice", row.name);
            assert!(
                row.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'),
                "{}",
                row.name
            );
            assert!(row.status == 0 || (400..=599).contains(&row.status), "{}", row.name);
            assert!(!(row.status == 0 && row.keeps), "{}: a client that is told nothing cannot go on", row.name);
        }
    }
}
