//! Why a request is answered by the gateway itself, where the decision is the model's.

/// A decision not to forward. What each means for the client stands in the proxy's one error table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Denial {
    /// The authority is not a valid `uri-host [":" port]`.
    BadHost,
    /// The request target is not a path that may be routed.
    BadPath,
    /// No route has this host and path.
    NoRoute,
    /// The route's Service, or the port of it, does not exist.
    NoService,
    /// The route's Service has no endpoint that takes requests.
    NoEndpoints,
    /// The route asks for a protection (authentication, access list, limit) that is not served: it must not be served without it.
    PolicyNotServed,
    /// The content is larger than the route allows.
    ContentTooLarge,
}
