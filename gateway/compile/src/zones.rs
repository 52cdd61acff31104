//! What is counted of clients, from one compile to the next: an edit elsewhere must not let anybody begin anew.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use bulkhead_model::rate_limit::{Bounds, Space, Zone};

use crate::name::Name;

/// Zones that are not looked for as soon as there are a few: most lanes have less.
const FEW: usize = 64;

/// The zones of Ingresses, for as long as routes have them.
#[derive(Debug, Default)]
pub(crate) struct Zones {
    space: Arc<Space>,
    known: BTreeMap<Name, Weak<Zone>>,
    /// How many there were when those that are gone were last looked for.
    lived: usize,
}

impl Zones {
    /// The zone of an Ingress: the one that it has, if its bounds are the same.
    pub(crate) fn of(&mut self, ingress: &Name, bounds: Bounds) -> Arc<Zone> {
        let known = self.known.get(ingress).and_then(Weak::upgrade);
        if let Some(zone) = known.filter(|zone| zone.bounds() == bounds) {
            return zone;
        }
        if self.known.len() >= FEW + 2 * self.lived {
            self.known.retain(|_, zone| zone.strong_count() > 0);
            self.lived = self.known.len();
        }
        let zone = Arc::new(Zone::new(bounds, Arc::clone(&self.space)));
        self.known.insert(ingress.clone(), Arc::downgrade(&zone));
        zone
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    fn bounds(connections: u32) -> Bounds {
        Bounds { connections: NonZeroU32::new(connections), ..Bounds::default() }
    }

    #[test]
    fn an_ingress_keeps_its_zone_while_its_bounds_are_the_same() {
        let mut zones = Zones::default();
        let (mill, farm) = (Name::new("mill", "a"), Name::new("farm", "a"));
        let first = zones.of(&mill, bounds(1));
        assert!(Arc::ptr_eq(&first, &zones.of(&mill, bounds(1))));
        assert!(!Arc::ptr_eq(&first, &zones.of(&farm, bounds(1))));
        assert!(!Arc::ptr_eq(&first, &zones.of(&mill, bounds(2))));
    }

    #[test]
    fn zones_without_routes_are_forgotten() {
        let mut zones = Zones::default();
        let kept = zones.of(&Name::new("mill", "kept"), bounds(1));
        for number in 0..10_000 {
            drop(zones.of(&Name::new("mill", &number.to_string()), bounds(1)));
            assert!(zones.known.len() <= FEW + 2);
        }
        assert!(Arc::ptr_eq(&kept, &zones.of(&Name::new("mill", "kept"), bounds(1))));
    }
}
