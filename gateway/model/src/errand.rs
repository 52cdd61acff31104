//! A request of the gateway's own, to somebody beside the route: whether a client may ask, or a copy of what it asks.

use std::sync::Arc;

use crate::backend::Backend;
use crate::template::{TargetTemplate, Template};

/// To whom it goes, and for what it asks there.
#[derive(Clone, Debug)]
pub struct Errand {
    /// Who is asked.
    pub backend: Arc<Backend>,
    /// The authority that is asked for.
    pub authority: Template,
    /// Path and query.
    pub target: TargetTemplate,
}

/// Two are the same if the same is asked of the same backend.
impl PartialEq for Errand {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.backend, &other.backend) && self.authority == other.authority && self.target == other.target
    }
}
