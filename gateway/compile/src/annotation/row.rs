//! What there is to know about an annotation, whatever its value.

/// Before the name of every annotation of ingress-nginx.
pub const PREFIX: &str = "nginx.ingress.kubernetes.io/";

/// An annotation of ingress-nginx.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Its name, without the prefix.
    pub name: &'static str,
    /// A second name, which counts only where the first is not written.
    pub alias: Option<&'static str>,
    /// What it is about.
    pub group: Group,
    /// What it changes.
    pub scope: Scope,
    /// How much it is used by those who come from ingress-nginx.
    pub use_: Use,
    /// What becomes of it.
    pub state: State,
    /// Whether it says, alone or with others, which Secrets and ConfigMaps the Ingress refers to.
    pub refers: bool,
}

/// What an annotation is about, as the documentation groups them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Paths, rewrites and redirects.
    Routing,
    /// HTTPS and client certificates.
    Tls,
    /// What is spoken with backends.
    Backend,
    /// A share of the traffic for another version.
    Canary,
    /// Which endpoint is asked.
    Balancing,
    /// Who asks.
    Authentication,
    /// From where, how often, and from which pages.
    Access,
    /// Bounds, retries, fields and copies.
    Proxying,
    /// What is written down about it.
    Observation,
}

/// What an annotation changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The routes of its Ingress.
    Route,
    /// Every host of its Ingress, other Ingresses' routes included; the oldest Ingress of the host counts.
    Host,
}

/// How much an annotation is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Nobody can move without it.
    Must,
    /// Many use it.
    Should,
    /// Few use it.
    Rare,
    /// Nobody should.
    Never,
}

/// What becomes of an annotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is obeyed, as ingress-nginx does.
    Obeyed,
    /// It is obeyed, but for this difference.
    Approximated(&'static str),
    /// It asks for nothing that is not so anyway, for this reason.
    Implied(&'static str),
    /// It is not obeyed, and routes are served without it. What to do instead.
    Ignored(&'static str),
    /// It is not obeyed. As it may ask for a protection, routes answer 503. What to do instead.
    Refused(&'static str),
}

impl Row {
    /// A row for what is obeyed on the routes of its Ingress.
    pub(crate) const fn new(name: &'static str, group: Group, use_: Use, state: State) -> Self {
        Self { name, alias: None, group, scope: Scope::Route, use_, state, refers: false }
    }

    /// The same, with a second name.
    pub(crate) const fn or(self, alias: &'static str) -> Self {
        Self { alias: Some(alias), ..self }
    }

    /// The same, of one that [`references`](crate::references) looks at.
    pub(crate) const fn referring(self) -> Self {
        Self { refers: true, ..self }
    }

    /// The same, for all of a host.
    pub(crate) const fn of_host(self) -> Self {
        Self { scope: Scope::Host, ..self }
    }
}
