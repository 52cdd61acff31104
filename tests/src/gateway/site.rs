//! One host on the shared gateway, with a backend of its own.

use std::sync::Arc;

use crate::wait::wait_for;
use anyhow::ensure;

use super::PATIENCE;
use super::backend::Backend;
use super::lane::Lane;
use super::manifest::{all_of, file, ingress, served};

/// A host whose every path leads to one backend. Dropping it takes the host away.
pub struct Site {
    pub lane: Arc<Lane>,
    pub host: &'static str,
    pub backend: Backend,
}

impl Site {
    /// Serves `host` by `backend`; the route is there when this returns.
    pub async fn new(host: &'static str, backend: Backend) -> Self {
        let lane = Lane::shared().await;
        let name = host.replace('.', "-");
        lane.put(
            &format!("{name}.yaml"),
            &file(&[ingress(&name, &[all_of(host, &name)]), served(&name, backend.port())]),
        );
        wait_for(&format!("a route for {host}"), PATIENCE, async || {
            let routes = lane.routes().await.routes;
            ensure!(routes.iter().any(|route| route.host == host && route.endpoints == 1), "{routes:?}");
            Ok(())
        })
        .await
        .unwrap();
        Self { lane, host, backend }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.lane.remove(&format!("{}.yaml", self.host.replace('.', "-")));
    }
}
