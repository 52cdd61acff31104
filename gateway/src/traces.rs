//! Sends spans to the collector of the lane: OTLP over HTTP, on a thread of its own, one batch after the other.
//!
//! The collector is not trusted with anything: of its answer only the status counts, and no more than [`HEAD_BYTES`] of it are read.
//! While it takes nothing, spans wait where they are bounded in number of bytes, and are dropped there.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use bulkhead_compile::{Options, may_be_asked};
use bulkhead_model::tracing::{Collector, Tracing};
use bulkhead_proxy::Publication;
use bulkhead_proxy::spans::{self, Spans};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::{InvalidDnsNameError, ServerName};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;

use crate::control::platform_roots;
use crate::logging::chain;

/// Bytes of spans in one request: an eighth of what collectors take by default, and a thousand spans.
const BATCH_BYTES: usize = 512 << 10;
/// For one request, from the question for its address to the head of its answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Pauses before a batch is sent again that was not taken.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];
/// Most bytes of the head of an answer: several times what collectors write.
const HEAD_BYTES: usize = 16 << 10;
/// Most addresses of a collector that are tried for one request.
const MOST_ADDRESSES: usize = 3;

/// Why a batch was not taken.
#[derive(Debug, Error)]
enum ExportError {
    #[error("its address cannot be found out")]
    Lookup(#[source] io::Error),
    #[error("it has no address that may be asked: those of loopback, of the link and of metadata services may not")]
    NoAddress,
    #[error("no connection")]
    Connect(#[source] io::Error),
    #[error("no certificate can be for its name")]
    Name(#[from] InvalidDnsNameError),
    #[error("the platform has no certification authorities to verify its certificate with")]
    NoPlatform,
    #[error("no TLS with it")]
    Handshake(#[source] io::Error),
    #[error("no answer")]
    Http(#[from] hyper::Error),
    #[error("its URL cannot be asked for")]
    Request(#[from] hyper::http::Error),
    #[error("no answer in time")]
    Late,
    #[error("it answers {0}")]
    Status(StatusCode),
}

impl ExportError {
    /// Whether the same may be taken a little later (OTLP specification, "Retryable Response Codes").
    fn may_pass(&self) -> bool {
        match self {
            Self::Status(status) => matches!(status.as_u16(), 429 | 502 | 503 | 504),
            Self::Name(_) | Self::NoPlatform | Self::Request(_) => false,
            _ => true,
        }
    }
}

/// Starts the thread. `options` say which addresses a collector may have.
///
/// # Errors
/// The system gives no thread.
pub fn start(spans: Arc<Spans>, publication: Arc<Publication>, options: Options) -> io::Result<()> {
    let work = move || {
        let mut exporter = Exporter { options, runtime: None, tls: None, fails: false };
        loop {
            let batch = spans.take(BATCH_BYTES);
            let tracing = publication.tracing();
            // Where there is no collector any more, nobody wants them.
            let is_exported = tracing.is_some_and(|tracing| exporter.export(&tracing, &batch.bytes));
            spans.settled(batch.count, is_exported);
        }
    };
    thread::Builder::new().name("traces".to_owned()).spawn(work).map(drop)
}

struct Exporter {
    options: Options,
    /// Made when the first spans come: most lanes have none.
    runtime: Option<Runtime>,
    tls: Option<TlsConnector>,
    /// Whether the last batch was not taken.
    fails: bool,
}

impl Exporter {
    /// Whether the collector has taken it.
    fn export(&mut self, tracing: &Tracing, spans: &[u8]) -> bool {
        let runtime = match self.runtime.take() {
            Some(runtime) => runtime,
            None => match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => {
                    self.tell(&tracing.collector, Some(&error));
                    return false;
                }
            },
        };
        let ended = runtime.block_on(self.deliver(&tracing.collector, message(tracing, spans)));
        self.runtime = Some(runtime);
        self.tell(&tracing.collector, ended.as_ref().err().map(|error| error as &dyn std::error::Error));
        ended.is_ok()
    }

    /// One line when it begins to fail, and one when it is over, however many batches there are.
    fn tell(&mut self, collector: &Collector, error: Option<&dyn std::error::Error>) {
        let collector = &*collector.authority;
        match (error, self.fails) {
            (Some(error), false) => {
                tracing::warn!(collector, error = chain(error), "the collector does not take spans, which are dropped");
            }
            (None, true) => tracing::info!(collector, "the collector takes spans again"),
            _ => {}
        }
        self.fails = error.is_some();
    }

    async fn deliver(&mut self, collector: &Collector, message: Bytes) -> Result<(), ExportError> {
        let mut pauses = PAUSES.into_iter();
        loop {
            let sent = timeout(PATIENCE, self.send(collector, message.clone()));
            let error = match sent.await {
                Ok(Ok(status)) if status.is_success() => return Ok(()),
                Ok(Ok(status)) => ExportError::Status(status),
                Ok(Err(error)) => error,
                Err(_) => ExportError::Late,
            };
            match pauses.next().filter(|_| error.may_pass()) {
                Some(pause) => sleep(pause).await,
                None => return Err(error),
            }
        }
    }

    async fn send(&mut self, collector: &Collector, message: Bytes) -> Result<StatusCode, ExportError> {
        let stream = self.connect(collector).await?;
        if !collector.secure {
            return ask(stream, collector, message).await;
        }
        let name = ServerName::try_from(collector.host.to_string())?;
        let stream = self.tls()?.connect(name, stream).await.map_err(ExportError::Handshake)?;
        ask(stream, collector, message).await
    }

    /// By the resolver of the system and its search list: whoever writes the URL of a collector writes it for this pod.
    async fn connect(&self, collector: &Collector) -> Result<TcpStream, ExportError> {
        let found = lookup_host((&*collector.host, collector.port)).await.map_err(ExportError::Lookup)?;
        let may_be_asked = |address: &SocketAddr| may_be_asked(address.ip().to_canonical(), &self.options);
        let mut failed = ExportError::NoAddress;
        for address in found.filter(may_be_asked).take(MOST_ADDRESSES) {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => failed = ExportError::Connect(error),
            }
        }
        Err(failed)
    }

    fn tls(&mut self) -> Result<TlsConnector, ExportError> {
        if let Some(tls) = &self.tls {
            return Ok(tls.clone());
        }
        let roots = platform_roots().ok_or(ExportError::NoPlatform)?;
        let config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        Ok(self.tls.insert(TlsConnector::from(Arc::new(config))).clone())
    }
}

/// The whole message with these spans.
fn message(tracing: &Tracing, spans: &[u8]) -> Bytes {
    let mut message = Vec::with_capacity(spans.len() + 512);
    let pod = std::env::var("HOSTNAME").unwrap_or_default();
    let resource = [
        ("service.name", &*tracing.service),
        ("service.namespace", &*tracing.namespace),
        ("service.version", env!("CARGO_PKG_VERSION")),
        ("service.instance.id", &*pod),
    ];
    let known: Vec<_> = resource.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    spans::request(&known, env!("CARGO_PKG_VERSION"), spans, &mut message);
    message.into()
}

/// Sends `message` and reads the status of the answer. Whatever else it says, redirects and content, nobody looks at.
async fn ask(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    collector: &Collector,
    message: Bytes,
) -> Result<StatusCode, ExportError> {
    let request = Request::post(&*collector.path)
        .header(HOST, &*collector.authority)
        .header(CONNECTION, "close")
        .header(CONTENT_TYPE, "application/x-protobuf")
        .header(USER_AGENT, concat!("bulkhead/", env!("CARGO_PKG_VERSION")))
        .body(Full::new(message))?;
    let (mut sender, connection) =
        http1::Builder::new().max_buf_size(HEAD_BYTES).handshake(TokioIo::new(stream)).await?;
    // Ends the connection when it is dropped.
    let mut driving = JoinSet::new();
    driving.spawn(connection);
    Ok(sender.send_request(request).await?.status())
}
