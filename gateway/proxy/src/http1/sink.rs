//! The sending side of a connection.

use std::io;

use bulkhead_http1::write_last_chunk;
use tokio::io::AsyncWrite;

use super::frame::Frame;
use crate::content::{self, Piece};
use crate::deadline::Waiting;
use crate::transfer::{Patience, write_all};

/// Writes heads and content, each piece in one system call when the socket takes it.
pub(crate) struct Sink<W> {
    pub(crate) write: W,
    chunked: bool,
    /// What a receiver that takes nothing keeps waiting.
    awaited: Waiting,
}

impl<W> Sink<W> {
    pub(crate) fn new(write: W, awaited: Waiting) -> Self {
        Self { write, chunked: false, awaited }
    }
}

impl<W: AsyncWrite + Unpin> content::Sink for Sink<W> {
    fn frame(&mut self, chunked: bool) {
        self.chunked = chunked;
    }

    async fn ready(&mut self, _patience: Patience<'_>) -> io::Result<()> {
        // What was sent has left, all of it.
        Ok(())
    }

    async fn send(&mut self, patience: Patience<'_>, head: &[u8], piece: Piece<'_>) -> io::Result<()> {
        let trailers = piece.trailers.filter(|_| self.chunked);
        let frame = Frame::new(self.chunked, piece.content.len(), piece.last && trailers.is_none());
        let parts = [head, frame.head(), piece.content, frame.end()];
        write_all(&mut self.write, patience, self.awaited, parts).await?;
        let Some(trailers) = trailers else { return Ok(()) };
        let mut end = Vec::new();
        write_last_chunk(&mut end, trailers);
        write_all(&mut self.write, patience, self.awaited, [&end, b"", b"", b""]).await
    }
}
