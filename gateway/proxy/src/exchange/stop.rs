//! Why a request goes no further.

use bulkhead_model::{Answer, Denial};

use crate::fault::Fault;

/// What the client gets instead of a backend's response.
#[derive(Debug)]
pub(super) enum Stop {
    /// What the table of errors says.
    Fault(Fault),
    /// What the route says.
    Answer(Box<Answer>),
}

impl Stop {
    /// Puts an answer aside, so that what is left is small: it lies in every exchange.
    pub(super) fn put(self, aside: &mut Option<Box<Answer>>) -> Fault {
        match self {
            Self::Fault(fault) => fault,
            Self::Answer(answer) => {
                let fault = answer.denial.map_or(Fault::NotReady, Fault::Denied);
                *aside = Some(answer);
                fault
            }
        }
    }

    /// What it is counted as, if anything is wrong.
    pub(super) fn fault(&self) -> Option<Fault> {
        match self {
            Self::Fault(fault) => Some(*fault),
            Self::Answer(answer) => answer.denial.map(Fault::Denied),
        }
    }
}

impl Fault {
    /// The model's decision, if it is one.
    pub(super) const fn denial(self) -> Option<Denial> {
        match self {
            Self::Denied(denial) => Some(denial),
            _ => None,
        }
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<bulkhead_model::Stop> for Stop {
    fn from(stop: bulkhead_model::Stop) -> Self {
        match stop {
            bulkhead_model::Stop::Denied(denial) => Self::Fault(Fault::Denied(denial)),
            bulkhead_model::Stop::Answered(answer) => Self::Answer(answer),
        }
    }
}
