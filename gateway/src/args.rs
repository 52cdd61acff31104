//! What a gateway is told on its command line: only what a process cannot change while it runs.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use bulkhead_crds::names::{ADMIN_PORT, HTTP_PORT, HTTPS_PORT};
use bulkhead_crds::size::Size;
use clap::{Args, ValueEnum};
use thiserror::Error;

/// Arguments of `run`.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct RunArgs {
    /// Where the lane document comes from
    ///
    /// `configmap:NAMESPACE/NAME` watches key lane.json of a ConfigMap; `file:PATH` watches a file. Settings in the document
    /// take effect while the gateway runs. A document that cannot be read leaves the last good one in force.
    #[arg(long, env = "BULKHEAD_LANE", value_name = "configmap:NAMESPACE/NAME|file:PATH")]
    pub lane: LaneSource,

    /// Where Ingresses, IngressClasses, Services, EndpointSlices and Secrets come from
    ///
    /// `kubernetes` watches the API server of the pod, or of KUBECONFIG, and reads Secrets from the lane's keyring alone. `dir:PATH` reads the manifests (*.yaml, *.yml, *.json)
    /// under a directory and follows its changes; it can be given several times, and the first directory that defines an
    /// object wins.
    #[arg(
        long = "source",
        env = "BULKHEAD_SOURCE",
        value_delimiter = ',',
        required = true,
        value_name = "kubernetes|dir:PATH"
    )]
    pub sources: Vec<ObjectSource>,

    /// Where to serve plain HTTP; can be given several times [default: [::]:8080, or 0.0.0.0:8080 on a host without IPv6]
    ///
    /// `[::]` accepts IPv4 as well. Port 0 takes a free port.
    #[arg(long = "http", env = "BULKHEAD_HTTP", value_delimiter = ',', value_name = "ADDR:PORT")]
    pub http: Vec<SocketAddr>,

    /// Where to serve HTTP over TLS; can be given several times [default: [::]:8443, or 0.0.0.0:8443 on a host without IPv6]
    ///
    /// With --http alone there is no TLS listener: whoever names addresses names all of them. Certificates come from the Secrets that Ingresses name in spec.tls. A name without one is shown the lane's default
    /// certificate, or one that this process has signed itself.
    #[arg(long = "https", env = "BULKHEAD_HTTPS", value_delimiter = ',', value_name = "ADDR:PORT")]
    pub https: Vec<SocketAddr>,

    /// Where to serve probes, metrics and status [default: [::]:9090, or 0.0.0.0:9090 on a host without IPv6]
    ///
    /// Plain HTTP without authentication: keep it off every traffic Service.
    #[arg(long, env = "BULKHEAD_ADMIN", value_name = "ADDR:PORT")]
    pub admin: Option<SocketAddr>,

    /// Data threads [default: the processors this process may use, cgroup quotas included]
    #[arg(long, env = "BULKHEAD_THREADS", value_name = "N")]
    pub threads: Option<NonZeroUsize>,

    /// Control group (version 2) whose memory is watched [default: this process's own]
    ///
    /// A directory with the files memory.max and memory.current. As they fill up, the gateway sheds load, so that the system does not
    /// end it. The number of connections follows from the bound as well, unless the lane document says otherwise.
    #[arg(long, env = "BULKHEAD_CGROUP", value_name = "DIR")]
    pub cgroup: Option<PathBuf>,

    /// Memory this process may have, such as 512Mi, where no control group says so [default: no bound]
    #[arg(long, env = "BULKHEAD_MEMORY_LIMIT", value_name = "SIZE")]
    pub memory_limit: Option<Size>,

    /// Addresses of the pod this gateway runs in, separated by commas [default: unknown]
    ///
    /// Endpoints that name one of them with the admin port are left out: admin pages are nobody's backend.
    #[arg(long, env = "BULKHEAD_POD_IPS", value_name = "ADDRESSES", value_parser = addresses, default_value = "")]
    pub pod_ips: std::sync::Arc<[IpAddr]>,

    /// Zone this gateway is in [default: unknown]
    ///
    /// Of a Service whose every endpoint is meant for certain zones (hints in EndpointSlices), those for this one are asked. A pod
    /// learns it from its own label topology.kubernetes.io/zone, which Kubernetes sets from version 1.35 on.
    #[arg(long, env = "BULKHEAD_ZONE", value_name = "ZONE")]
    pub zone: Option<String>,

    /// How log lines are written to standard error; BULKHEAD_LOG filters them (such as `info` or `bulkhead_gateway=debug`)
    #[arg(long, env = "BULKHEAD_LOG_FORMAT", value_name = "FORMAT", default_value = "json")]
    pub log_format: LogFormat,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line.
    #[default]
    Json,
    /// For people.
    Text,
}

/// Where the lane document comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LaneSource {
    /// Key `lane.json` of a ConfigMap.
    ConfigMap {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// A file.
    File(PathBuf),
}

impl LaneSource {
    /// A short word for this gateway, for thread names and logs before its identity is known.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::ConfigMap { name, .. } => name.clone(),
            Self::File(path) => {
                path.file_stem().map_or_else(|| "lane".to_owned(), |stem| stem.to_string_lossy().into_owned())
            }
        }
    }
}

/// Where objects come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObjectSource {
    /// The API server.
    Kubernetes,
    /// Manifests under a directory.
    Directory(PathBuf),
}

/// An argument that cannot be what it is said to be.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ArgumentError {
    /// Of `--lane`.
    #[error("{0:?} is no lane source, write configmap:NAMESPACE/NAME or file:PATH")]
    Lane(String),
    /// Of `--source`.
    #[error("{0:?} is no object source, write kubernetes or dir:PATH")]
    Source(String),
    /// Of several `--source`.
    #[error("objects come either from kubernetes or from directories, not from both: give --source kubernetes alone")]
    MixedSources,
}

impl FromStr for LaneSource {
    type Err = ArgumentError;

    fn from_str(text: &str) -> Result<Self, ArgumentError> {
        let wrong = || ArgumentError::Lane(text.to_owned());
        match text.split_once(':') {
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            Some(("configmap", reference)) => match reference.split_once('/') {
                Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() && !name.contains('/') => {
                    Ok(Self::ConfigMap { namespace: namespace.to_owned(), name: name.to_owned() })
                }
                _ => Err(wrong()),
            },
            _ => Err(wrong()),
        }
    }
}

impl FromStr for ObjectSource {
    type Err = ArgumentError;

    fn from_str(text: &str) -> Result<Self, ArgumentError> {
        match text.split_once(':') {
            None if text == "kubernetes" => Ok(Self::Kubernetes),
            Some(("dir", path)) if !path.is_empty() => Ok(Self::Directory(path.into())),
            _ => Err(ArgumentError::Source(text.to_owned())),
        }
    }
}

/// Where objects come from, as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Objects {
    /// The API server.
    Kubernetes,
    /// Directories; the first that defines an object wins.
    Directories(Vec<PathBuf>),
}

impl RunArgs {
    /// The zone, if one is named.
    #[must_use]
    pub fn zone(&self) -> Option<Box<str>> {
        self.zone.as_deref().filter(|zone| !zone.is_empty()).map(Into::into)
    }

    /// Where objects come from.
    ///
    /// # Errors
    /// When sources of both sorts are given.
    pub fn objects(&self) -> Result<Objects, ArgumentError> {
        let directories: Vec<PathBuf> = self
            .sources
            .iter()
            .filter_map(|source| match source {
                ObjectSource::Directory(path) => Some(path.clone()),
                ObjectSource::Kubernetes => None,
            })
            .collect();
        match directories.len() {
            0 => Ok(Objects::Kubernetes),
            many if many == self.sources.len() => Ok(Objects::Directories(directories)),
            _ => Err(ArgumentError::MixedSources),
        }
    }

    /// Addresses to serve plain HTTP on.
    #[must_use]
    pub fn http(&self) -> Vec<SocketAddr> {
        if self.http.is_empty() { vec![any_address(HTTP_PORT)] } else { self.http.clone() }
    }

    /// Addresses to serve HTTP over TLS on; none where plain HTTP alone was asked for.
    #[must_use]
    pub fn https(&self) -> Vec<SocketAddr> {
        let by_default = self.https.is_empty() && self.http.is_empty();
        if by_default { vec![any_address(HTTPS_PORT)] } else { self.https.clone() }
    }

    /// Address to serve probes, metrics and status on.
    #[must_use]
    pub fn admin(&self) -> SocketAddr {
        self.admin.unwrap_or_else(|| any_address(ADMIN_PORT))
    }

    /// Where the admin pages can be reached, as far as that is known; `bound` is what they were bound to.
    #[must_use]
    pub fn own_admin(&self, bound: SocketAddr) -> Vec<SocketAddr> {
        let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        let everywhere = bound.ip().is_unspecified();
        let more = self.pod_ips.iter().copied().chain(loopback.into_iter().filter(|_| everywhere));
        more.chain([bound.ip().to_canonical()]).map(|ip| SocketAddr::new(ip, bound.port())).collect()
    }

    /// How many data threads to run.
    #[must_use]
    pub fn threads(&self) -> usize {
        let available = || std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        self.threads.unwrap_or_else(available).get()
    }
}

/// Addresses separated by commas, as Kubernetes tells a pod its own.
fn addresses(text: &str) -> Result<std::sync::Arc<[IpAddr]>, std::net::AddrParseError> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| part.parse::<IpAddr>().map(|ip| ip.to_canonical())).collect()
}

/// Every address of the host: one dual-stack socket, or IPv4 alone where the kernel has no IPv6.
fn any_address(port: u16) -> SocketAddr {
    let has_ipv6 = TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0)).is_ok();
    let address = if has_ipv6 { IpAddr::V6(Ipv6Addr::UNSPECIFIED) } else { IpAddr::V4(Ipv4Addr::UNSPECIFIED) };
    SocketAddr::new(address, port)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        run: RunArgs,
    }

    #[test]
    fn a_lane_source_is_a_config_map_or_a_file() {
        let config_map = LaneSource::ConfigMap { namespace: "ops".into(), name: "edge-north-south".into() };
        let cases = [
            ("configmap:ops/edge-north-south", Some(config_map)),
            ("file:/etc/lane.json", Some(LaneSource::File("/etc/lane.json".into()))),
            ("file:C:\\lane.json", Some(LaneSource::File("C:\\lane.json".into()))),
            ("configmap:edge", None),
            ("configmap:/edge", None),
            ("configmap:ops/", None),
            ("configmap:a/b/c", None),
            ("file:", None),
            ("/etc/lane.json", None),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<LaneSource>().ok(), expected, "{text}");
        }
    }

    #[test]
    fn directories_and_an_api_server_do_not_mix() {
        let parse = |sources: &[&str]| {
            let mut words = vec!["gateway", "--lane", "file:lane.json"];
            sources.iter().for_each(|source| words.extend(["--source", source]));
            Command::try_parse_from(words).map(|command| command.run.objects())
        };
        assert_eq!(parse(&["kubernetes"]).unwrap(), Ok(Objects::Kubernetes));
        assert_eq!(parse(&["dir:a", "dir:b"]).unwrap(), Ok(Objects::Directories(vec!["a".into(), "b".into()])));
        assert_eq!(parse(&["dir:a", "kubernetes"]).unwrap(), Err(ArgumentError::MixedSources));
        assert!(parse(&[]).is_err(), "a gateway without a source has nothing to serve");
    }

    #[test]
    fn a_zone_that_the_pod_is_not_labelled_with_is_unknown() {
        for (words, zone) in [(&["--zone", "eu-1a"][..], Some("eu-1a")), (&["--zone", ""], None), (&[], None)] {
            let all = ["gateway", "--lane", "file:lane.json", "--source", "kubernetes"].iter().chain(words);
            assert_eq!(Command::try_parse_from(all).unwrap().run.zone().as_deref(), zone, "{words:?}");
        }
    }

    #[test]
    fn admin_pages_are_known_by_every_address_of_their_own() {
        let own = |pod_ips: &str, bound: &str| -> Vec<String> {
            let words = ["gateway", "--lane", "file:lane.json", "--source", "kubernetes", "--pod-ips", pod_ips];
            let run = Command::try_parse_from(words).unwrap().run;
            run.own_admin(bound.parse().unwrap()).iter().map(ToString::to_string).collect()
        };
        assert_eq!(
            own("10.1.0.9,2001:db8::9", "[::]:9090"),
            ["10.1.0.9:9090", "[2001:db8::9]:9090", "127.0.0.1:9090", "[::1]:9090", "[::]:9090"]
        );
        assert_eq!(own("", "127.0.0.1:9190"), ["127.0.0.1:9190"]);
        let words = ["gateway", "--lane", "file:lane.json", "--source", "kubernetes", "--pod-ips", "10.1.0.9,me"];
        assert!(Command::try_parse_from(words).is_err(), "a mistake must not make a pod unknown to itself");
    }

    #[test]
    fn addresses_default_to_every_address_of_the_host() {
        let words = ["gateway", "--lane", "file:lane.json", "--source", "kubernetes"];
        let run = Command::try_parse_from(words).unwrap().run;
        assert_eq!(run.http().iter().map(SocketAddr::port).collect::<Vec<_>>(), [HTTP_PORT]);
        assert_eq!(run.https().iter().map(SocketAddr::port).collect::<Vec<_>>(), [HTTPS_PORT]);
        assert!(run.http().iter().chain(&run.https()).all(|address| address.ip().is_unspecified()));
        assert_eq!(run.admin().port(), ADMIN_PORT);
        let plain = Command::try_parse_from(words.into_iter().chain(["--http", "127.0.0.1:80"])).unwrap().run;
        assert_eq!((plain.http().len(), plain.https().len()), (1, 0));
        assert!(run.threads() >= 1);
        assert_eq!(run.pod_ips.len(), 0);
    }
}
