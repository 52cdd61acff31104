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
pub use sticky::{Attributes, Mode, Occasion, SameSite, Side, Sticky, find, is_cookie_path};
