//! What the model's decisions not to forward mean for the client.

use bulkhead_model::Denial;

use super::Blame::{Client, Gateway, Upstream};
use super::Row;

/// All of them, in the order in which they are counted.
pub(super) const ALL: [Denial; 25] = [
    Denial::BadHost,
    Denial::BadPath,
    Denial::AmbiguousSlash,
    Denial::PathTooCostly,
    Denial::BadRewrite,
    Denial::EmptyRewrite,
    Denial::NoRoute,
    Denial::NoService,
    Denial::NoEndpoints,
    Denial::EndpointsFull,
    Denial::PolicyNotServed,
    Denial::Misdirected,
    Denial::ClientCertificateNeedsTls,
    Denial::ClientCertificateMissing,
    Denial::ClientCertificateRefused,
    Denial::ClientSubjectRefused,
    Denial::AddressRefused,
    Denial::ConnectionsLimited,
    Denial::RateLimited,
    Denial::CredentialsMissing,
    Denial::CredentialsRefused,
    Denial::AuthenticationBusy,
    Denial::ServiceRefused,
    Denial::ServiceUnclear,
    Denial::ContentTooLarge,
];

/// What a decision means. The match is a part of the table: a new one does not compile until it has its row.
pub(super) fn row(denial: Denial) -> Row {
    let row = Row::new;
    match denial {
        Denial::BadHost => row("unroutable_host", 400, Client, false, "the host is not a valid name or address"),
        Denial::BadPath => row("ambiguous_path", 400, Client, false, "the path can be read in more than one way"),
        Denial::AmbiguousSlash => {
            row("ambiguous_slash", 400, Client, false, "an escaped slash makes the path ambiguous between two routes")
        }
        Denial::PathTooCostly => {
            row("path_too_costly", 414, Client, true, "the path is too long for the expressions of its host")
        }
        Denial::BadRewrite => {
            row("bad_rewrite", 400, Client, true, "what the route makes of the request must not be sent on")
        }
        // The status as in ingress-nginx.
        Denial::EmptyRewrite => row("empty_rewrite", 500, Gateway, true, "the route makes nothing of the path"),
        Denial::NoRoute => row("no_route", 404, Client, true, "no route has this host and path"),
        Denial::NoService => row("no_service", 503, Gateway, true, "the route's service or port does not exist"),
        Denial::NoEndpoints => row("no_endpoints", 503, Upstream, true, "the route's service has no ready endpoint"),
        Denial::EndpointsFull => {
            row("endpoints_full", 503, Upstream, true, "every endpoint of the route's service is busy")
        }
        Denial::PolicyNotServed => row(
            "policy_not_served",
            503,
            Gateway,
            true,
            "the route asks for a protection that this gateway does not serve",
        ),
        Denial::Misdirected => {
            row("misdirected", 421, Client, true, "the host wants a connection of its own, with a client certificate")
        }
        // Not 421, which asks the client to try again: in clear text it never can.
        Denial::ClientCertificateNeedsTls => {
            row("client_certificate_needs_tls", 403, Client, true, "the host is served under TLS only")
        }
        // Status of both as in ingress-nginx: alerts of TLS tell people nothing.
        Denial::ClientCertificateMissing => {
            row("client_certificate_missing", 400, Client, true, "the host wants a client certificate")
        }
        Denial::ClientCertificateRefused => {
            row("client_certificate_refused", 400, Client, true, "the client certificate is not accepted")
        }
        Denial::ClientSubjectRefused => {
            row("client_subject_refused", 403, Client, true, "the client certificate is for somebody else")
        }
        Denial::AddressRefused => row("address_refused", 403, Client, true, "the route does not let in this address"),
        Denial::ConnectionsLimited => {
            row("connections_limited", 429, Client, true, "too many requests of this client at once")
        }
        Denial::RateLimited => row("rate_limited", 429, Client, true, "too many requests"),
        Denial::CredentialsMissing => {
            row("credentials_missing", 401, Client, true, "the route asks for a name and a password")
        }
        Denial::CredentialsRefused => {
            row("credentials_refused", 401, Client, true, "the name or the password is not accepted")
        }
        Denial::AuthenticationBusy => {
            row("authentication_busy", 503, Gateway, true, "too many passwords are being checked, try again shortly")
        }
        // What the client is told is what the service says: 401 or 403.
        Denial::ServiceRefused => row(
            "service_refused",
            403,
            Client,
            true,
            "the service that decides on this route does not let in the request",
        ),
        Denial::ServiceUnclear => {
            row("service_unclear", 500, Upstream, true, "the service that decides on this route gave no clear answer")
        }
        Denial::ContentTooLarge => row("content_too_large", 413, Client, false, "the content is larger than allowed"),
    }
}
