//! Well-behaved clients, whose requests must succeed whatever others do.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bulkhead_tests::exchange::Connection;
use bulkhead_tests::http2::{Client, Outcome};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::target::OWN;

/// Between two requests of a client: enough of them for a percentile, and little work for anybody.
const PAUSE: Duration = Duration::from_millis(4);

/// What became of the requests.
#[derive(Default)]
pub(crate) struct Served {
    pub(crate) succeeded: usize,
    /// Why others did not.
    pub(crate) failed: Vec<String>,
    taken: Vec<Duration>,
}

impl Served {
    /// The time that one in a hundred requests took longer than, in milliseconds.
    pub(crate) fn p99_ms(&self) -> f64 {
        let mut taken = self.taken.clone();
        taken.sort_unstable();
        taken.get(taken.len().saturating_sub(1) * 99 / 100).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
    }

    fn add(&mut self, outcome: Result<Duration>) {
        match outcome {
            Ok(taken) => {
                self.succeeded += 1;
                self.taken.push(taken);
            }
            Err(error) => self.failed.push(format!("{error:#}")),
        }
    }
}

/// Clients at work: one that keeps its HTTP/1.1 connection, one that opens one for each request, one that keeps an HTTP/2 connection.
pub(crate) struct Victims {
    outcomes: mpsc::UnboundedReceiver<Result<Duration>>,
    stop: Vec<oneshot::Sender<()>>,
    clients: Vec<JoinHandle<()>>,
}

/// How a client asks.
#[derive(Clone, Copy)]
enum Manner {
    Keeps,
    Connects,
    Http2,
}

impl Victims {
    /// Lets them begin.
    pub(crate) fn start(address: SocketAddr) -> Self {
        let (outcome, outcomes) = mpsc::unbounded_channel();
        let client = |manner| {
            let (stop, stopped) = oneshot::channel();
            (stop, tokio::spawn(ask(address, manner, outcome.clone(), stopped)))
        };
        let (stop, clients) = [Manner::Keeps, Manner::Connects, Manner::Http2].map(client).into_iter().unzip();
        Self { outcomes, stop, clients }
    }

    /// Waits until so many requests have succeeded.
    ///
    /// # Errors
    /// When one fails.
    pub(crate) async fn served(&mut self, count: usize) -> Result<()> {
        for _ in 0..count {
            self.outcomes.recv().await.context("no client is left")??;
        }
        Ok(())
    }

    /// Lets them finish the requests they are at, and tells what became of all.
    ///
    /// # Errors
    /// When a client broke down itself.
    pub(crate) async fn stop(mut self) -> Result<Served> {
        drop(self.stop);
        for client in self.clients {
            client.await.context("a client")?;
        }
        let mut served = Served::default();
        while let Ok(outcome) = self.outcomes.try_recv() {
            served.add(outcome);
        }
        Ok(served)
    }
}

async fn ask(
    address: SocketAddr,
    manner: Manner,
    outcomes: mpsc::UnboundedSender<Result<Duration>>,
    mut stopped: oneshot::Receiver<()>,
) {
    let (mut kept, mut two) = (None, None);
    while stopped.try_recv() == Err(oneshot::error::TryRecvError::Empty) {
        let since = Instant::now();
        let outcome = match manner {
            Manner::Keeps => over_http1(address, &mut kept).await,
            Manner::Connects => over_http1(address, &mut None).await,
            Manner::Http2 => over_http2(address, &mut two).await,
        };
        if outcomes.send(outcome.map(|()| since.elapsed())).is_err() {
            return;
        }
        sleep(PAUSE).await;
    }
}

async fn over_http1(address: SocketAddr, kept: &mut Option<Connection<TcpStream>>) -> Result<()> {
    let mut client = match kept.take() {
        Some(client) => client,
        None => Connection::open(address).await?,
    };
    client.write(format!("GET /own HTTP/1.1\r\nHost: {OWN}\r\n\r\n")).await?;
    let answer = client.answer().await?;
    ensure!((answer.status, &answer.content[..]) == (200, b"ok"), "{} {}", answer.status, answer.text());
    // As long as the gateway keeps it, so does its client.
    if answer.header("connection") != Some("close") {
        *kept = Some(client);
    }
    Ok(())
}

async fn over_http2(address: SocketAddr, kept: &mut Option<Client<TcpStream>>) -> Result<()> {
    let mut client = match kept.take() {
        // After a GOAWAY without an error the next request goes on another connection.
        Some(client) if client.goaway().is_none() => client,
        _ => Client::open(address).await?,
    };
    match client.get(OWN, "/own").await? {
        Outcome::Answered(response) if (response.answer.status, &response.answer.content[..]) == (200, b"ok") => {}
        other => anyhow::bail!("over HTTP/2: {other:?}"),
    }
    *kept = Some(client);
    Ok(())
}
