//! The request on its way to the backend.

use bulkhead_model::Denial;

use crate::content::{Broken, RequestSource, Sink};
use crate::exchange::Twin;
use crate::exchange::attended::attended;
use crate::exchange::converse::{Conversation, Stopped};
use crate::exchange::record::Record;
use crate::fault::Fault;
use crate::pace::Pace;

/// Moves the content behind the first piece, which was sent with the head, from the client to the backend.
pub(super) async fn pump(
    conversation: &Conversation<'_>,
    source: &mut impl RequestSource,
    sink: &mut impl Sink,
    mirror: &mut Option<Box<Twin>>,
    record: &Record,
) -> Result<(), Stopped> {
    let Conversation { worker, patience, .. } = conversation;
    let mut total = source.piece().content.len() as u64;
    let mut pace = Pace::new(conversation.content_rate, patience.settings.limits.content_idle);
    while !source.piece().last {
        let room = sink.ready(*patience).await.map_err(|_| Stopped::Upstream)?;
        let since = patience.guard.now();
        source.advance(worker, *patience, room).await.map_err(|broken| Stopped::Fault(broken.into()))?;
        let piece = source.piece();
        total += piece.content.len() as u64;
        // Whoever is answered already may be in conversation with the backend.
        if !pace.keeps_up(since, patience.guard.now(), piece.content.len()) && !conversation.begun.get() {
            return Err(Stopped::Fault(Fault::ContentTooSlow));
        }
        if total > patience.settings.limits.content_bytes {
            return Err(Stopped::Fault(Fault::Denied(Denial::ContentTooLarge)));
        }
        let sent = attended(source, sink.send(*patience, &[], piece)).await.map_err(Stopped::Fault)?;
        sent.map_err(|_| Stopped::Upstream)?;
        if let Some(twin) = mirror {
            twin.add(piece.content);
        }
        worker.tally().bytes_in.add(piece.content.len() as u64);
        record.receive(piece.content.len());
    }
    Ok(())
}

impl From<Broken> for Fault {
    /// Of a request: what a client did.
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Framing(bulkhead_http1::Refusal::Truncated) | Broken::Gone => Self::ClientGone,
            Broken::Framing(refusal) => Self::Refused(refusal),
        }
    }
}
