//! Kubeconfig files: one cluster, one user.

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use super::pki::Identity;

/// How a user proves who it is.
pub(super) enum Credential<'a> {
    Certificate(&'a Identity),
    Token(&'a str),
}

/// Writes a kubeconfig file (JSON, which is YAML).
pub(super) fn write(
    path: &Path,
    server: &str,
    ca: &Path,
    credential: &Credential<'_>,
    namespace: &str,
) -> anyhow::Result<()> {
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": {"server": server, "certificate-authority": ca}}],
        "users": [{"name": "test", "user": user(credential)}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test", "namespace": namespace}}],
        "current-context": "test",
    });
    let attempt = || format!("write {}", path.display());
    // In one piece: another process may be reading the one before.
    let mut file = NamedTempFile::new_in(path.parent().with_context(attempt)?).with_context(attempt)?;
    writeln!(file, "{config:#}").with_context(attempt)?;
    file.persist(path).map(|_| ()).with_context(attempt)
}

/// A client with the identity of a kubeconfig file.
pub(super) async fn client(path: &Path) -> anyhow::Result<Client> {
    let file = Kubeconfig::read_from(path).with_context(|| format!("read {}", path.display()))?;
    let config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await;
    let config = config.with_context(|| format!("use {}", path.display()))?;
    Client::try_from(config).with_context(|| format!("make a client from {}", path.display()))
}

fn user(credential: &Credential<'_>) -> Value {
    match credential {
        Credential::Certificate(identity) => {
            json!({"client-certificate": identity.certificate, "client-key": identity.key})
        }
        Credential::Token(token) => json!({"token": token}),
    }
}
