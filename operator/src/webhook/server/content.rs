//! The content of a review, as it comes in. Room is taken for what has arrived and never for what is announced.

use std::sync::Arc;

use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::{Failure, REVIEW_BYTES};

/// Bytes taken of what all may take and of what one address may take; given back when dropped.
pub(super) struct Room(Vec<(Arc<Semaphore>, OwnedSemaphorePermit)>);

impl Room {
    /// Nothing yet, of all of these.
    pub(super) fn of(shares: [&Arc<Semaphore>; 2]) -> Option<Self> {
        let none =
            |share: &Arc<Semaphore>| Some((Arc::clone(share), Arc::clone(share).try_acquire_many_owned(0).ok()?));
        shares.into_iter().map(none).collect::<Option<Vec<_>>>().map(Self)
    }

    /// Takes so much more of each. Nobody waits for room while he holds some: two who did would wait for each other.
    fn take(&mut self, bytes: usize) -> Result<(), Failure> {
        let bytes = u32::try_from(bytes).map_err(|_| Failure::TooLarge)?;
        for (share, held) in &mut self.0 {
            held.merge(Arc::clone(share).try_acquire_many_owned(bytes).map_err(|_| Failure::Full)?);
        }
        Ok(())
    }
}

/// Everything that comes until the end, with the room for it.
pub(super) async fn received(
    mut content: Incoming,
    mut room: Room,
    until: Instant,
) -> Result<(Vec<u8>, Room), Failure> {
    if content.size_hint().lower() > REVIEW_BYTES as u64 {
        return Err(Failure::TooLarge);
    }
    let mut whole = Vec::new();
    while let Some(frame) = timeout_at(until, content.frame()).await.map_err(|_| Failure::Late)? {
        let Ok(bytes) = frame.map_err(|_| Failure::BrokenOff)?.into_data() else { continue };
        if bytes.len() > REVIEW_BYTES - whole.len() {
            return Err(Failure::TooLarge);
        }
        room.take(bytes.len())?;
        whole.extend_from_slice(&bytes);
    }
    Ok((whole, room))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_of_both_shares_and_comes_back() {
        let (all, own) = (Arc::new(Semaphore::new(100)), Arc::new(Semaphore::new(10)));
        let mut room = Room::of([&all, &own]).expect("room");
        assert_eq!((all.available_permits(), own.available_permits()), (100, 10));
        room.take(8).expect("room");
        assert!(matches!(room.take(8), Err(Failure::Full)), "more than its own share");
        drop(room);
        assert_eq!((all.available_permits(), own.available_permits()), (100, 10));
    }
}
