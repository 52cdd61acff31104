//! Step 4: the request goes out and the response comes in, both at the same time; each direction waits for its slower side.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use tokio::net::TcpStream;

use crate::connection::Downstream;
use crate::deadline::Waiting;
use crate::exchange::{Next, forward, request, response};
use crate::fault::Fault;
use crate::transfer::{Patience, gone};
use crate::upstream::Slot;
use crate::worker::{Scratch, Worker};

/// What every part of a conversation needs.
pub(super) struct Conversation<'c> {
    pub(super) worker: &'c Worker,
    pub(super) patience: Patience<'c>,
    /// Whether the client has been sent a part of the final response.
    pub(super) begun: &'c Cell<bool>,
}

/// Why the sending side ended before the response did.
pub(super) enum Stopped {
    /// The exchange is over: the client is gone, or sent what must not be forwarded.
    Fault(Fault),
    /// The backend takes no more; it may still answer.
    Upstream,
}

/// Sends the request over `stream`, delivers the response, and keeps the connection if it is clean.
pub(super) async fn converse(
    conversation: &Conversation<'_>,
    down: &mut Downstream<'_>,
    scratch: &mut Scratch,
    mut stream: TcpStream,
    slot: &Slot,
) -> Result<Next, Fault> {
    let complete = Cell::new(false);
    let ended = {
        let (mut up_read, mut up_write) = stream.split();
        request::begin(conversation, down, scratch, &mut up_write).await?;
        complete.set(down.content.is_end());
        let worn_out = down.is_worn_out(&conversation.patience.settings.limits, conversation.patience.guard.now());
        let Downstream { read, write, buffer, content, decoded, sent, .. } = down;
        let Scratch { request, response, out, .. } = scratch;
        let request = &*request;
        let sending = pin!(async {
            if !complete.get() {
                let mut pump = request::Pump { conversation, read, buffer, content, decoded, sent, request };
                pump.run(&mut up_write).await?;
                complete.set(true);
                conversation.patience.wait_for(Waiting::Response);
            }
            gone(read).await;
            Err(Stopped::Fault(Fault::ClientGone))
        });
        let delivery = response::Delivery {
            conversation,
            down: write,
            up: &mut up_read,
            complete: &complete,
            worn_out,
            request,
            response,
            out,
        };
        join(conversation, sending, pin!(delivery.run())).await?
    };
    if ended.reusable && complete.get() {
        forward::keep(slot, stream, conversation.patience);
    }
    Ok(ended.next)
}

/// Runs both directions. The response decides when the exchange is over; the sending side can only break it off.
async fn join<T>(
    conversation: &Conversation<'_>,
    mut sending: Pin<&mut impl Future<Output = Result<(), Stopped>>>,
    mut receiving: Pin<&mut impl Future<Output = Result<T, Fault>>>,
) -> Result<T, Fault> {
    let mut sends = true;
    poll_fn(|cx| {
        if let Poll::Ready(ended) = receiving.as_mut().poll(cx) {
            return Poll::Ready(ended);
        }
        if sends && let Poll::Ready(stopped) = sending.as_mut().poll(cx) {
            sends = false;
            match stopped {
                Err(Stopped::Fault(fault)) => return Poll::Ready(Err(fault)),
                Err(Stopped::Upstream) | Ok(()) => conversation.patience.wait_for(Waiting::Response),
            }
        }
        Poll::Pending
    })
    .await
}
