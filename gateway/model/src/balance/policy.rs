//! How the endpoint of a request is chosen: what configuration says.

use super::sticky::Sticky;

/// A choice that looks at endpoints only, not at who asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Method {
    /// In turn.
    #[default]
    RoundRobin,
    /// Of two picked at random the one with fewer requests in flight.
    LeastRequests,
    /// Any.
    Random,
    /// Of two picked at random the one that will be quicker, by the latency it has shown and its requests in flight.
    PeakEwma,
}

/// A choice that looks at who asks: requests that belong together go to the same endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Affinity {
    /// Those that are alike in this, as far as endpoints are not overloaded by it.
    Hash(HashBy),
    /// Those that bring the same cookie, which the gateway hands out.
    Sticky(Sticky),
}

/// What requests are alike in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum HashBy {
    /// The client's address.
    Address,
    /// The value of a field, by its name in lower case. Requests without it are balanced as if there were no affinity.
    Field(Box<str>),
    /// The value of a cookie, by its name. Requests without it are balanced as if there were no affinity.
    Cookie(Box<str>),
}
