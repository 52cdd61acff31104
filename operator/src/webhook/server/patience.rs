//! A connection whose other end has to take what it is sent within a while.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How long nothing of an answer may be taken: nobody waits longer for it.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Writes that do not get on fail.
pub(super) struct Patience<S> {
    stream: S,
    /// Runs while a write does not get on.
    wait: Option<Pin<Box<Sleep>>>,
}

impl<S> Patience<S> {
    pub(super) const fn with(stream: S) -> Self {
        Self { stream, wait: None }
    }

    fn waited<T>(&mut self, context: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.wait = None;
            return polled;
        }
        ready!(self.wait.get_or_insert_with(|| Box::pin(sleep(TIMEOUT))).as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patience<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patience<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.waited(context, polled)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::{Instant, timeout};

    use super::*;

    #[tokio::test]
    async fn an_answer_that_nobody_takes_fails_and_one_that_is_taken_does_not() {
        let (ours, mut theirs) = duplex(16);
        let mut patient = Patience::with(ours);
        let reader = tokio::spawn(async move {
            let mut taken = [0; 32];
            theirs.read_exact(&mut taken).await.map(|_| theirs)
        });
        patient.write_all(&[1; 32]).await.expect("it is taken");
        let _kept = reader.await.expect("a reader").expect("bytes");
        let begun = Instant::now();
        let written = timeout(TIMEOUT * 5, patient.write_all(&[1; 17])).await.expect("an end");
        assert_eq!(written.expect_err("nobody takes it").kind(), io::ErrorKind::TimedOut);
        assert!(begun.elapsed() >= TIMEOUT, "{:?}", begun.elapsed());
    }
}
