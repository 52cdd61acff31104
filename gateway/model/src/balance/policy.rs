//! How the endpoint of a request is chosen: what configuration says.

use super::sticky::Sticky;
use crate::template::Template;

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
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Affinity {
    /// Those that are alike in this, as far as endpoints are not overloaded by it.
    Hash(HashBy),
    /// Those that are alike in this go to the same few endpoints, as many as the number says, and among these to any.
    Subset(HashBy, u8),
    /// Those that bring the same cookie, which the gateway hands out.
    Sticky(Sticky),
}

/// What requests are alike in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HashBy {
    /// The client's address.
    Address,
    /// The value of a field, by its name in lower case. Requests without it are balanced as if there were no affinity.
    Field(Box<str>),
    /// The value of a cookie, by its name. Requests without it are balanced as if there were no affinity.
    Cookie(Box<str>),
    /// What a text says of them. Requests of which it says nothing are alike.
    Template(Template),
}
