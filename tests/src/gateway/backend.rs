//! A backend that remembers every byte of every connection, and answers as it is told.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::wait::wait_for;
use anyhow::ensure;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use super::PATIENCE;
use super::message::{self, Begin, Request};

/// What a backend does with a request.
#[derive(Clone)]
pub struct Reply {
    /// Bytes it sends, as they are.
    pub bytes: Vec<u8>,
    /// What it does with the connection then.
    pub then: Then,
}

/// What a backend does with a connection after its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// It waits for the next request.
    Keep,
    /// It closes in peace.
    Close,
    /// It resets.
    Reset,
}

impl Reply {
    /// Bytes, after which the connection stays.
    pub fn keep(bytes: impl Into<Vec<u8>>) -> Self {
        Self { bytes: bytes.into(), then: Then::Keep }
    }

    /// 200 with this content.
    pub fn ok(content: &str) -> Self {
        Self::keep(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{content}", content.len()))
    }

    /// 200 with method and target of the request as content, so that a client can tell whose answer it got.
    pub fn echo(request: &Request) -> Self {
        match request.line() {
            line if line.starts_with("HEAD ") => Self::keep("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n"),
            line => Self::ok(&line),
        }
    }
}

/// All that a backend saw since it was asked last.
#[derive(Debug, Default)]
pub struct Saw {
    /// Complete requests, in the order in which they were complete.
    pub requests: Vec<Request>,
    /// The number of the connection that each of them came on.
    pub links: Vec<usize>,
    /// What came of requests that were broken off.
    pub broken: Vec<Vec<u8>>,
    /// What no careful sender writes.
    pub malformed: Vec<String>,
}

#[derive(Default)]
struct Log {
    saw: Saw,
    /// Per open connection, the bytes of a request that is not complete yet.
    open: Vec<Option<Vec<u8>>>,
}

/// A running backend; dropping it closes its listener and its connections.
pub struct Backend {
    address: SocketAddr,
    log: Arc<Mutex<Log>>,
    serving: JoinHandle<()>,
}

type Script = Arc<dyn Fn(&Request) -> Reply + Send + Sync>;

impl Backend {
    /// A backend that echoes the line of every request.
    pub async fn echo() -> Self {
        Self::start(Reply::echo).await
    }

    /// A backend whose every answer names it.
    pub async fn named(name: &'static str) -> Self {
        Self::start(move |_| Reply::ok(name)).await
    }

    /// A backend that answers by a script.
    pub async fn start(script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, log) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Log::default())));
        let serving = tokio::spawn(accept(listener, Arc::clone(&log), Arc::new(script)));
        Self { address, log, serving }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// How many complete requests it saw since it was asked last what it saw.
    pub fn count(&self) -> usize {
        lock(&self.log).saw.requests.len()
    }

    /// On how many connections it has part of a request, and waits for the rest.
    pub fn begun(&self) -> usize {
        lock(&self.log).open.iter().flatten().filter(|part| !part.is_empty()).count()
    }

    /// Waits until no request is half received, and takes what it saw.
    pub async fn saw(&self) -> Saw {
        let settled = wait_for("requests that are complete or broken off", PATIENCE, async || {
            let mut log = lock(&self.log);
            let half: Vec<String> = log
                .open
                .iter()
                .flatten()
                .filter(|part| !part.is_empty())
                .map(|part| part.escape_ascii().to_string())
                .collect();
            ensure!(half.is_empty(), "still open: {half:?}");
            Ok(std::mem::take(&mut log.saw))
        });
        settled.await.unwrap()
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// A port that nobody gets a connection to, nor a refusal: its queue is full.
pub struct Full {
    address: SocketAddr,
    _listener: TcpListener,
    _queue: Vec<TcpStream>,
}

impl Full {
    /// Listens, and fills its own queue.
    pub async fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let (address, mut queue) = (listener.local_addr().unwrap(), Vec::new());
        while let Ok(stream) = timeout(Duration::from_millis(100), TcpStream::connect(address)).await {
            queue.push(stream.unwrap());
        }
        Self { address, _listener: listener, _queue: queue }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.address.port()
    }
}

fn lock(log: &Mutex<Log>) -> MutexGuard<'_, Log> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, log: Arc<Mutex<Log>>, script: Script) {
    let mut links = JoinSet::new();
    while let Ok((stream, _peer)) = listener.accept().await {
        let number = {
            let mut log = lock(&log);
            log.open.push(Some(Vec::new()));
            log.open.len() - 1
        };
        links.spawn(serve(stream, number, Arc::clone(&log), Arc::clone(&script)));
    }
}

/// One connection. Whatever happens, what it brought is in the log.
async fn serve(mut stream: TcpStream, number: usize, log: Arc<Mutex<Log>>, script: Script) {
    let mut received = Vec::new();
    let mut alive = true;
    while alive && stream.read_buf(&mut received).await.is_ok_and(|read| read > 0) {
        alive = answer(&mut stream, number, &mut received, &log, &script).await;
        if let Some(open) = lock(&log).open.get_mut(number) {
            *open = Some(received.clone());
        }
    }
    let mut log = lock(&log);
    log.open[number] = None;
    if !received.is_empty() {
        log.saw.broken.push(received);
    }
}

/// Answers every complete request; `false` when the connection is over.
async fn answer(
    stream: &mut TcpStream,
    number: usize,
    received: &mut Vec<u8>,
    log: &Mutex<Log>,
    script: &Script,
) -> bool {
    while !received.is_empty() {
        let request = match message::begin(received) {
            Ok(Begin::Whole(request)) => request,
            Ok(Begin::Partial { .. }) => return true,
            Err(reason) => {
                lock(log).saw.malformed.push(format!("{reason} in {}", received.escape_ascii()));
                return false;
            }
        };
        received.drain(..request.raw.len());
        let reply = script(&request);
        {
            let mut log = lock(log);
            log.saw.requests.push(request);
            log.saw.links.push(number);
        }
        // A gateway that does not want the rest of an answer is a test's business.
        let _ = stream.write_all(&reply.bytes).await;
        match reply.then {
            Then::Keep => {}
            Then::Close => return false,
            Then::Reset => {
                let _ = stream.set_zero_linger();
                return false;
            }
        }
    }
    true
}
