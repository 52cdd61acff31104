//! Pure: a GatewayInstance in, every Kubernetes object of its lanes out.
//!
//! In: the instance, the [`Site`] it lives on, and what was [`Gathered`] of other objects. [`validate`] judges what the
//! schema cannot see and gives a [`ValidInstance`]; [`plan`] turns that into a [`Plan`]. Neither knows a client, a clock or
//! chance: equal input gives an equal plan, and an object that is planned but never applied does not compile.
//!
//! Start with [`lane::LaneObjects`]; `lane/` holds one object a file, [`names`] every object name, `labels` every label.

pub mod fleet;
mod gathered;
mod instance;
pub mod keyring;
pub mod labels;
pub mod lane;
mod metadata;
pub mod names;
mod site;
#[cfg(test)]
mod test_support;
#[cfg(test)]
mod tests;
mod validate;

pub use gathered::{Claim, Gathered};
pub use instance::ValidInstance;
pub use lane::LaneObjects;
pub use site::{Platform, Site};
pub use validate::{Rejection, validate};

use lane::context::LaneContext;

/// Every object of an instance.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The enabled lanes, north-south first. Lanes share no object, so each can be applied without the other.
    pub lanes: Vec<LaneObjects>,
}

/// Everything that should exist for `instance`, and nothing else: an object of this owner that is not in the plan is to go.
#[must_use]
pub fn plan(instance: &ValidInstance, site: &Site, gathered: &Gathered) -> Plan {
    let lanes = instance.spec().enabled_lanes();
    let lanes = lanes.map(|(name, spec)| LaneObjects::of(&LaneContext { instance, name, spec, site, gathered }));
    Plan { lanes: lanes.collect() }
}
