//! Why a request is answered by the gateway itself, where the decision is the model's.

/// A decision not to forward. What each means for the client stands in the proxy's one error table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Denial {
    /// The authority is not a valid `uri-host [":" port]`.
    BadHost,
    /// The request target is not a path that may be routed.
    BadPath,
    /// The path leads to one route as it is written, and to another for who takes its escaped slashes for slashes.
    AmbiguousSlash,
    /// To find out which expression of the host matches the path would cost more than any request may.
    PathTooCostly,
    /// What the route makes of the path is none that may be sent on.
    BadRewrite,
    /// The route makes nothing of the path.
    EmptyRewrite,
    /// No route has this host and path.
    NoRoute,
    /// The route's Service, or the port of it, does not exist.
    NoService,
    /// The route's Service has no endpoint that takes requests.
    NoEndpoints,
    /// Every endpoint of the route's Service has as many requests in flight as it may have.
    EndpointsFull,
    /// The route asks for a protection (authentication, access list, limit) that is not served: it must not be served without it.
    PolicyNotServed,
    /// The host lets in clients with certificates only, and this connection was not begun as one to it.
    Misdirected,
    /// The host lets in clients with certificates only, and in clear text there are none.
    ClientCertificateNeedsTls,
    /// The host lets in clients with certificates only, and this one has shown none.
    ClientCertificateMissing,
    /// The client's certificate is not one that the host lets in.
    ClientCertificateRefused,
    /// The client's certificate is for somebody whom the host does not let in, or the client is nobody.
    ClientSubjectRefused,
    /// The client's address is not one that the route lets in.
    AddressRefused,
    /// The client has as many requests in flight as the route lets it have.
    ConnectionsLimited,
    /// The client asks more often than the route lets it.
    RateLimited,
    /// The route lets in users with passwords only, and the client has shown none.
    CredentialsMissing,
    /// The client's name or password is not one that the route lets in.
    CredentialsRefused,
    /// More passwords are to be checked than can be.
    AuthenticationBusy,
    /// A service that is asked has said that the client may not.
    ServiceRefused,
    /// A service that is asked whether a client may has not said so clearly.
    ServiceUnclear,
    /// The content is larger than the route allows.
    ContentTooLarge,
}
