//! A proxy in front of one scripted backend.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_model::backend::Protocol;
use bulkhead_model::path_table::PathTable;
use bulkhead_model::pattern::{HostPattern, PathPattern};
use bulkhead_model::route::{PathKind, Weighted};
use bulkhead_model::{
    Action, Backend, Denial, Endpoint, Endpoints, Filters, HostTable, Room, Route, Settings, Snapshot, TlsTable,
    UpstreamTls,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::{Config, Proxy, Publication};

/// Longer than anything that works takes, short enough to fail soon.
const PATIENCE: Duration = Duration::from_secs(5);

/// A proxy with one route, `a.test/`, to one backend.
pub(super) struct Lane {
    pub(super) proxy: Proxy,
    pub(super) publication: Arc<Publication>,
    pub(super) backend: Arc<Backend>,
    pub(super) listener: TcpListener,
    settings: Settings,
}

impl Lane {
    pub(super) async fn start() -> Self {
        Self::with(Settings::default()).await
    }

    pub(super) async fn with(settings: Settings) -> Self {
        Self::to(settings, Protocol::Http1, None).await
    }

    /// With a backend that is spoken to in a certain way.
    pub(super) async fn to(settings: Settings, protocol: Protocol, tls: Option<UpstreamTls>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = Arc::new(Endpoint::new(1, listener.local_addr().unwrap()));
        let endpoints = Arc::new(Endpoints { list: Box::new([endpoint]) });
        let backend = Arc::new(Backend::new(1, "shop/web:80".into(), protocol, endpoints).under(tls.map(Arc::new)));
        let publication = Publication::new();
        let any = || vec!["127.0.0.1:0".parse().unwrap()];
        let stand_in = Some(super::tls::certificate("stand-in.test").key.clone());
        let config =
            Config { http: any(), https: any(), stand_in, threads: 1, name: "test".into(), room: Room::default() };
        let proxy = Proxy::start(config, Arc::clone(&publication)).unwrap();
        let lane = Self { proxy, publication, backend, listener, settings };
        lane.publish(1);
        lane
    }

    pub(super) fn publish(&self, number: u64) {
        self.publish_tls(number, TlsTable::default());
    }

    /// Publishes with certificates.
    pub(super) fn publish_tls(&self, number: u64, tls: TlsTable) {
        self.publish_routes(number, tls, [self.route("/", self.forward())]);
    }

    /// Publishes with a path of the same host that is closed.
    pub(super) fn publish_closed(&self, number: u64, path: &str, denial: Denial) {
        let routes = [self.route(path, Action::Deny(denial)), self.route("/", self.forward())];
        self.publish_routes(number, TlsTable::default(), routes);
    }

    /// Publishes with filters.
    pub(super) fn publish_filtered(&self, number: u64, filters: Filters) {
        let (pattern, route) = self.route("/", self.forward());
        let Ok(route) = Arc::try_unwrap(route) else { return };
        let route = Route { filters: Some(Arc::new(filters)), ..route };
        self.publish_routes(number, TlsTable::default(), [(pattern, Arc::new(route))]);
    }

    fn forward(&self) -> Action {
        Action::Forward(Box::new([Weighted { backend: Arc::clone(&self.backend), weight: 1 }]))
    }

    fn route(&self, path: &str, action: Action) -> (PathPattern, Arc<Route>) {
        let route = Route {
            host: "a.test".into(),
            path: path.into(),
            kind: PathKind::Prefix,
            origin: "shop/web".into(),
            client_auth: None,
            expression: None,
            filters: None,
            action,
        };
        (PathPattern::prefix(path).unwrap(), Arc::new(route))
    }

    fn publish_routes(&self, number: u64, tls: TlsTable, routes: impl IntoIterator<Item = (PathPattern, Arc<Route>)>) {
        let paths = PathTable::new(routes, false);
        let hosts = HostTable::from_iter([(HostPattern::parse("a.test").unwrap(), Arc::new(paths))]);
        let settings = Arc::new(self.settings.clone());
        self.publication.publish(Arc::new(Snapshot {
            number,
            config_generation: 1,
            settings,
            hosts,
            tls: Arc::new(tls),
        }));
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.proxy.addresses()[0]
    }

    pub(super) async fn client(&self) -> Peer {
        Peer::new(TcpStream::connect(self.address()).await.unwrap())
    }

    /// The backend's side of the next upstream connection.
    pub(super) async fn accept(&self) -> Peer {
        Peer::new(timeout(PATIENCE, self.listener.accept()).await.expect("the proxy connects").unwrap().0)
    }

    /// How often a fault was counted.
    pub(super) fn faults(&self, name: &str) -> u64 {
        self.proxy.tally().refused.iter().find(|(word, _)| *word == name).map(|(_, count)| *count).unwrap()
    }
}

/// A raw connection: exact bytes out, expected bytes in.
pub(super) struct Peer<S = TcpStream> {
    pub(super) stream: S,
    pub(super) held: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, held: Vec::new() }
    }

    pub(super) async fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    pub(super) async fn stream_send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// All bytes until the stream ends.
    pub(super) async fn bytes_to_the_end(&mut self) -> Vec<u8> {
        let read = timeout(PATIENCE, async {
            while self.stream.read_buf(&mut self.held).await? > 0 {}
            std::io::Result::Ok(())
        });
        read.await.expect("the connection ends").unwrap();
        std::mem::take(&mut self.held)
    }

    /// Reads up to and with `end`; returns it as text.
    pub(super) async fn until(&mut self, end: &str) -> String {
        loop {
            if let Some(at) = self.held.windows(end.len()).position(|window| window == end.as_bytes()) {
                let rest = self.held.split_off(at + end.len());
                return plain(String::from_utf8(std::mem::replace(&mut self.held, rest)).unwrap());
            }
            let read = timeout(PATIENCE, self.stream.read_buf(&mut self.held)).await;
            let read =
                read.unwrap_or_else(|_| panic!("waited for {end:?}, have {:?}", String::from_utf8_lossy(&self.held)));
            assert!(
                read.unwrap() > 0,
                "the connection ended before {end:?}: {:?}",
                String::from_utf8_lossy(&self.held)
            );
        }
    }

    /// A message head.
    pub(super) async fn head(&mut self) -> String {
        self.until("\r\n\r\n").await
    }

    /// Waits for the end of the stream; `Err` if it was a reset. Returns what came before.
    pub(super) async fn end(&mut self) -> std::io::Result<String> {
        let read = timeout(PATIENCE, async {
            while self.stream.read_buf(&mut self.held).await? > 0 {}
            std::io::Result::Ok(())
        });
        read.await.expect("the connection ends")?;
        Ok(plain(String::from_utf8(std::mem::take(&mut self.held)).unwrap()))
    }
}

/// `text` without what is never the same twice: Date, and the number in our Via.
fn plain(text: String) -> String {
    let line = |line: &str| match line.split_once("bulkhead-") {
        Some((start, _)) => format!("{start}bulkhead-N\r\n"),
        None if line.starts_with("Date: ") => String::new(),
        None => line.to_owned(),
    };
    text.split_inclusive("\r\n").map(line).collect()
}

/// Waits until `check` holds.
pub(super) async fn eventually(what: &str, mut check: impl FnMut() -> bool) {
    let waited = timeout(PATIENCE, async {
        while !check() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("{what}"));
}
