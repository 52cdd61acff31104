//! Smooth weighted round robin: shares are exact, and nobody gets all of his in a row.

use std::sync::Arc;

use crate::backend::Backend;
use crate::route::Weighted;

/// One thread's place in the rotation of one list of backends.
#[derive(Debug, Default)]
pub struct Rotation {
    /// What each has saved up: all of them gain their weight each turn, and whoever has most pays for all.
    credit: Vec<i64>,
}

impl Rotation {
    /// The backend whose turn it is: among as many turns as all weights come to, each has as many as its own weight. A
    /// list that differs in length from the one before begins anew. `None` when there is no backend.
    pub fn turn<'a>(&mut self, backends: &'a [Weighted]) -> Option<&'a Arc<Backend>> {
        if self.credit.len() != backends.len() {
            self.credit.clear();
            self.credit.resize(backends.len(), 0);
        }
        let mut sum = 0_i64;
        let mut best: Option<(&mut i64, &'a Weighted)> = None;
        for (credit, one) in self.credit.iter_mut().zip(backends) {
            sum = sum.saturating_add(i64::from(one.weight));
            *credit = credit.saturating_add(i64::from(one.weight));
            if best.as_ref().is_none_or(|(most, _)| *credit > **most) {
                best = Some((credit, one));
            }
        }
        best.map(|(credit, one)| {
            *credit = credit.saturating_sub(sum);
            &one.backend
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::backend::Protocol;

    fn backends(weights: &[u32]) -> Vec<Weighted> {
        let backend =
            |id: usize| Arc::new(Backend::new(id as u64, "mill/flour:80".into(), Protocol::Http1, Arc::default()));
        weights.iter().enumerate().map(|(id, weight)| Weighted { backend: backend(id), weight: *weight }).collect()
    }

    fn turns(rotation: &mut Rotation, backends: &[Weighted], count: usize) -> Vec<u64> {
        (0..count).map(|_| rotation.turn(backends).unwrap().id).collect()
    }

    #[test]
    fn turns_are_spread_over_the_period() {
        for (weights, order) in [
            (&[5, 1, 1][..], &[0, 0, 1, 0, 2, 0, 0][..]),
            (&[1, 1, 1], &[0, 1, 2]),
            (&[3, 1], &[0, 0, 1, 0]),
            (&[1], &[0, 0]),
        ] {
            assert_eq!(turns(&mut Rotation::default(), &backends(weights), order.len()), order, "{weights:?}");
        }
    }

    #[test]
    fn a_list_that_changed_begins_anew_and_an_empty_one_has_nobody() {
        let mut rotation = Rotation::default();
        turns(&mut rotation, &backends(&[5, 1, 1]), 3);
        assert_eq!(turns(&mut rotation, &backends(&[1, 1]), 4), [0, 1, 0, 1]);
        assert!(rotation.turn(&[]).is_none());
    }

    proptest! {
        /// In every period each backend has exactly its weight's number of turns, and never many more than its share in
        /// between.
        #[test]
        fn shares_are_exact_in_every_period(weights in prop::collection::vec(1_u32..60, 1..8), periods in 1_usize..4) {
            let list = backends(&weights);
            let sum: u32 = weights.iter().sum();
            let mut rotation = Rotation::default();
            for _ in 0..periods {
                let mut had = vec![0_u32; weights.len()];
                for turn in 1..=sum {
                    had[rotation.turn(&list).unwrap().id as usize] += 1;
                    for (had, weight) in had.iter().zip(&weights) {
                        let due = f64::from(*weight) * f64::from(turn) / f64::from(sum);
                        prop_assert!((f64::from(*had) - due).abs() < weights.len() as f64);
                    }
                }
                prop_assert_eq!(&had, &weights);
            }
        }
    }
}
