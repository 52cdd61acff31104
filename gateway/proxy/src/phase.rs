//! The life of a proxy, as every thread sees it.

/// What connections are allowed to do. Only ever moves forward.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Normal service.
    #[default]
    Serving,
    /// Still accepting, but every response says `Connection: close`.
    Lameduck,
    /// No longer accepting; idle connections are closed, requests in flight are finished.
    Draining,
    /// The deadline has passed: everything is closed now.
    Cut,
}
