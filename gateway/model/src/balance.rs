//! Who is asked: pure choices among endpoints, with the caller's own state passed in, and time and chance as arguments.
//!
//! A data thread keeps a [`Group`] for each backend and a [`Load`] for each endpoint, and shares neither with other threads. What
//! requests have shown of an endpoint's health is shared: see [`crate::health`].

mod group;
mod load;
mod policy;
mod ring;
mod smooth;
mod sticky;

pub use group::{Ask, By, Candidate, Chosen, Group, Nobody};
pub use load::Load;
pub use policy::{Affinity, HashBy, Method};
pub use ring::key;
pub use smooth::Rotation;
pub use sticky::{Mode, Sticky, find};

use std::sync::Arc;

use crate::backend::{Backend, Endpoint, Endpoints};
use crate::route::Weighted;

/// The next endpoint in turn. `cursor` is the calling thread's own and is moved on; a thread starts it anywhere, so that
/// threads do not march in step. `None` when there is nobody to ask.
pub fn round_robin<'a>(endpoints: &'a Endpoints, cursor: &mut u32) -> Option<&'a Arc<Endpoint>> {
    let count = u32::try_from(endpoints.list.len()).ok().filter(|n| *n > 0)?;
    *cursor = cursor.wrapping_add(1);
    endpoints.list.get((*cursor % count) as usize)
}

/// The backend whose turn it is, in proportion to the weights. `turn` is the calling thread's own and is moved on. `None`
/// when there is no backend.
pub fn weighted<'a>(backends: &'a [Weighted], turn: &mut u32) -> Option<&'a Arc<Backend>> {
    let sum: u64 = backends.iter().map(|one| u64::from(one.weight)).sum();
    *turn = turn.wrapping_add(1);
    let mut place = u64::from(*turn).checked_rem(sum)?;
    for one in backends {
        match place.checked_sub(u64::from(one.weight)) {
            Some(rest) => place = rest,
            None => return Some(&one.backend),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn endpoints(count: u16) -> Endpoints {
        Endpoints {
            list: (0..count).map(|n| Arc::new(Endpoint::new(u64::from(n), ([127, 0, 0, 1], n).into()))).collect(),
        }
    }

    #[test]
    fn nobody_is_asked_when_there_is_nobody() {
        assert!(round_robin(&Endpoints::default(), &mut 0).is_none());
    }

    proptest! {
        /// Wherever a thread starts, any two endpoints are asked equally often, give or take once.
        #[test]
        fn every_endpoint_gets_its_turn(count in 1_u16..50, start in 0_u32..1_000_000, requests in 1_usize..500) {
            let endpoints = endpoints(count);
            let (mut cursor, mut asked) = (start, vec![0_usize; usize::from(count)]);
            for _ in 0..requests {
                let endpoint = round_robin(&endpoints, &mut cursor).unwrap();
                asked[endpoint.id as usize] += 1;
            }
            prop_assert!(asked.iter().max().unwrap() - asked.iter().min().unwrap() <= 1);
        }
    }
}
