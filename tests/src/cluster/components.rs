//! The programs of a control plane: those of `KUBEBUILDER_ASSETS` where it has them, else one binary built from Kubernetes' own source.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use crate::places;

const NAMES: [&str; 3] = ["etcd", "kube-apiserver", "kube-controller-manager"];

/// Where each component is.
#[derive(Clone, Debug)]
pub struct Components {
    assets: Option<PathBuf>,
    kube: PathBuf,
}

impl Components {
    /// Finds the components, and builds what is missing: minutes on the first run, nothing after that. The build needs the network,
    /// so this is called outside of the sandbox first.
    ///
    /// # Errors
    /// When Go is missing or its build fails.
    pub fn find_or_build() -> anyhow::Result<Self> {
        let assets = std::env::var_os("KUBEBUILDER_ASSETS").filter(|path| !path.is_empty()).map(PathBuf::from);
        let found = Self { assets, kube: places::target().join("kube/kube") };
        if NAMES.iter().any(|name| found.asset(name).is_none()) {
            build(&places::target())?;
        }
        Ok(found)
    }

    /// The command that runs a component, without its flags.
    pub(super) fn command(&self, component: &str) -> Command {
        match self.asset(component) {
            Some(path) => Command::new(path),
            None => {
                let mut command = Command::new(&self.kube);
                command.arg(component);
                command
            }
        }
    }

    fn asset(&self, component: &str) -> Option<PathBuf> {
        self.assets.as_ref().map(|folder| folder.join(component)).filter(|path| path.is_file())
    }
}

fn build(target: &Path) -> anyhow::Result<()> {
    let script = places::repository().join("tests/cluster/kube/build");
    let status = Command::new("bash").arg(&script).arg(target).stdin(Stdio::null()).status();
    let status = status.with_context(|| format!("run {}", script.display()))?;
    ensure!(status.success(), "{} ended with {status}", script.display());
    Ok(())
}
