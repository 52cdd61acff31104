//! HTTP/1.1 as bytes: a request goes out exactly as written, and its response comes back in parts.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longest wait for one response: far beyond any answer on one machine, so that a hang fails where it happens.
const DEADLINE: Duration = Duration::from_secs(10);

/// One final response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Fields in order, names as sent.
    pub headers: Vec<(String, String)>,
    /// The content, with any transfer coding removed.
    pub content: Vec<u8>,
}

impl Answer {
    /// The first field of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The content as text, with what is no UTF-8 replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.content).into_owned()
    }

    /// The content as JSON: `answer.json::<Echo>()`.
    ///
    /// # Errors
    /// When it is not what was asked for; the message shows the answer.
    pub fn json<T: DeserializeOwned>(&self) -> anyhow::Result<T> {
        serde_json::from_slice(&self.content).with_context(|| format!("read {} {:?} as JSON", self.status, self.text()))
    }
}

/// One connection: bytes out, responses in.
#[derive(Debug)]
pub struct Connection<S> {
    stream: S,
    /// Received and not yet part of a response.
    received: Vec<u8>,
}

impl Connection<TcpStream> {
    /// Connects without TLS.
    ///
    /// # Errors
    /// When nothing listens there.
    pub async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = timeout(DEADLINE, TcpStream::connect(address)).await.context("connect in time")?;
        let stream = stream.with_context(|| format!("connect to {address}"))?;
        stream.set_nodelay(true).context("send at once")?;
        Ok(Self::over(stream))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Takes over a stream, TLS or not.
    pub fn over(stream: S) -> Self {
        Self { stream, received: Vec::new() }
    }

    /// The stream under the connection.
    pub fn stream(&mut self) -> &mut S {
        &mut self.stream
    }

    /// The stream alone, for another protocol. What was received and belongs to no response is lost.
    pub fn into_stream(self) -> S {
        self.stream
    }

    /// Sends bytes exactly as given.
    ///
    /// # Errors
    /// When the peer has closed.
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) -> anyhow::Result<()> {
        self.stream.write_all(bytes.as_ref()).await.context("send to the peer")?;
        self.stream.flush().await.context("send to the peer")
    }

    /// The next final response; interim ones (1xx but 101) are passed over.
    ///
    /// # Errors
    /// When the peer closes before its end, is silent for 10 s, or sends what is no HTTP/1.1 response.
    pub async fn answer(&mut self) -> anyhow::Result<Answer> {
        timeout(DEADLINE, self.read_answer(true)).await.context("no complete response within 10 s")?
    }

    /// The next final response to a HEAD request, which has no content.
    ///
    /// # Errors
    /// As for [`Connection::answer`].
    pub async fn answer_to_head(&mut self) -> anyhow::Result<Answer> {
        timeout(DEADLINE, self.read_answer(false)).await.context("no complete response within 10 s")?
    }

    /// Awaits the end of the connection, and returns what came before it.
    ///
    /// # Errors
    /// When the peer leaves it open for 10 s.
    pub async fn closed(&mut self) -> anyhow::Result<Vec<u8>> {
        let all = async {
            while self.receive().await? {}
            anyhow::Ok(std::mem::take(&mut self.received))
        };
        timeout(DEADLINE, all).await.context("the peer left the connection open for 10 s")?
    }

    /// The next bytes, up to and with `end`.
    ///
    /// # Errors
    /// When the peer closes before, or is silent for 10 s.
    pub async fn until(&mut self, end: &[u8]) -> anyhow::Result<Vec<u8>> {
        timeout(DEADLINE, self.take_through(end))
            .await
            .with_context(|| format!("no {:?} within 10 s", end.escape_ascii().to_string()))?
    }

    /// The next `length` bytes.
    ///
    /// # Errors
    /// When the peer closes before, or is silent for 10 s.
    pub async fn exactly(&mut self, length: usize) -> anyhow::Result<Vec<u8>> {
        timeout(DEADLINE, self.take(length)).await.with_context(|| format!("fewer than {length} bytes within 10 s"))?
    }

    async fn read_answer(&mut self, has_content: bool) -> anyhow::Result<Answer> {
        loop {
            let (status, headers) = parse_head(&self.take_head().await?)?;
            if (100..200).contains(&status) && status != 101 {
                continue;
            }
            let mut answer = Answer { status, headers, content: Vec::new() };
            if has_content && !matches!(status, 101 | 204 | 304) {
                answer.content = self.take_content(&answer).await?;
            }
            return Ok(answer);
        }
    }

    async fn take_content(&mut self, head: &Answer) -> anyhow::Result<Vec<u8>> {
        if head.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
            return self.take_chunks().await;
        }
        if let Some(length) = head.header("content-length") {
            return self.take(length.parse().with_context(|| format!("a Content-Length of {length:?}"))?).await;
        }
        while self.receive().await? {}
        Ok(std::mem::take(&mut self.received))
    }

    async fn take_chunks(&mut self) -> anyhow::Result<Vec<u8>> {
        let mut content = Vec::new();
        loop {
            let line = self.take_through(b"\r\n").await?;
            let line = String::from_utf8_lossy(&line).into_owned();
            let size = line.trim_end().split(';').next().unwrap_or_default();
            let size = usize::from_str_radix(size, 16).with_context(|| format!("a chunk size of {size:?}"))?;
            if size == 0 {
                while self.take_through(b"\r\n").await?.len() > 2 {}
                return Ok(content);
            }
            content.extend(self.take(size).await?);
            let end = self.take(2).await?;
            ensure!(end == b"\r\n", "a chunk that ends with {end:?}");
        }
    }

    async fn take_head(&mut self) -> anyhow::Result<Vec<u8>> {
        self.take_through(b"\r\n\r\n").await
    }

    async fn take_through(&mut self, end: &[u8]) -> anyhow::Result<Vec<u8>> {
        loop {
            if let Some(at) = self.received.windows(end.len()).position(|window| window == end) {
                return Ok(self.received.drain(..at + end.len()).collect());
            }
            self.receive_more().await?;
        }
    }

    async fn take(&mut self, length: usize) -> anyhow::Result<Vec<u8>> {
        while self.received.len() < length {
            self.receive_more().await?;
        }
        Ok(self.received.drain(..length).collect())
    }

    async fn receive_more(&mut self) -> anyhow::Result<()> {
        if !self.receive().await? {
            bail!("the peer closed in the middle of a response, after {:?}", String::from_utf8_lossy(&self.received));
        }
        Ok(())
    }

    /// Receives some bytes; `false` at the end of the stream.
    async fn receive(&mut self) -> anyhow::Result<bool> {
        Ok(self.stream.read_buf(&mut self.received).await.context("receive from the peer")? > 0)
    }
}

/// Sends one request on a connection of its own, exactly as written, and returns its response.
///
/// # Errors
/// As for [`Connection::open`] and [`Connection::answer`].
pub async fn send(address: SocketAddr, request: impl AsRef<[u8]>) -> anyhow::Result<Answer> {
    let mut connection = Connection::open(address).await?;
    connection.write(request).await?;
    connection.answer().await
}

/// GETs a path of a host on a connection of its own.
///
/// # Errors
/// As for [`send`].
pub async fn get(address: SocketAddr, host: &str, path: &str) -> anyhow::Result<Answer> {
    send(address, format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")).await
}

fn parse_head(head: &[u8]) -> anyhow::Result<(u16, Vec<(String, String)>)> {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.split("\r\n").filter(|line| !line.is_empty());
    let status_line = lines.next().unwrap_or_default();
    let status = status_line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
    let status = status.with_context(|| format!("a status line of {status_line:?}"))?;
    let field = |line: &str| {
        let (name, value) = line.split_once(':').with_context(|| format!("a field line of {line:?}"))?;
        anyhow::Ok((name.to_owned(), value.trim().to_owned()))
    };
    Ok((status, lines.map(field).collect::<anyhow::Result<_>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::echo::{Echo, EchoBackend};

    #[tokio::test]
    async fn an_echo_tells_what_it_saw() {
        let backend = EchoBackend::start("blue", "127.0.0.1:0".parse().unwrap()).await.unwrap();
        let request = "POST /a?b=c HTTP/1.1\r\nHost: shop.example\r\nX-Two: 1\r\nx-two: 2\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi";
        let answer = send(backend.address(), request).await.unwrap();
        let echo: Echo = answer.json().unwrap();
        assert_eq!(
            (answer.status, echo.backend.as_str(), echo.method.as_str(), echo.path.as_str()),
            (200, "blue", "POST", "/a?b=c")
        );
        assert_eq!(
            (echo.host.as_str(), echo.content.as_str(), &echo.headers["x-two"]),
            ("shop.example", "hi", &vec!["1".into(), "2".into()])
        );
        assert_eq!(backend.requests(), 1);
    }

    #[tokio::test]
    async fn responses_are_cut_where_their_framing_says() {
        let (near, far) = tokio::io::duplex(4096);
        let mut peer = Connection::over(far);
        peer.write("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: 1\r\n\r\n").await.unwrap();
        peer.write("HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\n\r\nto the end").await.unwrap();
        drop(peer);
        let mut connection = Connection::over(near);
        assert_eq!(connection.answer().await.unwrap().text(), "abc");
        assert_eq!(connection.answer().await.unwrap().status, 204);
        assert_eq!(connection.answer().await.unwrap().text(), "to the end");
        assert!(connection.answer().await.is_err());
    }
}
