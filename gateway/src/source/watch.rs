//! One list and watch of the API server, for ever: pages, bookmarks and resumption are kube's; bounds and pauses are ours.

use std::fmt::Debug;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use kube::runtime::watcher::{self, DefaultBackoff, Event, watcher};
use kube::{Api, Client, Config};
use serde::de::DeserializeOwned;
use thiserror::Error;

/// Longest wait for a page of a list. A page holds 500 objects and takes a loaded API server seconds, not half a minute.
const PAGE: Duration = Duration::from_secs(30);
/// Longest silence on a connection to the API server. A watch ends by itself after 290 s, so a longer silence is a dead peer.
const SILENCE: Duration = Duration::from_secs(300);
/// To establish a connection to the API server.
const CONNECT: Duration = Duration::from_secs(10);

/// A client of the API server that no call can hang on for ever.
///
/// # Errors
/// When neither a pod's service account nor a kubeconfig is found, or it cannot be used.
pub async fn client() -> Result<Client, ClientError> {
    let mut config = Config::infer().await.map_err(|source| ClientError::Configuration(Box::new(source)))?;
    config.connect_timeout = Some(CONNECT);
    config.read_timeout = Some(SILENCE);
    Client::try_from(config).map_err(|source| ClientError::Client(Box::new(source)))
}

/// Why there is no client.
#[derive(Debug, Error)]
pub enum ClientError {
    /// No usable configuration.
    #[error("cannot find the API server: run in a pod with a service account, or set KUBECONFIG")]
    Configuration(#[source] Box<kube::config::InferConfigError>),
    /// The configuration does not give a client.
    #[error("cannot make a client for the API server from its configuration")]
    Client(#[source] Box<kube::Error>),
}

/// How long after trouble a watch must be quiet to count as well: while trouble lasts, it shows at least every 30 s (the longest
/// pause) plus [`CONNECT`], and a watch that is resumed says nothing until something changes.
const QUIET: Duration = Duration::from_secs(60);

/// What a watch has to say.
pub enum News<K> {
    /// Something was listed or changed.
    Event(Event<K>),
    /// The trouble that was last reported is over.
    Well,
}

/// Why a watch does not advance at the moment. It goes on by itself after a pause.
#[derive(Debug, Error)]
pub enum Trouble {
    /// A page of the list did not come.
    #[error("the API server has not sent a page of the list for {} s", PAGE.as_secs())]
    Slow,
    /// The API server refused, or could not be reached.
    #[error(transparent)]
    Watch(#[from] watcher::Error),
}

impl Trouble {
    /// Whether the API server says that this identity may not read this.
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        use watcher::Error::{InitialListFailed, WatchError, WatchFailed, WatchStartFailed};
        match self {
            Self::Watch(InitialListFailed(error) | WatchStartFailed(error) | WatchFailed(error)) => {
                matches!(error, kube::Error::Api(status) if status.is_forbidden())
            }
            Self::Watch(WatchError(status)) => status.is_forbidden(),
            Self::Watch(_) | Self::Slow => false,
        }
    }
}

/// A list and watch.
pub struct Watch<K> {
    api: Api<K>,
    config: watcher::Config,
    stream: Option<BoxStream<'static, watcher::Result<Event<K>>>>,
    listing: bool,
    troubled: bool,
    backoff: DefaultBackoff,
    pause: Option<Duration>,
}

impl<K> Watch<K>
where
    K: kube::Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    /// Of everything `api` and `config` select.
    pub fn new(api: Api<K>, config: watcher::Config) -> Self {
        Self {
            api,
            config,
            stream: None,
            listing: false,
            troubled: false,
            backoff: DefaultBackoff::default(),
            pause: None,
        }
    }

    /// What comes next. After trouble, the next call waits a while before it tries again.
    ///
    /// # Errors
    /// When the API server cannot be reached, or refuses.
    pub async fn next(&mut self) -> Result<News<K>, Trouble> {
        if let Some(pause) = self.pause.take() {
            tokio::time::sleep(pause).await;
        }
        let stream = self.stream.get_or_insert_with(|| watcher(self.api.clone(), self.config.clone()).boxed());
        // A watch that is quiet and was never in trouble is a healthy one, for however long.
        let next = match (self.listing, self.troubled) {
            (true, _) => tokio::time::timeout(PAGE, stream.next()).await.unwrap_or(None),
            (false, false) => stream.next().await,
            (false, true) => match tokio::time::timeout(QUIET, stream.next()).await {
                Ok(next) => next,
                Err(_) => {
                    self.troubled = false;
                    return Ok(News::Well);
                }
            },
        };
        self.listing = matches!(next, Some(Ok(Event::Init | Event::InitApply(_))));
        // A list that begins has not been answered yet: it proves nothing.
        self.troubled &= matches!(next, Some(Ok(Event::Init)));
        match next {
            Some(Ok(event)) => Ok(News::Event(event)),
            Some(Err(error)) => {
                self.troubled = true;
                self.pause = self.backoff.next();
                Err(error.into())
            }
            None => {
                self.troubled = true;
                self.restart();
                Err(Trouble::Slow)
            }
        }
    }

    /// Lists again from the start, after a pause.
    pub fn restart(&mut self) {
        self.stream = None;
        self.listing = false;
        self.pause = self.backoff.next();
    }
}
