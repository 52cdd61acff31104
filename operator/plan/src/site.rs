//! The installation that a plan is for.

/// What is the same for every instance of an installation, for the life of an operator process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Namespace of the operator: the only one that a managed NetworkPolicy lets reach the admin port of gateways.
    pub operator_namespace: String,
    /// Image of the gateways of instances that do not pin one.
    pub image: String,
    /// Version of the operator, noted on Deployments for people. It never enters a pod template.
    pub version: String,
    /// What the cluster runs on.
    pub platform: Platform,
}

/// The installation that the manifests of this version describe, for those who plan without one.
impl Default for Site {
    fn default() -> Self {
        let version = env!("CARGO_PKG_VERSION");
        Self {
            operator_namespace: "bulkhead-system".to_owned(),
            // No registry answers for `localhost/`, so a forgotten override pulls nothing from strangers.
            image: format!("localhost/bulkhead-gateway:{version}"),
            version: version.to_owned(),
            platform: Platform::default(),
        }
    }
}

/// Kinds of cluster that want their pods described differently.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Platform {
    /// Kubernetes with Pod Security admission.
    #[default]
    Kubernetes,
    /// OpenShift: its security context constraints give every namespace user IDs of its own and refuse pods that name another one.
    OpenShift,
}
