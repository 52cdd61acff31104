//! Who is asked: pure choices among endpoints, with the caller's own state passed in.

use std::sync::Arc;

use crate::backend::{Endpoint, Endpoints};

/// The next endpoint in turn. `cursor` is the calling thread's own and is moved on; a thread starts it anywhere, so that
/// threads do not march in step. `None` when there is nobody to ask.
pub fn round_robin<'a>(endpoints: &'a Endpoints, cursor: &mut u32) -> Option<&'a Arc<Endpoint>> {
    let count = u32::try_from(endpoints.list.len()).ok().filter(|n| *n > 0)?;
    *cursor = cursor.wrapping_add(1);
    endpoints.list.get((*cursor % count) as usize)
}
