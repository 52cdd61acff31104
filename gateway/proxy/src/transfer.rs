//! Reads into pooled buffers and writes from several slices, each naming what it waits for only when it has to wait.

use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Poll, ready};

use bulkhead_model::Settings;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

use crate::buffer::Buffer;
use crate::deadline::{Guard, Waiting};
use crate::pace::Progress;
use crate::stream::{ReadHalf, Readiness, Sight};

/// A guard with the settings that give its limits: what every wait needs to know.
#[derive(Clone, Copy)]
pub(crate) struct Patience<'a> {
    pub(crate) guard: &'a Guard,
    pub(crate) settings: &'a Settings,
}

impl Patience<'_> {
    pub(crate) fn wait_for(&self, what: Waiting) {
        self.guard.wait_for(what, self.settings);
    }
}

/// Reads once into a buffer that `take` provides, holding it only while there is data. Calls `waits` when it has to wait,
/// once. `Ok(None)` at the end of the stream.
///
/// Nearly always it has to wait at first: whether it has is asked before a buffer is taken for nothing.
pub(crate) async fn read_fresh<R: AsyncRead + Readiness + Unpin>(
    stream: &mut R,
    take: impl Fn() -> Buffer,
    waits: impl Fn(),
) -> io::Result<Option<Buffer>> {
    let mut told = false;
    poll_fn(|cx| {
        if !told && stream.poll_readiness(cx).is_pending() {
            told = true;
            waits();
            return Poll::Pending;
        }
        let mut buffer = take();
        let polled = pin!(stream.read_buf(buffer.spare())).poll(cx);
        match polled {
            Poll::Ready(Ok(0)) => Poll::Ready(Ok(None)),
            Poll::Ready(Ok(_)) => Poll::Ready(Ok(Some(buffer))),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                if !std::mem::replace(&mut told, true) {
                    waits();
                }
                Poll::Pending
            }
        }
    })
    .await
}

/// Reads more behind what `buffer` holds, which must have room. `Ok(0)` at the end of the stream.
pub(crate) async fn read_more<R: AsyncRead + Unpin>(
    stream: &mut R,
    patience: Patience<'_>,
    what: Waiting,
    buffer: &mut Buffer,
) -> io::Result<usize> {
    let mut told = false;
    let mut read = pin!(stream.read_buf(buffer.spare()));
    poll_fn(|cx| {
        let polled = read.as_mut().poll(cx);
        if polled.is_pending() && !std::mem::replace(&mut told, true) {
            patience.wait_for(what);
        }
        polled
    })
    .await
}

/// Most slices one write is made of: a head, a chunk's size line, its content and its end.
const MOST_SLICES: usize = 4;

/// Writes all slices, in order, in one system call when the socket takes them. Progress extends the wait: of a backend every
/// byte is, of a client so many as the settings say.
pub(crate) async fn write_all<W: AsyncWrite + Unpin>(
    stream: &mut W,
    patience: Patience<'_>,
    what: Waiting,
    parts: [&[u8]; MOST_SLICES],
) -> io::Result<()> {
    let mut parts = parts;
    let (mut told, mut progress) = (false, Progress::default());
    let least = if what == Waiting::Client { patience.settings.limits.response_progress } else { 1 };
    poll_fn(|cx| {
        loop {
            let mut slices = [IoSlice::new(&[]); MOST_SLICES];
            let (mut used, mut bytes) = (0, 0);
            for part in parts {
                if let Some(slot) = slices.get_mut(used) {
                    *slot = IoSlice::new(part);
                    used += usize::from(!part.is_empty());
                    bytes += part.len();
                }
            }
            let slices = slices.get(..used).unwrap_or_default();
            let polled = match slices {
                // A session holds back what its socket did not take.
                [] => Pin::new(&mut *stream).poll_flush(cx).map_ok(|()| 0),
                [one] => Pin::new(&mut *stream).poll_write(cx, one),
                many => Pin::new(&mut *stream).poll_write_vectored(cx, many),
            };
            if polled.is_pending() && !std::mem::replace(&mut told, true) {
                patience.wait_for(what);
                progress = Progress::default();
            }
            let written = ready!(polled)?;
            if written == bytes {
                parts = [&[]; MOST_SLICES];
                match Pin::new(&mut *stream).poll_flush(cx) {
                    Poll::Pending if bytes > 0 => continue,
                    flushed => return flushed,
                }
            }
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            progress.add(written);
            told = told && !progress.take(least);
            advance(&mut parts, written);
        }
    })
    .await
}

/// Waits until the peer has closed its side or is gone. Bytes that arrive meanwhile are left in the socket; in a TLS session an
/// end behind them is not seen, and this waits for ever.
pub(crate) async fn gone(client: &ReadHalf<'_>) {
    if poll_fn(|cx| client.poll_sight(cx)).await == Sight::Blind {
        client.hung_up().await;
    }
}

/// Drops `written` bytes from the front of `parts`.
fn advance(parts: &mut [&[u8]; MOST_SLICES], mut written: usize) {
    for part in parts {
        let here = written.min(part.len());
        *part = part.get(here..).unwrap_or_default();
        written -= here;
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::rc::Rc;
    use std::time::Duration;

    use bulkhead_model::Settings;
    use tokio::io::AsyncReadExt;
    use tokio::time::{Instant, sleep};

    use super::{Patience, advance, write_all};
    use crate::deadline::{Guard, Interrupt, Waiting};
    use crate::phase::Phase;
    use crate::registry::Registry;

    /// Writes 8 KiB to a peer that takes `bytes` every `pause`; how that ended, and after how many seconds.
    async fn sip(what: Waiting, bytes: usize, pause: Duration) -> (bool, u64) {
        let registry = Rc::new(Registry::default());
        let (guard, settings) = (Guard::new(registry.seat()), Settings::default());
        let patience = Patience { guard: &guard, settings: &settings };
        let (mut near, mut far) = tokio::io::duplex(1);
        let begin = Instant::now();
        let taking = async {
            let mut taken = vec![0; bytes];
            loop {
                sleep(pause).await;
                let _ = far.read_exact(&mut taken).await;
            }
        };
        let writing = pin!(write_all(&mut near, patience, what, [&[7; 8 << 10], b"", b"", b""]));
        let ended = tokio::select! {
            ended = guard.run(Phase::Cut, writing) => ended,
            () = taking => unreachable!(),
        };
        match ended {
            Ok(ref written) => assert!(written.is_ok()),
            Err(interrupt) => assert_eq!(interrupt, Interrupt::Elapsed(what)),
        }
        (ended.is_ok(), begin.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_sips_is_given_up_and_one_that_drinks_slowly_is_not() {
        let seconds = Duration::from_secs;
        assert_eq!(sip(Waiting::Client, 1, seconds(10)).await, (false, 60));
        assert_eq!(sip(Waiting::Client, 16, seconds(1)).await, (false, 60));
        assert!(sip(Waiting::Client, 1024, seconds(50)).await.0);
        assert!(sip(Waiting::Client, 20, seconds(1)).await.0);
        assert!(sip(Waiting::Send, 512, seconds(59)).await.0, "a backend may take what it likes");
    }

    #[test]
    fn a_short_write_goes_on_where_it_stopped() {
        let mut parts: [&[u8]; 4] = [b"ab", b"", b"cde", b"f"];
        advance(&mut parts, 3);
        assert_eq!(parts, [b"".as_slice(), b"", b"de", b"f"]);
        advance(&mut parts, 3);
        assert_eq!(parts.concat(), b"");
    }
}
