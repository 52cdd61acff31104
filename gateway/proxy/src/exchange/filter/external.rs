//! Who asks, by what another service says.

use std::rc::Rc;
use std::time::Duration;

use bulkhead_http1::{Edits, Framing, Method, Name, Overlay, RequestHead, ResponseHead, write_request};
use bulkhead_model::Denial;
use bulkhead_model::external_auth::{AskBy, ExternalAuth, Word};
use bulkhead_model::limits::QUESTION_BYTES;
use tokio::time::timeout;

use super::Passage;
use crate::downstream::Downstream;
use crate::exchange::attended::attended;
use crate::exchange::errand::{Question, ask};
use crate::exchange::forwarded;
use crate::exchange::stop::Stop;
use crate::fault::Fault;
use crate::rulings::{Ruling, key};
use crate::transfer::Patience;

/// Longest that a service is waited for, however long backends are: a person waits for its answer before that of the backend.
const LONGEST: Duration = Duration::from_secs(10);
/// Longest target, authority, or value of a field that is made of a request.
const MOST_BYTES: usize = 8 << 10;

impl<D: Downstream> Passage<'_, '_, '_, D> {
    /// Whether the service lets the request in. What it says of the client is told to the backend, and its cookies to the client.
    pub(super) async fn external(&mut self, external: &ExternalAuth) -> Result<(), Stop> {
        if forwarded::is_errand(self.worker.shared.pseudonym.name(), &self.scratch.request, self.down.head()) {
            // The service is behind a route that asks it whether it may be asked.
            return Err(Fault::Loop.into());
        }
        let remembered = self.remembered(external);
        let ruling = match remembered.as_ref().and_then(|key| self.worker.rulings.get(key, self.guard.now())) {
            Some(ruling) => ruling,
            None => {
                let ruling = Rc::new(self.ask(external).await?);
                let lifetime = external.memory.as_ref().and_then(|memory| memory.lifetime(ruling.status));
                if let (Some(key), Some(lifetime)) = (remembered, lifetime.filter(|_| ruling.may_be_kept)) {
                    self.worker.rulings.put(key, Rc::clone(&ruling), self.guard.now() + lifetime);
                }
                ruling
            }
        };
        match Word::of(ruling.status) {
            Word::Yes => {
                self.tell(external, &ruling);
                Ok(())
            }
            Word::No => Err(Stop::Answer(Box::new(
                self.with_request(|request| external.refuse(request, ruling.status, ruling.for_client.clone())),
            ))),
            Word::Unclear => Err(Fault::Denied(Denial::ServiceUnclear).into()),
        }
    }

    /// What the answer to this request is known by, if it may be known. A key that would be too long is nobody's.
    fn remembered(&self, external: &ExternalAuth) -> Option<Box<[u8]>> {
        let memory = external.memory.as_ref()?;
        let route = self.found.route;
        let service = external.service.backend.id.to_le_bytes();
        // What is kept of an answer depends on all that was asked, and on whether the password that the gateway asks for went along.
        let (asked, with_password) = (external.asked.to_bytes(), [u8::from(!self.keeps_password())]);
        let mut text = key([
            route.origin.as_bytes(),
            route.host.as_bytes(),
            route.path.as_bytes(),
            &service,
            &asked,
            &with_password,
        ]);
        self.with_request(|request| memory.key.write(request, MOST_BYTES, &mut text)).ok()?;
        Some(text.into())
    }

    /// Whether the route asks for a password itself.
    fn keeps_password(&self) -> bool {
        self.filters.authentication.as_ref().is_some_and(|authentication| authentication.basic.is_some())
    }

    async fn ask(&self, external: &ExternalAuth) -> Result<Ruling, Stop> {
        let unclear = || Stop::from(Fault::Denied(Denial::ServiceUnclear));
        let (request, head) = self.head(external).ok_or_else(unclear)?;
        let question = Question { backend: &external.service.backend, request: &request, head: &head, content: b"" };
        let patience = Patience { guard: self.guard, settings: self.found.settings };
        let asked = ask(self.worker, patience, &question, |response, bytes| Ruling::of(external, response, bytes));
        let limit = self.found.settings.upstream.read.min(LONGEST);
        // Nobody is let in on a word that never came.
        match attended(self.down.source(), Box::pin(timeout(limit, asked))).await? {
            Ok(Ok(ruling)) => Ok(ruling),
            Ok(Err(fault)) => {
                tracing::debug!(?fault, service = %external.service.backend.name, "a service could not be asked whether a client may");
                Err(unclear())
            }
            Err(_) => Err(unclear()),
        }
    }

    /// The request as the service sees it: the client's fields as a backend would get them, and what the client asks for.
    fn head(&self, external: &ExternalAuth) -> Option<(RequestHead, Vec<u8>)> {
        let (came, bytes) = (&self.scratch.request, self.down.head());
        let mut request = came.clone();
        request.method = method(external.method);
        request.framing = Framing::None;
        (request.upgrade, request.trailers, request.expects_continue) = (false, false, false);
        let (mut target, mut authority, mut over) = (Vec::new(), Vec::new(), Overlay::default());
        let mut room = Room::default();
        if self.keeps_password() {
            // The password that the gateway asks for is nobody else's.
            over.remove("authorization");
        }
        self.with_request(|asks| {
            target = room.take(0, |most, out| external.service.target.write(asks, most, out).ok())?;
            authority = room.take(0, |most, out| external.service.authority.write(asks, most, out).ok())?;
            let scheme: &[u8] = if asks.secure { b"https" } else { b"http" };
            over.set("X-Original-URL", &[scheme, b"://", asks.authority, asks.uri].concat());
            over.set("X-Original-Method", asks.method);
            // By these some services decide, and a trusted peer may have passed on what a client says.
            for claim in ["X-Forwarded-Method", "X-Forwarded-Uri", "X-Original-URI"] {
                over.remove(claim);
            }
            over.set("X-Sent-From", b"nginx-ingress-controller");
            match &external.returns_to {
                None => over.set("X-Auth-Request-Redirect", asks.uri),
                Some(template) => {
                    let place = room.take(0, |most, out| template.write(asks, most, out).ok())?;
                    over.set("X-Auth-Request-Redirect", &place);
                }
            }
            if external.method.is_some() {
                over.set("X-Original-URI", asks.uri);
                over.set("X-Scheme", scheme);
            }
            for (name, template) in &external.says {
                let value = room.take(name.len(), |most, out| template.write(asks, most, out).ok())?;
                // What says nothing is left away, as nginx does.
                over.remove(name);
                if !value.is_empty() {
                    over.append(name, &value);
                }
            }
            Some(())
        })?;
        over.append("Via", forwarded::errand(self.worker.shared.pseudonym.name()).as_bytes());
        let (mut head, mut values) = (Vec::new(), Vec::new());
        let client = (self.down.client(), self.found.route.client_auth.as_ref());
        let policy = &self.found.settings.forwarded;
        let pseudonym = self.worker.shared.pseudonym.via(self.down.client().protocol);
        forwarded::with_edits(
            policy,
            pseudonym,
            client,
            (came, bytes),
            came.authority.of(bytes),
            &mut values,
            |edits| {
                let edits = Edits { over: Some(&over), upgrade: false, trailers: false, ..*edits };
                write_request(&mut head, bytes, &request, &[&target], &authority, Framing::None, &edits);
            },
        );
        Some((request, head))
    }

    /// What the service says goes to the backend instead of what the client says under the same names, also where the service is silent.
    fn tell(&mut self, external: &ExternalAuth, ruling: &Ruling) {
        for name in &external.told {
            self.scratch.to_backend.remove(name);
        }
        for (nth, value) in &ruling.for_backend {
            if let Some(name) = external.told.get(*nth) {
                self.scratch.to_backend.append(name, value);
            }
        }
        for (name, value) in ruling.for_client.iter().filter(|(name, _)| *name == "Set-Cookie") {
            self.scratch.to_client.append(name, value);
        }
    }
}

impl Ruling {
    /// What matters of an answer.
    fn of(external: &ExternalAuth, response: &ResponseHead, bytes: &[u8]) -> Self {
        let mut ruling = Self { status: response.status, may_be_kept: true, ..Self::default() };
        for field in &response.fields {
            let (name, value) = (field.name.of(bytes), field.value.of(bytes));
            match field.id {
                Name::SetCookie => {
                    ruling.may_be_kept = false;
                    ruling.for_client.push(("Set-Cookie", value.to_vec()));
                }
                _ if name.eq_ignore_ascii_case(b"www-authenticate") => {
                    ruling.for_client.push(("WWW-Authenticate", value.to_vec()));
                }
                _ if name.eq_ignore_ascii_case(b"cache-control") => {
                    let text = value.to_ascii_lowercase();
                    let forbids = |word: &[u8]| text.windows(word.len()).any(|part| part == word);
                    ruling.may_be_kept &= !(forbids(b"no-store") || forbids(b"no-cache") || forbids(b"private"));
                }
                _ => {}
            }
            let told = external.told.iter().position(|told| told.as_bytes().eq_ignore_ascii_case(name));
            ruling.for_backend.extend(told.map(|nth| (nth, value.to_vec())));
        }
        ruling
    }
}

/// What may still be made of a request for the question about it.
struct Room(usize);

impl Default for Room {
    fn default() -> Self {
        Self(QUESTION_BYTES.size())
    }
}

impl Room {
    /// What `write` makes, which has a name of so many bytes besides and is told how many it may have. `None`: it is too much.
    fn take(&mut self, name: usize, write: impl FnOnce(usize, &mut Vec<u8>) -> Option<()>) -> Option<Vec<u8>> {
        let (mut made, left) = (Vec::new(), self.0.checked_sub(name)?);
        write(left.min(MOST_BYTES), &mut made)?;
        self.0 = left.checked_sub(made.len())?;
        Some(made)
    }
}

const fn method(by: Option<AskBy>) -> Method {
    match by {
        None | Some(AskBy::Get) => Method::Get,
        Some(AskBy::Head) => Method::Head,
        Some(AskBy::Post) => Method::Post,
        Some(AskBy::Put) => Method::Put,
        Some(AskBy::Patch) => Method::Patch,
        Some(AskBy::Delete) => Method::Delete,
        Some(AskBy::Options) => Method::Options,
    }
}
