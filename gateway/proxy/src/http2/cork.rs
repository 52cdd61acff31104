//! One write per connection and tick.
//!
//! HTTP/2 hands over frame after frame, of many streams. They are put together in a buffer, and everything that came together
//! while the thread's tasks ran leaves in one system call when they have run.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

use super::meter::Meter;
use crate::buffer::{Buffer, Buffers};

/// Most bytes that wait to be written; whoever has more waits for the socket. As much as one read of content brings.
const MOST: usize = 64 << 10;
/// Most bytes that are read in one turn. The frames of a flood are small and many: whoever sends without a pause waits after these until the
/// other connections of the thread have had their turns.
const MOST_A_TURN: usize = 64 << 10;
/// Room that is kept between ticks: what a few small responses need.
const KEPT: usize = 8 << 10;

/// The connections of one thread that have something to write.
#[derive(Default)]
pub(crate) struct Corks {
    full: RefCell<Vec<Rc<dyn Drain>>>,
    waker: Cell<Option<Waker>>,
}

impl Corks {
    fn add(&self, cork: Rc<dyn Drain>) {
        self.full.borrow_mut().push(cork);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Writes what is there, whenever the tasks before this one have run. Never ends.
    pub(crate) async fn drain(&self) {
        let mut now = Vec::new();
        poll_fn(|cx| {
            std::mem::swap(&mut now, &mut *self.full.borrow_mut());
            for cork in now.drain(..) {
                cork.drain();
            }
            self.waker.set(Some(cx.waker().clone()));
            Poll::<()>::Pending
        })
        .await;
    }
}

/// The end of a connection whose owner has nothing more to say.
pub(super) struct Remains<S>(Rc<Inner<S>>);

impl<S: AsyncRead + AsyncWrite + Unpin> Remains<S> {
    /// Takes what the client still sends, up to `most` bytes, until it hangs up: bytes that nobody reads make the kernel
    /// answer with a reset, which destroys what the client has not read yet.
    pub(super) async fn take(&self, most: usize, buffers: &Rc<Buffers>) {
        let mut left = most;
        poll_fn(|cx| {
            let mut state = self.0.state.borrow_mut();
            while left > 0 {
                let mut buffer = buffers.head();
                let Poll::Ready(read) = pin!(state.stream.read_buf(buffer.spare())).poll(cx) else {
                    return Poll::Pending;
                };
                match read {
                    Ok(0) | Err(_) => return Poll::Ready(()),
                    Ok(count) => left = left.saturating_sub(count),
                }
            }
            Poll::Ready(())
        })
        .await;
    }
}

/// What can be written without anybody waiting for it.
trait Drain {
    fn drain(&self);
}

/// A connection whose writes are put together.
pub(crate) struct Cork<S> {
    inner: Rc<Inner<S>>,
    corks: Rc<Corks>,
    /// What was read before the version was known.
    before: Option<Buffer>,
    meter: Rc<Meter>,
    /// Bytes read in this turn.
    read: usize,
}

struct Inner<S> {
    state: RefCell<State<S>>,
}

struct State<S> {
    stream: S,
    out: Vec<u8>,
    /// How much of `out` has been written.
    written: usize,
    /// Whether the thread has it on its list.
    listed: bool,
    /// Whether the socket took less than there was, and its owner waits for it.
    stalled: bool,
    failed: Option<io::ErrorKind>,
    /// Of the connection's task.
    owner: Waker,
}

impl<S: AsyncWrite + Unpin> State<S> {
    fn poll_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(kind) = self.failed {
            return Poll::Ready(Err(kind.into()));
        }
        let polled = self.poll_write_out(cx);
        self.stalled = polled.is_pending();
        if let Poll::Ready(Err(error)) = &polled {
            self.failed = Some(error.kind());
        }
        polled
    }

    fn poll_write_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest @ [_, ..]) = self.out.get(self.written..) {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.written += count,
            }
        }
        self.out.clear();
        self.out.shrink_to(KEPT);
        self.written = 0;
        Pin::new(&mut self.stream).poll_flush(cx)
    }
}

impl<S: AsyncWrite + Unpin> Drain for Inner<S> {
    fn drain(&self) {
        let mut state = self.state.borrow_mut();
        state.listed = false;
        // In the owner's name: it is the one to be woken when the socket takes more, and to learn of an error.
        let owner = state.owner.clone();
        if !matches!(state.poll_out(&mut Context::from_waker(&owner)), Poll::Ready(Ok(()))) {
            owner.wake();
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + 'static> Cork<S> {
    pub(super) fn new(stream: S, before: Option<Buffer>, corks: Rc<Corks>, meter: Rc<Meter>) -> Self {
        let state = State {
            stream,
            out: Vec::new(),
            written: 0,
            listed: false,
            stalled: false,
            failed: None,
            owner: Waker::noop().clone(),
        };
        Self { inner: Rc::new(Inner { state: RefCell::new(state) }), corks, before, meter, read: 0 }
    }

    /// What is left when its owner is gone.
    pub(super) fn remains(&self) -> Remains<S> {
        Remains(Rc::clone(&self.inner))
    }

    fn put(&self, parts: &[IoSlice<'_>], cx: &Context<'_>) -> Poll<io::Result<usize>> {
        let mut state = self.inner.state.borrow_mut();
        if let Some(kind) = state.failed {
            return Poll::Ready(Err(kind.into()));
        }
        if !state.owner.will_wake(cx.waker()) {
            state.owner = cx.waker().clone();
        }
        if state.out.len() >= MOST {
            let mut own = Context::from_waker(cx.waker());
            ready!(state.poll_out(&mut own))?;
        }
        let before = state.out.len();
        for part in parts {
            state.out.extend_from_slice(part);
        }
        let count = state.out.len() - before;
        if count > 0 && !state.stalled && !std::mem::replace(&mut state.listed, true) {
            drop(state);
            self.corks.add(Rc::clone(&self.inner) as Rc<dyn Drain>);
        }
        Poll::Ready(Ok(count))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + 'static> AsyncRead for Cork<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.meter.is_over() {
            // The owner sees it as soon as it is asked again, and says so to the client.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let begin = buffer.filled().len();
        if let Some(before) = &mut this.before {
            let count = before.filled().len().min(buffer.remaining());
            buffer.put_slice(before.filled().get(..count).unwrap_or_default());
            before.consume(count);
            if before.is_empty() {
                this.before = None;
            }
        } else if this.read >= MOST_A_TURN {
            this.read = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        } else {
            let polled = Pin::new(&mut this.inner.state.borrow_mut().stream).poll_read(cx, buffer);
            if polled.is_pending() {
                this.read = 0;
            }
            ready!(polled)?;
        }
        let come = buffer.filled().get(begin..).unwrap_or_default();
        this.read += come.len();
        this.meter.look(come);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + 'static> AsyncWrite for Cork<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.put(&[IoSlice::new(bytes)], cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.put(parts, cx)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.inner.state.borrow_mut();
        match state.failed {
            Some(kind) => Poll::Ready(Err(kind.into())),
            // What is listed leaves by itself.
            None if !state.stalled => Poll::Ready(Ok(())),
            None => state.poll_out(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.inner.state.borrow_mut();
        ready!(state.poll_out(cx))?;
        Pin::new(&mut state.stream).poll_shutdown(cx)
    }
}
