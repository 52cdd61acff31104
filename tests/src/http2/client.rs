//! One connection: frames out as written, and what comes back sorted by stream.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::frame::{self, Frame, PREFACE, flag, kind, setting};
use super::hpack::{Decoder, Field, TABLE_BYTES};
use crate::exchange::{Answer, Connection};

/// Longest wait for anything: far beyond any answer on one machine, so that a hang fails where it happens.
const DEADLINE: Duration = Duration::from_secs(10);

/// As much as a window can be (RFC 9113 section 6.9.1).
pub(super) const WIDEST: u32 = (1 << 31) - 1;

/// Bytes of the connection's window before anybody widens it (RFC 9113 section 6.9.2).
pub(super) const NARROW: u32 = (1 << 16) - 1;

/// A final response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// Status, fields and content.
    pub answer: Answer,
    /// The trailer section.
    pub trailers: Vec<Field>,
    /// The status of each interim response before it.
    pub interim: Vec<u16>,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// The last stream that may have been served and the error code, if the peer said so before it closed.
    pub goaway: Option<(u32, u32)>,
}

/// How a stream ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With a whole response.
    Answered(Response),
    /// By RST_STREAM with this code, before a response was whole.
    Reset(u32),
    /// With its connection.
    Ended(End),
}

impl Outcome {
    /// The status of a whole response; 0 where there is none.
    pub fn status(&self) -> u16 {
        match self {
            Self::Answered(response) => response.answer.status,
            Self::Reset(_) | Self::Ended(_) => 0,
        }
    }
}

#[derive(Debug, Default)]
struct Stream {
    head: Option<(u16, Vec<Field>)>,
    interim: Vec<u16>,
    content: Vec<u8>,
    trailers: Vec<Field>,
    ended: bool,
    reset: Option<u32>,
}

/// The client's end of one connection.
#[derive(Debug)]
pub struct Client<S> {
    stream: S,
    received: Vec<u8>,
    decoder: Decoder,
    streams: BTreeMap<u32, Stream>,
    /// The parts of a field block whose end has not come: stream, whether it ends the stream, bytes.
    block: Option<(u32, bool, Vec<u8>)>,
    /// What the peer has set, latest value.
    settings: BTreeMap<u16, u32>,
    goaway: Option<(u32, u32)>,
    closed: bool,
    /// Answered PINGs, acknowledged SETTINGS, and RST_STREAMs of the peer.
    pongs: usize,
    acks: usize,
    resets: usize,
    /// The next stream of [`Self::request`].
    next: u32,
}

impl Client<TcpStream> {
    /// Connects without TLS and by prior knowledge, with windows that never close.
    ///
    /// # Errors
    /// When nothing listens there, or the peer closes at once.
    pub async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        Self::open_with(address, &[(setting::INITIAL_WINDOW_SIZE, WIDEST)], WIDEST - NARROW).await
    }

    /// Connects with these settings and widens the connection's window by `more`.
    ///
    /// # Errors
    /// As for [`Self::open`].
    pub async fn open_with(address: SocketAddr, settings: &[(u16, u32)], more: u32) -> anyhow::Result<Self> {
        let mut stream = Connection::open(address).await?;
        // An HTTP/2 peer may refuse the connection while it is being opened: what it said then is still to be read.
        let _ = stream.write(opening(settings, more)).await;
        Ok(Self::over(stream.into_stream()))
    }
}

/// What a client says first: its preface, settings, and a wider window for all streams together if `more` is not 0.
pub fn opening(settings: &[(u16, u32)], more: u32) -> Vec<u8> {
    let wider = if more == 0 { Vec::new() } else { frame::window(0, more) };
    [PREFACE, &frame::settings(settings), &wider].concat()
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    /// Takes over a stream on which [`opening`], or whatever the test says instead, has been or will be written.
    pub fn over(stream: S) -> Self {
        Self {
            stream,
            received: Vec::new(),
            decoder: Decoder::new(TABLE_BYTES),
            streams: BTreeMap::new(),
            block: None,
            settings: BTreeMap::new(),
            goaway: None,
            closed: false,
            pongs: 0,
            acks: 0,
            resets: 0,
            next: 1,
        }
    }

    /// The stream under the connection.
    pub fn stream(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Sends bytes exactly as given.
    ///
    /// # Errors
    /// When the peer has closed, or takes nothing for 10 s.
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) -> anyhow::Result<()> {
        let all = async {
            self.stream.write_all(bytes.as_ref()).await?;
            self.stream.flush().await
        };
        timeout(DEADLINE, all).await.context("the peer took nothing for 10 s")?.context("send to the peer")
    }

    /// The number that the next request on this connection has.
    pub fn next_stream(&mut self) -> u32 {
        self.next += 2;
        self.next - 2
    }

    /// Sends a request without content and awaits what comes of it.
    ///
    /// # Errors
    /// When the peer breaks the protocol or is silent for 10 s.
    pub async fn request(&mut self, fields: &[(&str, &str)]) -> anyhow::Result<Outcome> {
        let stream = self.next_stream();
        // A connection that the peer has ended says how when it is read.
        let _ = self.write(frame::headers(stream, true, fields)).await;
        self.outcome(stream).await
    }

    /// GETs a path of a host without TLS.
    ///
    /// # Errors
    /// As for [`Self::request`].
    pub async fn get(&mut self, host: &str, path: &str) -> anyhow::Result<Outcome> {
        self.request(&[(":method", "GET"), (":scheme", "http"), (":authority", host), (":path", path)]).await
    }

    /// Awaits the end of a stream and takes what came on it.
    ///
    /// # Errors
    /// As for [`Self::request`].
    pub async fn outcome(&mut self, stream: u32) -> anyhow::Result<Outcome> {
        self.until("the end of a stream", |client| {
            client.closed || client.streams.get(&stream).is_some_and(|stream| stream.ended || stream.reset.is_some())
        })
        .await?;
        let Stream { head, interim, content, trailers, ended, reset } =
            self.streams.remove(&stream).unwrap_or_default();
        Ok(match (head, reset) {
            (Some((status, headers)), _) if ended => {
                let answer = Answer { status, headers, content };
                Outcome::Answered(Response { answer, trailers, interim })
            }
            (_, Some(code)) => Outcome::Reset(code),
            _ => Outcome::Ended(End { goaway: self.goaway }),
        })
    }

    /// Awaits the end of the connection, which the peer must bring about.
    ///
    /// # Errors
    /// When it stays open for 10 s.
    pub async fn end(&mut self) -> anyhow::Result<End> {
        self.until("the end of the connection", |client| client.closed).await?;
        Ok(End { goaway: self.goaway })
    }

    /// Receives until `done` holds.
    ///
    /// # Errors
    /// When it does not within 10 s of silence, or the peer closes before.
    pub async fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) -> anyhow::Result<()> {
        while !done(self) {
            ensure!(!self.closed, "no {what}: the peer closed, GOAWAY {:?}", self.goaway);
            timeout(DEADLINE, self.receive()).await.with_context(|| format!("no {what} within 10 s"))??;
        }
        Ok(())
    }

    /// Receives one frame, or the end of the connection.
    ///
    /// # Errors
    /// When what the peer sends is not HTTP/2.
    pub async fn receive(&mut self) -> anyhow::Result<()> {
        loop {
            if let Some((frame, length)) = Frame::cut(&self.received) {
                self.received.drain(..length);
                return self.take(&frame).await;
            }
            // A reset ends a connection as well as a close does.
            if self.stream.read_buf(&mut self.received).await.unwrap_or(0) == 0 {
                self.closed = true;
                return Ok(());
            }
        }
    }

    /// What the peer has set under this name.
    pub fn setting(&self, name: u16) -> Option<u32> {
        self.settings.get(&name).copied()
    }

    /// Bytes of content that have come on a stream that has not been taken yet.
    pub fn content_of(&self, stream: u32) -> usize {
        self.streams.get(&stream).map_or(0, |stream| stream.content.len())
    }

    /// Whether the final head of a stream has come.
    pub fn begun(&self, stream: u32) -> bool {
        self.streams.get(&stream).is_some_and(|stream| stream.head.is_some())
    }

    /// The peer's GOAWAY: last stream and error code.
    pub fn goaway(&self) -> Option<(u32, u32)> {
        self.goaway
    }

    /// Whether the connection has ended.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// How many PINGs the peer has answered.
    pub fn pongs(&self) -> usize {
        self.pongs
    }

    /// How many SETTINGS the peer has acknowledged.
    pub fn acks(&self) -> usize {
        self.acks
    }

    /// How many streams the peer has reset.
    pub fn resets(&self) -> usize {
        self.resets
    }

    async fn take(&mut self, frame: &Frame) -> anyhow::Result<()> {
        if let Some((stream, ..)) = &self.block {
            ensure!(frame.kind == kind::CONTINUATION && frame.stream == *stream, "{frame:?} inside a field block");
        }
        match frame.kind {
            kind::DATA => {
                let stream = self.streams.entry(frame.stream).or_default();
                ensure!(stream.head.is_some() && !stream.ended, "content without a head or after the end: {frame:?}");
                stream.content.extend_from_slice(frame.unpadded());
                stream.ended = frame.has(flag::END_STREAM);
            }
            kind::HEADERS => {
                self.block = Some((frame.stream, frame.has(flag::END_STREAM), frame.unpadded().to_vec()));
                self.end_block(frame)?;
            }
            kind::CONTINUATION => {
                let (.., block) = self.block.as_mut().context("a CONTINUATION of nothing")?;
                block.extend_from_slice(&frame.payload);
                self.end_block(frame)?;
            }
            kind::RST_STREAM => {
                self.resets += 1;
                self.streams.entry(frame.stream).or_default().reset = Some(frame.number(0));
            }
            kind::SETTINGS if frame.has(flag::ACK) => self.acks += 1,
            kind::SETTINGS => {
                self.settings.extend(frame.settings());
                let _ = self.write(frame::frame(kind::SETTINGS, flag::ACK, 0, &[])).await;
            }
            kind::PING if frame.has(flag::ACK) => self.pongs += 1,
            kind::PING => {
                let _ = self.write(frame::frame(kind::PING, flag::ACK, 0, &frame.payload)).await;
            }
            kind::GOAWAY => self.goaway = Some((frame.number(0), frame.number(4))),
            _ => {}
        }
        Ok(())
    }

    fn end_block(&mut self, frame: &Frame) -> anyhow::Result<()> {
        if !frame.has(flag::END_HEADERS) {
            return Ok(());
        }
        let (number, ends, block) = self.block.take().context("the end of no field block")?;
        let fields = self.decoder.decode(&block)?;
        let stream = self.streams.entry(number).or_default();
        ensure!(!stream.ended, "a field block after the end of stream {number}");
        stream.ended = ends;
        if stream.head.is_some() {
            stream.trailers = fields;
            return Ok(());
        }
        let mut fields = fields.into_iter();
        let status = fields.next().filter(|(name, _)| name == ":status").context("a head without :status")?.1;
        let status: u16 = status.parse().with_context(|| format!("a status of {status:?}"))?;
        if status < 200 {
            stream.interim.push(status);
        } else {
            stream.head = Some((status, fields.collect()));
        }
        Ok(())
    }
}
