//! What is done for a client only as long as it waits for it.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use crate::content::RequestSource;
use crate::fault::Fault;

/// Does `work` unless the client leaves, or takes its request back, while it has to wait: then nothing of it is left running.
///
/// # Errors
/// The client has left.
pub(super) async fn attended<T>(source: &impl RequestSource, work: impl Future<Output = T>) -> Result<T, Fault> {
    let mut work = pin!(work);
    // Boxed when there is something to wait for, which is seldom: it would lie in every exchange.
    let mut leaving = None;
    poll_fn(|cx| {
        if let Poll::Ready(done) = work.as_mut().poll(cx) {
            return Poll::Ready(Ok(done));
        }
        let leaving = leaving.get_or_insert_with(|| Box::pin(source.gone()));
        leaving.as_mut().poll(cx).map(|()| Err(Fault::ClientGone))
    })
    .await
}
