//! Who asks: by where from, by a password, by what another service says. All of what the route asks for, or one thing.

use bulkhead_model::authentication::{Basic, Credentials, Satisfy};
use bulkhead_model::{Denial, limits};

use super::Passage;
use crate::deadline::Waiting;
use crate::downstream::Downstream;
use crate::exchange::attended::attended;
use crate::exchange::stop::Stop;
use crate::fault::Fault;
use crate::passwords::Busy;

impl<D: Downstream> Passage<'_, '_, '_, D> {
    pub(super) async fn authenticate(&mut self) -> Result<(), Stop> {
        let Some(authentication) = &self.filters.authentication else { return Ok(()) };
        if authentication.basic.is_some() {
            // A password is for the gateway, whatever else lets the request in.
            self.scratch.to_backend.remove("authorization");
        }
        // Nobody but the service says these, whether it is asked or not.
        for name in authentication.external.iter().flat_map(|external| &external.told) {
            self.scratch.to_backend.remove(name);
        }
        if self.with_request(|request| authentication.trusts(request.client)) {
            return Ok(());
        }
        let mut refused: Result<(), Stop> = Ok(());
        if let Some(basic) = &authentication.basic {
            match (self.password(basic).await, authentication.satisfy) {
                (Ok(()), Satisfy::Any) => return Ok(()),
                (Err(stop), Satisfy::All) => return Err(stop),
                (outcome, _) => refused = outcome,
            }
        }
        if let Some(external) = &authentication.external {
            match (self.external(external).await, authentication.satisfy) {
                (Ok(()), Satisfy::Any) => return Ok(()),
                (Err(stop), Satisfy::All) => return Err(stop),
                (outcome, _) => refused = outcome,
            }
        }
        refused
    }

    /// Whether the client shows a name and a password that are let in.
    async fn password(&self, basic: &Basic) -> Result<(), Stop> {
        let refused = |denial| Stop::Answer(Box::new(basic.challenge(denial)));
        let credentials = self.with_request(|request| Credentials::of(request.fields)).map_err(refused)?;
        let (worker, now) = (self.worker, self.guard.now());
        let (verdicts, passwords, users) = (&worker.verdicts, &worker.shared.passwords, &basic.users);
        let admitted = match verdicts.known(passwords, users, &credentials, now) {
            Some(is_right) => Ok(is_right),
            // Boxed, because it is seldom and would lie in every exchange.
            None => {
                // What is left of the time of the head is no measure of this. A wait that takes too long ends by itself first, so that
                // whatever else lets the request in is still asked.
                self.guard.wait(Waiting::Password, limits::PASSWORD_TIME.time().saturating_mul(2));
                attended(self.down.source(), Box::pin(verdicts.admit(passwords, users, credentials, now))).await?
            }
        };
        match admitted {
            Ok(true) => Ok(()),
            Ok(false) => Err(refused(Denial::CredentialsRefused)),
            Err(Busy) => Err(Fault::Denied(Denial::AuthenticationBusy).into()),
        }
    }
}
