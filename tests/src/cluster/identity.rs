//! Acting as somebody: service accounts by token, users by certificate.

use std::path::PathBuf;

use anyhow::Context;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Client;
use kube::api::{Api, PostParams};

use super::Cluster;
use super::kubeconfig::{self, Credential};

/// Seconds a token is valid: longer than any run.
const TOKEN_SECONDS: i64 = 3600 * 4;

impl Cluster {
    /// A kubeconfig file with a fresh token of a service account: a process that is given it has exactly the rights of that account.
    /// Waits for the account when it is about to be made.
    ///
    /// # Errors
    /// When there is no such account, or the token is refused.
    pub async fn kubeconfig_for_service_account(&self, namespace: &str, name: &str) -> anyhow::Result<PathBuf> {
        self.wait_service_account(namespace, name).await?;
        let token = self.token(namespace, name).await?;
        let path = self.dir.join(format!("serviceaccount-{namespace}-{name}.kubeconfig"));
        kubeconfig::write(&path, &self.server, &self.ca, &Credential::Token(&token), namespace)?;
        Ok(path)
    }

    /// A client with the rights of a service account.
    ///
    /// # Errors
    /// As for [`Cluster::kubeconfig_for_service_account`].
    pub async fn client_for_service_account(&self, namespace: &str, name: &str) -> anyhow::Result<Client> {
        kubeconfig::client(&self.kubeconfig_for_service_account(namespace, name).await?).await
    }

    /// A client for a user in groups, known by a certificate: somebody with no rights but those that a test binds.
    ///
    /// # Errors
    /// When the certificate cannot be made.
    pub async fn client_for_user(&self, user: &str, groups: &[&str]) -> anyhow::Result<Client> {
        let path = self.dir.join(format!("user-{user}.kubeconfig"));
        let identity = self.pki.client(user, groups)?;
        kubeconfig::write(&path, &self.server, &self.ca, &Credential::Certificate(&identity), "default")?;
        kubeconfig::client(&path).await
    }

    async fn token(&self, namespace: &str, name: &str) -> anyhow::Result<String> {
        let accounts = Api::<ServiceAccount>::namespaced(self.admin.clone(), namespace);
        let spec = TokenRequestSpec { expiration_seconds: Some(TOKEN_SECONDS), ..TokenRequestSpec::default() };
        let request = TokenRequest { spec, ..TokenRequest::default() };
        let answer = accounts.create_token_request(name, &PostParams::default(), &request).await;
        let answer = answer.with_context(|| format!("request a token of service account {namespace}/{name}"))?;
        Ok(answer.status.context("a token request without an answer")?.token)
    }
}
