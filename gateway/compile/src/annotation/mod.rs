//! Annotations of ingress controllers: those of ingress-nginx are known by name, one [`Row`] each, others by prefix; none is ignored
//! silently.
//!
//! A module for each thing that annotations can ask for holds the rows of its annotations and reads them, with one [`Reader`], into
//! a type of the model. [`Policies`] is all of it, [`judge`](judge()) says what is not obeyed.

mod access;
mod aliases;
mod authentication;
mod backend;
mod balancing;
mod bandwidth;
mod bounds;
mod canary;
mod clients;
mod companions;
mod cors;
mod difference;
mod external_auth;
mod handshakes;
mod judge;
mod mirror;
mod observation;
mod pages;
mod rates;
mod reader;
mod redirect;
mod response_fields;
mod revision;
mod rewrite;
mod row;
mod snippets;
mod upstream;
mod url;
mod within;

use std::sync::Arc;

use bulkhead_model::access::AccessList;
use bulkhead_model::authentication::Satisfy;
use bulkhead_model::balance::{Affinity, Method};
use bulkhead_model::bandwidth::Bandwidth;
use bulkhead_model::cross_origin::CrossOrigin;
use bulkhead_model::tls::TlsWish;
use bulkhead_model::tracing::Spans;
use bulkhead_model::{Revision, Template};

use k8s_openapi::api::networking::v1::Ingress;

use crate::findings::Notes;
use crate::name::Name;

pub(crate) use self::aliases::Names;
pub(crate) use self::authentication::{BasicWish, field as field_of_users};
pub(crate) use self::backend::{BackendPolicy, TlsWishes};
pub(crate) use self::bounds::Bounds;
pub(crate) use self::canary::{CanaryPolicy, is_canary, read as read_canary};
pub(crate) use self::clients::{ClientPolicy, ClientWish, field as field_of_issuers};
pub use self::difference::difference;
pub(crate) use self::external_auth::{ExternalWish, field as field_of_auth_fields};
pub(crate) use self::handshakes::{CIPHERS, ORDER};
pub use self::judge::is_off;
pub(crate) use self::judge::judge;
pub(crate) use self::mirror::MirrorWish;
pub(crate) use self::pages::{DEFAULT_BACKEND, Pages};
pub(crate) use self::rates::Rates;
pub use self::reader::parse_bool;
pub(crate) use self::reader::{Reader, key};
pub(crate) use self::redirect::Redirection;
pub(crate) use self::response_fields::field as field_of_response_fields;
pub(crate) use self::rewrite::Routing;
pub use self::row::{Group, PREFIX, Row, Scope, State, Use};
pub(crate) use self::url::{Url, UrlHost};

/// What an Ingress asks for by annotations, as far as it can be understood alone.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Policies {
    /// What is spoken with the backends of all rules, and how.
    pub(crate) backend: BackendPolicy,
    /// What it wants of the clients of its hosts.
    pub(crate) clients: ClientPolicy,
    /// What it says of the handshakes of its hosts.
    pub(crate) handshakes: TlsWish,
    /// Who may ask, by address.
    pub(crate) access: Option<AccessList>,
    /// The ConfigMap beside the Ingress with what an authentication service is told besides.
    pub(crate) auth_fields: Option<Arc<str>>,
    /// Which requests belong together.
    pub(crate) affinity: Option<Affinity>,
    /// Who may ask, by name and password.
    pub(crate) basic: Option<BasicWish>,
    /// How fast each response is sent.
    pub(crate) bandwidth: Option<Bandwidth>,
    /// Bounds that differ from the lane's.
    pub(crate) bounds: Bounds,
    /// Which pages of other origins may read the responses, as the profile Standard has it.
    pub(crate) cross_origin: Option<CrossOrigin>,
    /// Who says whether a client may ask.
    pub(crate) external: Option<ExternalWish>,
    /// Who gets a copy of every request.
    pub(crate) mirror: Option<MirrorWish>,
    /// How an endpoint is chosen, if not as the lane says.
    pub(crate) method: Option<Method>,
    /// How often a client may ask.
    pub(crate) rates: Option<Rates>,
    /// Whether each request has a connection of its own to the backend.
    pub(crate) closes: bool,
    /// How its hosts are called besides.
    pub(crate) names: Names,
    /// Where clients are sent instead.
    pub(crate) redirects: Redirection,
    /// Pages of another Service instead of errors.
    pub(crate) pages: Option<Pages>,
    /// How paths are meant, and what becomes of them.
    pub(crate) routing: Routing,
    /// Whether the one address of a Service is asked rather than its endpoints.
    pub(crate) service: bool,
    /// The authority that backends are told.
    pub(crate) vhost: Option<Template>,
    /// Requests have no line in the access log.
    pub(crate) unlogged: bool,
    /// What the spans of requests are, where the lane has traces.
    pub(crate) spans: Option<Box<Spans>>,
    /// A protection is asked for in a way that cannot be obeyed: every route answers 503.
    pub(crate) refused: bool,
    /// The ConfigMap beside the Ingress with fields of every response.
    pub(crate) response_fields: Option<Arc<str>>,
    /// What a backend's answer says otherwise.
    pub(crate) revision: Option<Arc<Revision>>,
    /// How much of what it asks is enough.
    pub(crate) satisfy: Satisfy,
}

impl Policies {
    /// Whether what the groups of its paths match is a part of anything.
    pub(crate) fn has_groups(&self) -> bool {
        self.routing.rewrite.is_some() || self.redirects.moved.as_ref().is_some_and(|moved| moved.to.has_groups())
    }

    /// Reads all that is obeyed. What is not is for [`judge`] to say.
    pub(crate) fn read(reader: &mut Reader<'_, '_>) -> Self {
        let mut read = Self {
            backend: backend::read(&mut reader.apart()),
            clients: clients::read(&mut reader.apart()),
            access: access::read(reader),
            affinity: balancing::affinity(reader),
            auth_fields: external_auth::says(reader),
            bandwidth: bandwidth::read(reader),
            basic: authentication::basic(reader),
            bounds: Bounds::read(reader),
            cross_origin: cors::read(reader),
            external: external_auth::read(reader),
            method: balancing::method(reader),
            mirror: mirror::read(reader),
            rates: rates::read(reader),
            closes: within::closes(reader),
            names: Names::read(reader),
            redirects: Redirection::read(reader),
            pages: pages::read(reader),
            response_fields: response_fields::read(reader),
            revision: revision::read(reader).map(Arc::new),
            satisfy: authentication::satisfy(reader),
            routing: Routing::read(reader),
            service: upstream::by_service(reader),
            unlogged: observation::unlogged(reader),
            spans: observation::spans(reader),
            vhost: upstream::vhost(reader),
            handshakes: handshakes::read(reader),
            refused: false,
        };
        read.refused = reader.refused || read.backend.refused;
        read
    }

    /// Names of further Services that they need, of the namespace of the Ingress.
    pub(crate) fn services(&self) -> impl Iterator<Item = &Arc<str>> {
        self.pages.iter().map(|pages| &pages.service)
    }

    /// Names of the Secrets of its namespace that they need.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &Arc<str>> {
        let basic = self.basic.iter().map(|basic| &basic.secret);
        self.backend.tls.secret.iter().chain(self.clients.secret()).chain(basic)
    }

    /// Names of the ConfigMaps of its namespace that they need.
    pub(crate) fn config_maps(&self) -> impl Iterator<Item = &Arc<str>> {
        self.auth_fields.iter().chain(&self.response_fields)
    }
}

/// The policies of an Ingress as far as they refer to objects, which the rows of their annotations say.
pub(crate) fn needed(ingress: &Ingress) -> Policies {
    let Some(annotations) = &ingress.metadata.annotations else { return Policies::default() };
    let name = Name::of(&ingress.metadata);
    // What is to be said about them, they say when they are served.
    let mut notes = Notes::new("Ingress", &name);
    let mut reader = Reader::new(annotations, &name.namespace, &mut notes);
    Policies {
        backend: backend::read(&mut reader.apart()),
        clients: clients::read(&mut reader.apart()),
        auth_fields: external_auth::says(&mut reader),
        basic: authentication::basic(&mut reader),
        response_fields: response_fields::read(&mut reader),
        ..Policies::default()
    }
}

/// Every annotation of ingress-nginx.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    let tables = [
        access::ROWS,
        aliases::ROWS,
        authentication::ROWS,
        backend::ROWS,
        balancing::ROWS,
        bandwidth::ROWS,
        bounds::ROWS,
        canary::ROWS,
        clients::ROWS,
        cors::ROWS,
        external_auth::ROWS,
        handshakes::ROWS,
        mirror::ROWS,
        observation::ROWS,
        pages::ROWS,
        rates::ROWS,
        redirect::ROWS,
        response_fields::ROWS,
        revision::ROWS,
        rewrite::ROWS,
        snippets::ROWS,
        upstream::ROWS,
        within::ROWS,
    ];
    tables.into_iter().flatten()
}

/// The row of an annotation of ingress-nginx, by its name without prefix, or its second name.
#[must_use]
pub fn row(name: &str) -> Option<&'static Row> {
    rows().find(|row| row.name == name || row.alias == Some(name))
}
