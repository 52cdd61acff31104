//! Plays an attack: opens its connections again and again, and writes as fast as the gateway takes it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::{JoinSet, yield_now};
use tokio::time::sleep;

use crate::attacks::Attack;

/// After a connection that was refused at once, so that an attack is one on the gateway and not on the kernel.
const AGAIN: Duration = Duration::from_millis(5);

/// What attackers did.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    /// Connections opened.
    pub(crate) opened: u64,
    /// Bytes the gateway took.
    pub(crate) written: u64,
    /// Bytes it sent back and that were read.
    pub(crate) read: u64,
}

#[derive(Default)]
struct Counts {
    opened: AtomicU64,
    written: AtomicU64,
    read: AtomicU64,
}

/// Attackers at work.
pub(crate) struct Hostile {
    counts: Arc<Counts>,
    tasks: JoinSet<()>,
}

/// Begins an attack.
pub(crate) fn begin(attack: &'static Attack, address: SocketAddr) -> Hostile {
    let counts = Arc::<Counts>::default();
    let mut tasks = JoinSet::new();
    for _ in 0..attack.connections {
        tasks.spawn(again_and_again(attack, address, Arc::clone(&counts)));
    }
    Hostile { counts, tasks }
}

impl Hostile {
    /// Ends it: connections close as they are.
    pub(crate) async fn stop(mut self) -> Tally {
        self.tasks.shutdown().await;
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Tally { opened: read(&self.counts.opened), written: read(&self.counts.written), read: read(&self.counts.read) }
    }
}

async fn again_and_again(attack: &'static Attack, address: SocketAddr, counts: Arc<Counts>) {
    loop {
        if let Ok(stream) = TcpStream::connect(address).await {
            counts.opened.fetch_add(1, Ordering::Relaxed);
            // Thousands of closed connections would fill the kernel's table.
            let _ = stream.set_zero_linger();
            play(attack, stream, &counts).await;
        }
        sleep(AGAIN).await;
    }
}

/// One connection, until the gateway has enough of it.
async fn play(attack: &Attack, stream: TcpStream, counts: &Counts) {
    let (mut reading, mut writing) = stream.into_split();
    let read = async {
        let mut buffer = vec![0; 64 << 10];
        // What is not read stays in the gateway and the kernel; that the connection has ended shows when it is written to.
        while attack.reads
            && let Ok(length @ 1..) = reading.read(&mut buffer).await
        {
            counts.read.fetch_add(length as u64, Ordering::Relaxed);
        }
        if !attack.reads {
            std::future::pending::<()>().await;
        }
    };
    let write = async {
        for bytes in (attack.rounds)() {
            if writing.write_all(&bytes).await.is_err() {
                return;
            }
            counts.written.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            if attack.pause.is_zero() { yield_now().await } else { sleep(attack.pause).await }
        }
        // All is said, and the connection is held for as long as the gateway lets it.
        std::future::pending::<()>().await;
    };
    tokio::select! { () = read => {}, () = write => {} }
}
