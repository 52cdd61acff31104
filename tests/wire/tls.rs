//! TLS with OpenSSL, which shares no code with the gateway: whose certificate is shown, who is let in, which sessions live on and which
//! ciphers are agreed on.

mod sessions;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use anyhow::{Context, ensure};
use bulkhead_tests::wait::wait_for;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::CertificateDer;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::support::PATIENCE;
use crate::support::backend::Backend;
use crate::support::lane::{Lane, gateway};
use crate::support::manifest::{all_of, document, file, ingress, served};

/// The versions that are spoken, as OpenSSL's options.
const VERSIONS: [&str; 2] = ["-tls1_2", "-tls1_3"];

/// Common name of the certificate that is shown where there is no other.
const STAND_IN: &str = "Bulkhead stand-in certificate";

type Issuer = CertifiedIssuer<'static, KeyPair>;

/// A gateway with a TLS listener, a backend, and a directory for keys.
struct Secure {
    lane: Lane,
    https: SocketAddr,
    backend: Backend,
    keys: TempDir,
}

impl Secure {
    async fn start() -> Self {
        let mut command = gateway();
        command.env("BULKHEAD_HTTPS", "127.0.0.1:0");
        let lane = Lane::start_as(&document(), command).await;
        let https = lane.https();
        let keys = TempDir::with_prefix("bulkhead-keys-").unwrap();
        Self { lane, https, backend: Backend::named("served").await, keys }
    }

    /// Serves a host by an Ingress with these annotations, and waits until it is there.
    async fn serve(&self, name: &str, host: &str, annotations: &[&str]) {
        let written = ingress(name, &[all_of(host, name)]);
        let list: Vec<_> = annotations.iter().map(|text| format!("nginx.ingress.kubernetes.io/{text}")).collect();
        let written =
            written.replacen("metadata: {", &format!("metadata: {{annotations: {{{}}}, ", list.join(", ")), 1);
        let written = format!("{written}  tls: [{{hosts: ['{host}'], secretName: {name}}}]\n");
        self.lane.put(&format!("{name}.yaml"), &file(&[written, served(name, self.backend.port())]));
        wait_for(&format!("a route for {host}"), PATIENCE, async || {
            let routes = self.lane.routes().await.routes;
            ensure!(routes.iter().any(|route| route.host == host), "{routes:?}");
            Ok(())
        })
        .await
        .unwrap();
    }

    /// Puts a certificate whose common name is `label` into the Secret of an Ingress, and waits until it is shown for `host`.
    async fn show(&self, name: &str, host: &str, label: &str) -> CertificateDer<'static> {
        self.show_until(name, host, label, 4_000_000_000).await
    }

    /// The same, of one that expires so many seconds after 1970.
    async fn show_until(&self, name: &str, host: &str, label: &str, end: u64) -> CertificateDer<'static> {
        let mut params = CertificateParams::new([host.to_owned()]).unwrap();
        params.not_after = date_time_ymd(1970, 1, 1) + Duration::from_secs(end);
        params.distinguished_name.push(DnType::CommonName, label);
        let key = KeyPair::generate().unwrap();
        let made = params.self_signed(&key).unwrap();
        self.secret(name, &[("tls.crt", &made.pem()), ("tls.key", &key.serialize_pem())]);
        let asked = host.replace('*', "any");
        self.wait_subject(&asked, label).await;
        made.der().clone()
    }

    /// Waits until the certificate with this common name is shown for a name.
    async fn wait_subject(&self, sni: &str, subject: &str) {
        wait_for(&format!("the certificate {subject}"), PATIENCE, async || {
            let said = self.ask(sni, sni, &[]).await?;
            ensure!(said.subject() == subject, "{}", said.0);
            Ok(())
        })
        .await
        .unwrap();
    }

    fn secret(&self, name: &str, entries: &[(&str, &str)]) {
        let entry = |(key, text): &(&str, &str)| format!("{key}: \"{}\"", text.replace('\n', "\\n"));
        let data: Vec<_> = entries.iter().map(entry).collect();
        let text = format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: shop}}\nstringData: {{{}}}\n",
            data.join(", ")
        );
        self.lane.put(&format!("secret-{name}.yaml"), &text);
    }

    /// One request by `openssl s_client`, whose handshake names `sni`, or nobody if that is empty.
    async fn ask(&self, sni: &str, host: &str, options: &[&str]) -> anyhow::Result<Said> {
        let mut command = Command::new("openssl");
        command.args(["s_client", "-ign_eof", "-connect"]).arg(self.https.to_string());
        match sni {
            "" => command.arg("-noservername"),
            sni => command.args(["-servername", sni]),
        };
        let command = command.args(options).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut client = command.kill_on_drop(true).spawn().context("running openssl, which tests/run installs")?;
        let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        // Held open: at its end the client would leave before it has the answer. A client that was refused is gone already.
        let mut input = client.stdin.take().context("no standard input")?;
        let _ = input.write_all(request.as_bytes()).await;
        let output = tokio::time::timeout(PATIENCE, client.wait_with_output()).await.context("openssl hangs")??;
        Ok(Said(format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))))
    }

    async fn status(&self, sni: &str, host: &str, options: &[&str]) -> u16 {
        self.ask(sni, host, options).await.unwrap().status()
    }

    fn key_file(&self, text: &str) -> PathBuf {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let path = self.keys.path().join(format!("{}.pem", NUMBER.fetch_add(1, Ordering::Relaxed)));
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A client's certificate with its key, in one file.
    fn identity(&self, issuer: &Issuer, until: i32) -> PathBuf {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "alice");
        (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(until, 1, 1));
        let key = KeyPair::generate().unwrap();
        let chain = params.signed_by(&key, issuer).unwrap().pem();
        self.key_file(&(chain + &key.serialize_pem()))
    }
}

/// What OpenSSL said.
struct Said(String);

impl Said {
    /// Common name of the certificate that was shown.
    fn subject(&self) -> &str {
        self.0.lines().find_map(|line| line.strip_prefix("subject=CN = ")).unwrap_or_default()
    }

    /// Status of the answer; 0 if there was none.
    fn status(&self) -> u16 {
        let line = self.0.lines().find_map(|line| line.split("HTTP/1.1 ").nth(1));
        line.and_then(|rest| rest.split(' ').next()?.parse().ok()).unwrap_or_default()
    }

    /// Cipher that was agreed on, by OpenSSL's name for it.
    fn cipher(&self) -> &str {
        let line = self.0.lines().find(|line| line.starts_with("New, ") || line.starts_with("Reused, "));
        line.and_then(|line| line.split(" is ").nth(1)).unwrap_or_default()
    }

    fn is_resumed(&self) -> bool {
        self.0.lines().any(|line| line.starts_with("Reused, "))
    }
}

fn issuer(name: &str) -> Issuer {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[tokio::test]
async fn the_name_chooses_the_certificate_however_it_is_spelt() {
    let site = Secure::start().await;
    site.serve("exact", "a.test", &[]).await;
    site.serve("wild", "*.w.test", &[]).await;
    site.show("exact", "a.test", "exact").await;
    site.show("wild", "*.w.test", "wild").await;
    for version in VERSIONS {
        for (sni, subject) in [
            ("a.test", "exact"),
            ("A.Test", "exact"),
            ("a.test.", "exact"),
            ("x.w.test", "wild"),
            ("X.W.TEST", "wild"),
            ("x.y.w.test", STAND_IN),
            ("w.test", STAND_IN),
            ("", STAND_IN),
        ] {
            let said = site.ask(sni, "a.test", &[version]).await.unwrap();
            assert_eq!((said.subject(), said.status()), (subject, 200), "{version} {sni:?}\n{}", said.0);
        }
    }
}

#[tokio::test]
async fn a_certificate_gives_way_to_the_default_one_when_its_time_is_over() {
    const STATES: &str = "bulkhead_certificates{state=\"";
    let site = Secure::start().await;
    site.serve("brief", "a.test", &[]).await;
    // Whole seconds, of which the first has begun: enough to be seen.
    let end = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() + 4;
    site.show_until("brief", "a.test", "brief", end).await;
    let metrics = site.lane.metrics().await;
    assert_eq!(metrics["bulkhead_certificate_expiry_timestamp_seconds"], end as f64);
    assert_eq!((metrics[&format!("{STATES}shown\"}}")], metrics[&format!("{STATES}expired\"}}")]), (1.0, 0.0));
    site.wait_subject("a.test", STAND_IN).await;
    assert_eq!(site.status("a.test", "a.test", &[]).await, 200, "the host is served");
    let metrics = site.lane.metrics().await;
    assert_eq!((metrics[&format!("{STATES}shown\"}}")], metrics[&format!("{STATES}expired\"}}")]), (0.0, 1.0));
    site.show("brief", "a.test", "renewed").await;
}

/// The table of who gets what, at a host that wants certificates. Where a name in it is not the host's own, it stands for CVE-2026-48491
/// (spelling), CVE-2026-50149 (no name) and their kin.
#[tokio::test]
async fn a_host_lets_in_clients_with_certificates_of_its_issuers() {
    let site = Secure::start().await;
    let (ours, theirs) = (issuer("ours"), issuer("theirs"));
    site.secret("issuers", &[("ca.crt", &ours.pem())]);
    site.serve("inner", "inner.test", &["auth-tls-secret: shop/issuers"]).await;
    site.serve("open", "open.test", &[]).await;
    site.lane.wait_for("inner.test", "/", 403, "TLS").await;
    let [good, expired, foreign] =
        [site.identity(&ours, 2100), site.identity(&ours, 2021), site.identity(&theirs, 2100)];
    for version in VERSIONS {
        let with = |identity| [version, "-cert", identity, "-key", identity];
        for (sni, host, identity, status) in [
            ("inner.test", "inner.test", Some(&good), 200),
            ("INNER.Test", "inner.test", Some(&good), 200),
            ("inner.test", "Inner.TEST.:443", Some(&good), 200),
            ("inner.test.", "inner.test", Some(&good), 200),
            ("inner.test.", "inner.test", None, 400),
            ("inner.test", "inner.test", None, 400),
            ("inner.test", "inner.test", Some(&foreign), 400),
            ("inner.test", "inner.test", Some(&expired), 400),
            ("open.test", "inner.test", Some(&good), 421),
            ("unknown.test", "inner.test", Some(&good), 421),
            ("", "inner.test", Some(&good), 421),
            ("inner.test", "open.test", None, 200),
            ("open.test", "open.test", None, 200),
        ] {
            let answered = match identity {
                Some(identity) => site.status(sni, host, &with(text(identity))).await,
                None => site.status(sni, host, &[version]).await,
            };
            assert_eq!(answered, status, "{version} {sni:?} {host} {identity:?}");
        }
    }
    let served = site.backend.saw().await.requests;
    let told: Vec<String> = served.iter().map(|request| String::from_utf8_lossy(&request.raw).into_owned()).collect();
    let told =
        told.iter().filter(|head| head.contains("Ssl-Client-Verify: SUCCESS\r\nSsl-Client-Subject-Dn: CN=alice\r\n"));
    assert_eq!(told.count(), 8, "backends hear who it is");
}

#[tokio::test]
async fn a_host_that_names_its_clients_sends_those_without_a_good_certificate_elsewhere() {
    let site = Secure::start().await;
    let ours = issuer("ours");
    site.secret("issuers", &[("ca.crt", &ours.pem())]);
    for (name, rule) in [("alice", "CN=alice$"), ("bob", "CN=bob$")] {
        let rule = format!("auth-tls-match-cn: {rule}");
        let page = "auth-tls-error-page: https://help.test/why";
        site.serve(name, &format!("{name}.test"), &["auth-tls-secret: issuers", &rule, page]).await;
    }
    let good = site.identity(&ours, 2100);
    for version in VERSIONS {
        let with = [version, "-cert", text(&good), "-key", text(&good)];
        assert_eq!(site.status("alice.test", "alice.test", &with).await, 200, "{version}");
        assert_eq!(site.status("bob.test", "bob.test", &with).await, 403, "{version}");
        let said = site.ask("bob.test", "bob.test", &[version]).await.unwrap();
        assert_eq!(said.status(), 302, "{version}");
        assert!(said.0.contains("Location: https://help.test/why"), "{}", said.0);
    }
}

/// As in CVE-2026-54762, where a Secret that was missing left the route open.
#[tokio::test]
async fn issuers_that_are_missing_or_go_close_their_host_and_no_other() {
    let site = Secure::start().await;
    let ours = issuer("ours");
    let good = site.identity(&ours, 2100);
    site.serve("inner", "inner.test", &["auth-tls-secret: issuers"]).await;
    site.serve("open", "open.test", &[]).await;
    let with = ["-cert", text(&good), "-key", text(&good)];
    assert_eq!(site.status("inner.test", "inner.test", &with).await, 503);
    assert_eq!(site.status("open.test", "open.test", &[]).await, 200);
    site.secret("issuers", &[("ca.crt", &ours.pem())]);
    site.lane.wait_for("inner.test", "/", 403, "TLS").await;
    assert_eq!(site.status("inner.test", "inner.test", &with).await, 200);
    site.lane.remove("secret-issuers.yaml");
    site.lane.wait_for("inner.test", "/", 503, "").await;
    assert_eq!(site.status("inner.test", "inner.test", &with).await, 503);
    assert_eq!(site.status("open.test", "open.test", &[]).await, 200);
}
