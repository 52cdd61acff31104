//! The one table of everything that keeps a request from being forwarded or a response from being finished: who is to
//! blame, what the client is told, whether its connection survives, and the word that stands in logs and metrics.

mod denied;
#[cfg(test)]
mod page;

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
    /// What a person is told: in the response, if there is one, and in the log.
    pub text: &'static str,
}

/// Faults that are neither the codec's nor the model's, in the order in which they are counted.
const OWN: [Fault; 36] = [
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

impl Row {
    const fn new(name: &'static str, status: u16, blame: Blame, keeps: bool, text: &'static str) -> Self {
        Self { name, status, blame, keeps, text }
    }
}

impl Fault {
    /// Every fault, in the order in which they are counted.
    pub fn all() -> impl Iterator<Item = Self> {
        let refused = Refusal::ALL.iter().copied().map(Self::Refused);
        refused.chain(denied::ALL.map(Self::Denied)).chain(OWN)
    }

    /// What it means. The match is the table: a new fault does not compile until it has its row.
    #[must_use]
    pub fn row(self) -> Row {
        use Blame::{Client, Gateway, Upstream};
        let row = Row::new;
        match self {
            Self::Refused(refusal) => row(refusal.name(), refusal.status(), Client, false, "the request is malformed"),
            Self::Denied(denial) => denied::row(denial),
            Self::NotReady => row("not_ready", 503, Gateway, true, "the gateway has no configuration yet"),
            Self::ProxyUntrusted => row(
                "proxy_untrusted",
                0,
                Client,
                false,
                "a PROXY protocol header is awaited, and this address may not send one",
            ),
            Self::ProxyMalformed => row(
                "proxy_malformed",
                0,
                Client,
                false,
                "the connection does not begin with a PROXY protocol header that can be taken",
            ),
            Self::ProxyTimeout => {
                row("proxy_timeout", 0, Client, false, "the PROXY protocol header did not arrive in time")
            }
            Self::ProxyAborted => {
                row("proxy_aborted", 0, Client, false, "the connection ended within its PROXY protocol header")
            }
            Self::TlsTimeout => row("tls_timeout", 0, Client, false, "the TLS handshake was not finished in time"),
            Self::TlsPlaintext => {
                row("tls_plaintext", 0, Client, false, "the client does not speak TLS where TLS is spoken")
            }
            Self::TlsUnknownName => row(
                "tls_unknown_name",
                0,
                Client,
                false,
                "there is no certificate for the name that the client asks for",
            ),
            Self::TlsIncompatible => row(
                "tls_incompatible",
                0,
                Client,
                false,
                "the client offers no version, cipher or protocol of TLS that is spoken here",
            ),
            Self::TlsAborted => {
                row("tls_aborted", 0, Client, false, "the client ended the connection within the TLS handshake")
            }
            Self::TlsFailed => row(
                "tls_failed",
                0,
                Client,
                false,
                "the TLS handshake failed: the client does not take the certificate, or broke the protocol",
            ),
            Self::Loop => row("loop", 508, Gateway, true, "the request has come through this gateway before"),
            Self::HeadTimeout => row("head_timeout", 408, Client, false, "the request head did not arrive in time"),
            Self::Overloaded => row("overloaded", 503, Gateway, true, "the gateway is overloaded, try again shortly"),
            Self::ContentTooSlow => {
                row("content_too_slow", 408, Client, false, "the request content arrives too slowly")
            }
            Self::TooManyResets => {
                row("too_many_resets", 0, Client, false, "the client took back more requests than anybody needs to")
            }
            Self::Http2Broken => row("http2_broken", 0, Client, false, "the client broke the rules of HTTP/2"),
            Self::TooManyControlFrames => row(
                "too_many_control_frames",
                0,
                Client,
                false,
                "the client sent more control frames than anybody needs to",
            ),
            Self::ContentTimeout => row("content_timeout", 408, Client, false, "the request content stopped arriving"),
            Self::ClientGone => row("client_gone", 0, Client, false, "the client left before it had its response"),
            Self::ResponseStalled => {
                row("response_stalled", 0, Client, false, "the client stopped taking its response")
            }
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
            Self::ResponseTruncated => {
                row("response_truncated", 0, Upstream, false, "the response ended before its content was complete")
            }
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
