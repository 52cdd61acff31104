//! What stands between one client and the API server when the way is bad. In: every request, as [`Asked`]. Out: its [`Fate`], which the test decides.
//!
//! It is a real server on a real socket, so that the client under test is the whole one: its retries, its pool of connections, its timeouts.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{HOST, RETRY_AFTER};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use kube::Client;
use kube::client::Body;
use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::sleep;

type Answer = Response<UnsyncBoxBody<Bytes, anyhow::Error>>;
type Pieces = BoxStream<'static, Result<Bytes>>;

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) target: String,
}

impl Asked {
    /// Whether it follows events.
    pub(crate) fn is_watch(&self) -> bool {
        self.method == Method::GET && self.target.contains("watch=true")
    }

    /// Whether it is about who leads.
    pub(crate) fn is_of_a_lease(&self) -> bool {
        self.target.starts_with("/apis/coordination.k8s.io/")
    }
}

/// What becomes of a request.
#[derive(Clone, Debug)]
pub(crate) enum Fate {
    /// It passes.
    Pass,
    /// It is refused with this status, and perhaps told when to come again, in seconds.
    Refused(u16, Option<u64>),
    /// It passes after a while.
    Slow(Duration),
    /// It is not passed on and never answered.
    Hung,
    /// It is passed on after a while, whether the client still waits for the answer or not.
    Late(Duration),
    /// The connection breaks before it is passed on.
    CutBefore,
    /// It is passed on; then the connection breaks.
    CutAfter,
    /// Its answer begins, and comes to this end.
    Stream(End),
}

/// How an answer that comes bit by bit ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    /// After a while, between two events.
    Over(Duration),
    /// After a while the connection breaks in the middle of an event.
    Torn(Duration),
    /// After a while the API server says that it has forgotten what came next.
    Gone(Duration),
    /// Not: after the first while nothing comes for the second, and then all of it.
    Stalled(Duration, Duration),
}

/// Decides.
pub(crate) type Weather = Arc<dyn Fn(&Asked) -> Fate + Send + Sync>;

/// A running proxy. Dropping it breaks every connection through it.
pub(crate) struct Proxy {
    address: SocketAddr,
    cut: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Stands in front of the API server that a kubeconfig file names. Who asks is proven by the token that the client sends.
    pub(crate) async fn start(kubeconfig: &Path, weather: Weather) -> Result<Self> {
        let file = Kubeconfig::read_from(kubeconfig).context("read the kubeconfig that a proxy is for")?;
        let mut config = kube::Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await?;
        config.auth_info = AuthInfo::default();
        config.default_retry = false;
        let upstream = Client::try_from(config)?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("listen for a client")?;
        let address = listener.local_addr()?;
        let cut = Arc::new(Notify::new());
        let cuts = Arc::clone(&cut);
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (serve, cuts) = (serve(stream, upstream.clone(), Arc::clone(&weather)), Arc::clone(&cuts));
                connections.spawn(async move {
                    tokio::select! {
                        () = serve => {}
                        () = cuts.notified() => {}
                    }
                });
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { address, cut, task })
    }

    /// Breaks every connection that there is.
    pub(crate) fn cut(&self) {
        self.cut.notify_waiters();
    }

    /// A kubeconfig file like this one that leads through the proxy.
    pub(crate) fn lead(&self, kubeconfig: &Path) -> Result<PathBuf> {
        let text = std::fs::read_to_string(kubeconfig).with_context(|| format!("read {}", kubeconfig.display()))?;
        let mut file: Value = serde_json::from_str(&text).context("read a kubeconfig")?;
        file["clusters"][0]["cluster"] = json!({"server": format!("http://{}", self.address)});
        let path = kubeconfig.with_extension(format!("through-{}.kubeconfig", self.address.port()));
        std::fs::write(&path, file.to_string()).with_context(|| format!("write {}", path.display()))?;
        Ok(path)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(stream: TcpStream, upstream: Client, weather: Weather) {
    let service = service_fn(move |request| {
        let (upstream, weather) = (upstream.clone(), Arc::clone(&weather));
        async move { answer(request, upstream, weather).await }
    });
    // A connection that breaks is what the client is to see.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(request: Request<Incoming>, upstream: Client, weather: Weather) -> Result<Answer> {
    let target = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    let asked = Asked { method: request.method().clone(), target };
    let (mut head, content) = request.into_parts();
    head.headers.remove(HOST);
    let content = content.collect().await?.to_bytes();
    let pass = async move { upstream.send(Request::from_parts(head, Body::from(content))).await };
    match weather(&asked) {
        Fate::Pass => Ok(passed(pass.await?, None)),
        Fate::Refused(status, again) => refused(status, again),
        Fate::Slow(by) => {
            sleep(by).await;
            Ok(passed(pass.await?, None))
        }
        Fate::Hung => std::future::pending().await,
        Fate::Late(by) => {
            let done = tokio::spawn(async move {
                sleep(by).await;
                pass.await
            });
            Ok(passed(done.await??, None))
        }
        Fate::CutBefore => Err(anyhow!("broken before it was passed on")),
        Fate::CutAfter => {
            pass.await?.into_body().collect().await?;
            Err(anyhow!("broken after it was passed on"))
        }
        Fate::Stream(end) => Ok(passed(pass.await?, Some(end))),
    }
}

/// An answer of the API server, to its own end or to another one.
fn passed(response: Response<Body>, end: Option<End>) -> Answer {
    let (head, body) = response.into_parts();
    let bytes = body.into_data_stream().map(|piece| piece.map_err(anyhow::Error::from)).boxed();
    let ended = match end {
        None => bytes,
        Some(end) => ending(bytes, end),
    };
    let body = StreamBody::new(ended.map(|piece| piece.map(Frame::data)));
    Response::from_parts(head, body.boxed_unsync())
}

/// Events until it is time.
fn ending(bytes: Pieces, end: End) -> Pieces {
    let last = |piece: Result<&'static str>| stream::iter([piece.map(|text| Bytes::from_static(text.as_bytes()))]);
    match end {
        End::Over(after) => bytes.take_until(sleep(after)).boxed(),
        End::Torn(after) => {
            let half = last(Ok("{\"type\":\"MODIFIED\",\"object\":{\"kind\":"));
            bytes.take_until(sleep(after)).chain(half).chain(last(Err(anyhow!("torn")))).boxed()
        }
        End::Gone(after) => bytes.take_until(sleep(after)).chain(last(Ok(GONE))).boxed(),
        End::Stalled(after, long) => {
            let resumes = tokio::time::Instant::now() + after + long;
            let begins = resumes - long;
            bytes
                .then(move |piece| async move {
                    if tokio::time::Instant::now() > begins {
                        tokio::time::sleep_until(resumes).await;
                    }
                    piece
                })
                .boxed()
        }
    }
}

/// As an API server says it in a watch (Kubernetes reference, API concepts, 410 Gone responses).
const GONE: &str = "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\",\"message\":\"too old resource version\",\"reason\":\"Expired\",\"code\":410}}\n";

/// What an API server answers that refuses.
pub(crate) fn refusal(code: u16) -> Value {
    let reason = match code {
        403 => "Forbidden",
        409 => "Conflict",
        410 => "Expired",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        504 => "Timeout",
        _ => "InternalError",
    };
    json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "refused by a test", "reason": reason, "code": code,
    })
}

fn refused(code: u16, again: Option<u64>) -> Result<Answer> {
    let body = Full::from(refusal(code).to_string()).map_err(|never: Infallible| match never {});
    let mut response = Response::new(body.boxed_unsync());
    *response.status_mut() = StatusCode::from_u16(code)?;
    if let Some(again) = again {
        response.headers_mut().insert(RETRY_AFTER, again.into());
    }
    Ok(response)
}
