//! The admission webhook, which is optional: says at `kubectl apply` what otherwise stands in a status later.
//!
//! In: an AdmissionReview of a GatewayInstance or an Ingress. Out: whether it may be stored, and what of it will not be as written. It
//! judges as reconciles and gateways do, by the same functions: [`instances`] by `bulkhead_plan::validate`, [`ingresses`] by
//! `bulkhead_compile::findings_alone`. Both are pure; [`budget`] bounds what they
//! cost, and [`verdict`] what they say. [`review`] reads reviews and writes answers,
//! [`server`] serves them on every replica. [`certificates`] says when which certificate is shown and believed, [`configuration`] what API
//! servers are told; [`keeper`] carries both out, and [`leftover`] takes them back.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use k8s_openapi::api::core::v1::Secret;
use kube::Client;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use tracing::{info, warn};

use crate::context::Context;

pub mod budget;
pub mod certificates;
pub mod configuration;
pub mod identity;
pub mod ingresses;
pub mod instances;
pub mod keeper;
pub mod known;
pub mod leftover;
pub mod review;
pub mod secret;
pub mod server;
pub mod tally;
pub mod verdict;

use configuration::Webhook;
use identity::Identity;
use keeper::Keeper;
use known::Cluster;
use server::{Server, Stage};

/// From being asked to leave to leaving: that a pod goes reaches those who send to it within a second or two.
const LAMEDUCK: Duration = Duration::from_secs(5);

/// A webhook that is asked for.
pub struct Options {
    /// Where it listens.
    pub listen: SocketAddr,
    /// How API servers reach it.
    pub webhook: Webhook,
    /// A client behind no fence, with which a certificate is made where there is none.
    pub client: Client,
}

/// A webhook that serves.
pub struct Running {
    /// What it shows.
    pub identity: Arc<Identity>,
    webhook: Webhook,
    seen: watch::Receiver<Option<Secret>>,
    stage: watch::Sender<Stage>,
    served: JoinHandle<()>,
}

impl Running {
    /// Starts to serve, whether this replica leads or not.
    ///
    /// # Errors
    /// When the port cannot be had.
    pub async fn start(options: Options, context: &Arc<Context>, tasks: &mut JoinSet<()>) -> anyhow::Result<Self> {
        let Options { listen, webhook, client } = options;
        let listener = TcpListener::bind(listen).await.with_context(|| format!("listening on {listen} for reviews"))?;
        let identity = Arc::new(Identity::default());
        let tls = identity::tls(Arc::clone(&identity)).context("choosing versions of TLS for the webhook")?;
        info!(%listen, service = webhook.name(), fails_closed = webhook.fails_closed, "serving the webhook");
        let (told, seen) = watch::channel(None);
        tasks.spawn(keeper::follow(client, webhook.clone(), Arc::clone(&identity), told));
        let server = Server::new(Cluster(Arc::clone(context)), Arc::clone(&context.metrics.reviews));
        let (stage, seen_stage) = watch::channel(Stage::Serving);
        let served = tokio::spawn(Arc::new(server).serve(listener, tls, seen_stage));
        Ok(Self { identity, webhook, seen, stage, served })
    }

    /// What the leader does for it.
    pub fn keeper(&self, context: &Arc<Context>) -> Keeper {
        Keeper::new(Arc::clone(context), self.webhook.clone(), self.seen.clone())
    }

    /// Waits until nobody is sent here any more, takes no more reviews, and waits for those under way, for [`server::LEAVE`] at most: what the
    /// process gives back when it ends, others wait for.
    pub async fn leave(self) {
        self.stage.send_replace(Stage::Leaving);
        tokio::time::sleep(LAMEDUCK).await;
        self.stage.send_replace(Stage::Closed);
        if timeout(server::LEAVE * 2, self.served).await.is_err() {
            warn!("the webhook does not end, and is left behind");
        }
    }
}
