//! The certificate authority of one control plane, and the identities it signs.

use std::path::{Path, PathBuf};

use anyhow::Context;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};

/// Names and addresses the API server answers to; 10.96.0.1 is its Service in the cluster.
const SERVER_NAMES: [&str; 5] = ["127.0.0.1", "10.96.0.1", super::sandbox::NODE, "localhost", "kubernetes.default.svc"];

/// A certificate with its key, as PEM files.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

/// A key pair without certificate, as PEM files.
#[derive(Clone, Debug)]
pub(super) struct TokenKeys {
    pub(super) private: PathBuf,
    pub(super) public: PathBuf,
}

/// The authority and its folder.
pub(super) struct Pki {
    folder: PathBuf,
    issuer: Issuer<'static, KeyPair>,
}

impl Pki {
    /// A new authority whose certificate and further files go to `folder`.
    pub(super) fn new(folder: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        params.distinguished_name.push(DnType::CommonName, "test-ca");
        let key = KeyPair::generate().context("generate the key of the test authority")?;
        let certificate = params.self_signed(&key).context("sign the test authority")?;
        let pki = Self { folder: folder.to_owned(), issuer: Issuer::new(params, key) };
        pki.write("ca.crt", &certificate.pem())?;
        Ok(pki)
    }

    /// The authority's certificate.
    pub(super) fn ca(&self) -> PathBuf {
        self.folder.join("ca.crt")
    }

    /// The API server's own certificate.
    pub(super) fn server(&self) -> anyhow::Result<Identity> {
        let params = CertificateParams::new(SERVER_NAMES.map(str::to_owned)).context("name the API server")?;
        self.sign("apiserver", params, "kube-apiserver", &[])
    }

    /// A client: Kubernetes takes the common name for the user and organizations for groups.
    pub(super) fn client(&self, user: &str, groups: &[&str]) -> anyhow::Result<Identity> {
        self.sign(&user.replace([':', '/'], "-"), CertificateParams::default(), user, groups)
    }

    /// The key pair that signs and verifies service account tokens.
    pub(super) fn token_keys(&self) -> anyhow::Result<TokenKeys> {
        let key = KeyPair::generate().context("generate the service account key")?;
        Ok(TokenKeys {
            private: self.write("service-account.key", &key.serialize_pem())?,
            public: self.write("service-account.pub", &key.public_key_pem())?,
        })
    }

    fn sign(&self, file: &str, mut params: CertificateParams, user: &str, groups: &[&str]) -> anyhow::Result<Identity> {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.distinguished_name.push(DnType::CommonName, user);
        for group in groups {
            params.distinguished_name.push(DnType::OrganizationName, *group);
        }
        let key = KeyPair::generate().with_context(|| format!("generate the key of {user}"))?;
        let certificate =
            params.signed_by(&key, &self.issuer).with_context(|| format!("sign the certificate of {user}"))?;
        Ok(Identity {
            certificate: self.write(&format!("{file}.crt"), &certificate.pem())?,
            key: self.write(&format!("{file}.key"), &key.serialize_pem())?,
        })
    }

    fn write(&self, name: &str, pem: &str) -> anyhow::Result<PathBuf> {
        let path = self.folder.join(name);
        std::fs::write(&path, pem).with_context(|| format!("write {}", path.display()))?;
        Ok(path)
    }
}
