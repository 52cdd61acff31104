//! Backends as one thread knows them: their endpoints with what each has to do, and what second tries may cost.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use bulkhead_model::balance::{Ask, By, Candidate, Load, Method, Nobody};
use bulkhead_model::settings::Upstream;
use bulkhead_model::{Backend, Endpoint, Moment, RetryBudget, balance};

use super::flight::Flight;
use super::pool::{Pool, Slot};
use crate::deadline::Guard;
use crate::id_map::IdMap;
use crate::worker::Worker;

/// How long a backend that nobody asks is remembered: until what was learnt about it is old. In microseconds.
const KEPT: u64 = 30_000_000;

/// All backends this thread has asked lately.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    groups: RefCell<IdMap<Rc<Group>>>,
}

/// One backend, as one thread knows it.
#[derive(Debug)]
pub(crate) struct Group {
    /// Of the backend's endpoints, as they stand in `members`.
    version: Cell<u64>,
    members: RefCell<balance::Group<Member>>,
    budget: RefCell<RetryBudget>,
    in_flight: Cell<u32>,
    used: Cell<Moment>,
}

/// An endpoint in a group.
#[derive(Clone, Debug)]
struct Member(Rc<Slot>);

impl Candidate for Member {
    fn endpoint(&self) -> &Endpoint {
        self.0.endpoint()
    }

    fn load(&self) -> &Load {
        self.0.load()
    }
}

impl Groups {
    /// The group of `backend`, with the endpoints that it has now. Its next request has come.
    pub(crate) fn enter(&self, worker: &Worker, backend: &Backend, now: Moment) -> Rc<Group> {
        // Read before the endpoints are: they are at least as new.
        let version = backend.version();
        let mut groups = self.groups.borrow_mut();
        let group = groups.entry(backend.id).or_insert_with(|| {
            let members = balance::Group::new(members(&worker.pool, backend), worker.dice.roll());
            Rc::new(Group {
                version: Cell::new(version),
                members: RefCell::new(members),
                budget: RefCell::new(RetryBudget::new(worker.shared.threads(), now)),
                in_flight: Cell::new(0),
                used: Cell::new(now),
            })
        });
        if group.version.replace(version) != version {
            group.members.borrow_mut().replace(members(&worker.pool, backend), now);
        }
        group.used.set(now);
        group.budget.borrow_mut().request();
        Rc::clone(group)
    }

    /// Forgets backends that nobody has asked for a while.
    pub(crate) fn sweep(&self, now: Moment) {
        self.groups.borrow_mut().retain(|_, group| now.since(group.used.get()) < KEPT || Rc::strong_count(group) > 1);
    }
}

fn members(pool: &Pool, backend: &Backend) -> Vec<Member> {
    backend.endpoints().list.iter().map(|endpoint| Member(pool.slot(backend, endpoint))).collect()
}

impl Group {
    /// A request to the endpoint that `by` says, but to none of `tried`.
    pub(crate) fn choose<'r>(
        self: &Rc<Self>,
        worker: &'r Worker,
        guard: &'r Guard,
        backend: &'r Backend,
        by: By<'_>,
        (settings, tried): (&Upstream, &[u64]),
        now: Moment,
    ) -> Result<Flight<'r>, Nobody> {
        // A rotation leaves nothing to chance.
        let by_turn = settings.method == Method::RoundRobin && !matches!(by, By::Subset(..));
        let random = if by_turn { 0 } else { worker.dice.roll() };
        let most = settings.requests_per_endpoint;
        let ask = Ask { now, random, most, in_flight: self.in_flight.get(), tried };
        let mut members = self.members.borrow_mut();
        let chosen = members.choose(by, &ask)?;
        if chosen.panic {
            worker.tally().balance_panics.add(1);
        }
        let slot = Rc::clone(&chosen.member.0);
        drop(members);
        let is_timed = settings.method == Method::PeakEwma;
        Ok(Flight::begin(worker, guard, backend, (Rc::clone(self), slot), is_timed.then_some(now)))
    }

    /// Whether there is an endpoint to ask besides those of `tried`.
    pub(crate) fn has_others(&self, settings: &Upstream, tried: &[u64], now: Moment) -> bool {
        let most = settings.requests_per_endpoint;
        self.members.borrow().has_somebody(&Ask { now, random: 0, most, in_flight: self.in_flight.get(), tried })
    }

    /// Whether a cookie stands for one of the endpoints.
    pub(crate) fn knows(&self, sticky: &balance::Sticky, token: u64) -> bool {
        self.members.borrow().knows(sticky, token)
    }

    /// Whether the place of a key on the ring is an endpoint's.
    pub(crate) fn is_at(&self, key: u64, endpoint: &Endpoint) -> bool {
        self.members.borrow_mut().owner(key).is_some_and(|member| member.endpoint().id == endpoint.id)
    }

    /// Whether a request may be sent once more; counts it, or that it may not.
    pub(crate) fn may_retry(&self, worker: &Worker, guard: &Guard) -> bool {
        let may = self.budget.borrow_mut().take(worker.moment(guard.now()));
        let tally = worker.tally();
        (if may { &tally.retries } else { &tally.retries_refused }).add(1);
        may
    }

    pub(super) fn begin(&self) {
        self.in_flight.set(self.in_flight.get() + 1);
    }

    pub(super) fn end(&self) {
        self.in_flight.set(self.in_flight.get().saturating_sub(1));
    }
}
