//! A compiler with a lane, and short ways to feed it and to look at it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use bulkhead_crds::finding::Finding;
use bulkhead_crds::lane::{LaneDocument, LaneIdentity};
use bulkhead_crds::lane_spec::LaneSpec;
use bulkhead_crds::names::LaneName;
use bulkhead_model::canary::Canary;
use bulkhead_model::{Action, Filters, HostPattern, Snapshot};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use serde::de::DeserializeOwned;

use crate::{Changes, Compiler, Key, Kind, Object, Options};

/// The IngressClass `quay`, which is the own class of [`lane`].
pub(super) const OWN_CLASS: &str = r"
kind: IngressClass
apiVersion: networking.k8s.io/v1
metadata:
  name: quay
  labels: {bulkhead.io/instance-uid: 7f6c, bulkhead.io/lane: north-south}
spec:
  controller: bulkhead.io/gateway
  parameters: {apiGroup: bulkhead.io, kind: GatewayInstance, name: delta, namespace: rivers, scope: Namespace}
";

/// The north-south lane of GatewayInstance rivers/delta: serves its class `quay` and, by name, `legacy`.
pub(super) fn lane() -> LaneDocument {
    let identity = LaneIdentity {
        namespace: "rivers".to_owned(),
        instance: "delta".to_owned(),
        uid: "7f6c".to_owned(),
        lane: LaneName::NorthSouth,
    };
    let mut lane = LaneDocument::of(identity, "quay", &LaneSpec::default());
    lane.config_generation = 1;
    lane.classes.also_serve = ["legacy".to_owned()].into();
    lane
}

/// Objects of a manifest with one or more documents.
pub(super) fn objects(manifest: &str) -> Vec<Object> {
    fn read<T: DeserializeOwned>(document: &str) -> T {
        serde_saphyr::from_str(document).unwrap_or_else(|error| panic!("{error}\n{document}"))
    }
    let documents = manifest.split("\n---").filter(|document| !document.trim().is_empty());
    documents
        .map(|document| match document.lines().find_map(|line| line.strip_prefix("kind: ")).unwrap() {
            "Ingress" => Object::Ingress(read(document)),
            "IngressClass" => Object::IngressClass(read(document)),
            "Service" => Object::Service(read(document)),
            "EndpointSlice" => Object::EndpointSlice(read(document)),
            "Secret" => read::<Secret>(document).into(),
            "ConfigMap" => read::<ConfigMap>(document).into(),
            other => panic!("{other}"),
        })
        .collect()
}

/// An Ingress of class `quay`. `day` of January 2025 is when it was made; 0 leaves the age out.
pub(super) fn ingress(name: &str, day: u8, spec: &str) -> String {
    let (namespace, name) = name.split_once('/').unwrap();
    let born = if day == 0 { String::new() } else { format!(", creationTimestamp: 2025-01-{day:02}T00:00:00Z") };
    let spec = spec.trim_matches('\n').replace('\n', "\n  ");
    format!(
        "kind: Ingress\napiVersion: networking.k8s.io/v1\nmetadata: {{namespace: {namespace}, name: {name}{born}}}\nspec:\n  ingressClassName: quay\n  {spec}\n---\n"
    )
}

/// A rule list for [`ingress`]: lines of host (`*` for every host), path, path type, and `service:port`.
pub(super) fn rules(lines: &[&str]) -> String {
    let rule = |line: &&str| {
        let [host, path, kind, backend] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let host = if host == "*" { String::new() } else { format!("host: \"{host}\", ") };
        let (service, port) = backend.split_once(':').unwrap();
        let port = if port.parse::<u16>().is_ok() { format!("number: {port}") } else { format!("name: {port}") };
        format!(
            "\n- {{{host}http: {{paths: [{{path: \"{path}\", pathType: {kind}, backend: {{service: {{name: {service}, port: {{{port}}}}}}}}}]}}}}"
        )
    };
    format!("rules:{}", lines.iter().map(rule).collect::<String>())
}

/// A Service with port 80, named `web`.
pub(super) fn service(name: &str) -> String {
    let (namespace, name) = name.split_once('/').unwrap();
    format!(
        "kind: Service\napiVersion: v1\nmetadata: {{namespace: {namespace}, name: {name}}}\nspec: {{ports: [{{name: web, port: 80, targetPort: 8080}}]}}\n---\n"
    )
}

/// A slice of a Service, with its port `web` at 8080. An address that ends in `!` is leaving, in `?` not ready, in `~`
/// not ready although it serves.
pub(super) fn slice(name: &str, service: &str, addresses: &[&str]) -> String {
    let (namespace, name) = name.split_once('/').unwrap();
    let endpoint = |written: &&str| {
        let address = written.trim_end_matches(['!', '?', '~']);
        let conditions = match written.strip_prefix(address) {
            Some("!") => "{ready: false, serving: true, terminating: true}",
            Some("~") => "{ready: false, serving: true, terminating: false}",
            Some("?") => "{ready: false, serving: false, terminating: false}",
            _ => "{ready: true}",
        };
        format!("\n- {{addresses: [\"{address}\"], conditions: {conditions}}}")
    };
    let endpoints: String = addresses.iter().map(endpoint).collect();
    let endpoints = if endpoints.is_empty() { " []".to_owned() } else { endpoints };
    format!(
        "kind: EndpointSlice\napiVersion: discovery.k8s.io/v1\nmetadata: {{namespace: {namespace}, name: {name}, labels: {{kubernetes.io/service-name: {service}}}}}\naddressType: IPv4\nports: [{{name: web, port: 8080}}]\nendpoints:{endpoints}\n---\n"
    )
}

/// A certificate and its key in PEM form, for `hosts`.
pub(super) fn certificate(hosts: &[&str]) -> (String, String) {
    let names: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

/// A Secret with these two texts in it.
pub(super) fn secret(name: &str, (chain, key): (&str, &str)) -> String {
    let (namespace, name) = name.split_once('/').unwrap();
    let quote = |text: &str| text.replace('\n', "\\n");
    format!(
        "kind: Secret\napiVersion: v1\nmetadata: {{namespace: {namespace}, name: {name}}}\nstringData: {{tls.crt: \"{}\", tls.key: \"{}\"}}\n---\n",
        quote(chain),
        quote(key)
    )
}

/// A Secret or ConfigMap with these texts under `field`.
pub(super) fn data(kind: &str, field: &str, name: &str, entries: &[(&str, &str)]) -> String {
    let (namespace, name) = name.split_once('/').unwrap();
    let entry = |(key, text): &(&str, &str)| format!("{key:?}: {text:?}");
    let entries: Vec<_> = entries.iter().map(entry).collect();
    format!(
        "kind: {kind}\napiVersion: v1\nmetadata: {{namespace: {namespace}, name: {name}}}\n{field}: {{{}}}\n---\n",
        entries.join(", ")
    )
}

pub(super) struct World {
    /// Addresses of names, which are looked up as soon as they are asked for.
    pub(super) dns: BTreeMap<&'static str, Vec<IpAddr>>,
    pub(super) compiler: Compiler,
    pub(super) findings: Vec<Finding>,
    snapshot: Option<Arc<Snapshot>>,
}

impl World {
    /// A lane that owns its class, compiled once.
    pub(super) fn new(manifest: &str) -> Self {
        Self::of(lane(), manifest)
    }

    /// Nothing, not even a lane.
    pub(super) fn empty() -> Self {
        Self::somewhere(Options::default())
    }

    pub(super) fn somewhere(options: Options) -> Self {
        Self { dns: BTreeMap::new(), compiler: Compiler::new(options), findings: Vec::new(), snapshot: None }
    }

    /// What was last published.
    pub(super) fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.clone().unwrap()
    }

    /// As [`Self::new`], somewhere else.
    pub(super) fn with(options: Options, manifest: &str) -> Self {
        let mut world = Self::somewhere(options);
        world.compiler.set_lane(lane());
        world.apply(OWN_CLASS).apply(manifest).compile();
        world
    }

    pub(super) fn of(lane: LaneDocument, manifest: &str) -> Self {
        let mut world = Self::empty();
        world.compiler.set_lane(lane);
        world.apply(OWN_CLASS).apply(manifest).compile();
        world
    }

    pub(super) fn apply(&mut self, manifest: &str) -> &mut Self {
        for object in objects(manifest) {
            self.compiler.apply(object);
        }
        self
    }

    pub(super) fn delete(&mut self, kind: Kind, name: &str) -> &mut Self {
        let (namespace, name) = name.split_once('/').unwrap_or(("", name));
        self.compiler.delete(&Key { kind, namespace: namespace.to_owned(), name: name.to_owned() });
        self
    }

    /// Compiles, and publishes as a gateway does. Names that are asked for then are looked up, and what follows is published too.
    pub(super) fn compile(&mut self) -> Changes {
        let changes = self.publish();
        for name in self.compiler.names() {
            if let Some(addresses) = self.dns.get(&*name) {
                self.compiler.set_addresses(&name, addresses.iter().copied());
            }
        }
        if self.compiler.is_dirty() {
            self.publish();
        }
        changes
    }

    fn publish(&mut self) -> Changes {
        let changes = self.compiler.compile();
        for (backend, endpoints) in &changes.endpoints {
            backend.publish(endpoints.clone());
        }
        self.snapshot = changes.snapshot.clone().or_else(|| self.snapshot.take());
        if let Some(findings) = &changes.findings {
            self.findings = findings.to_vec();
        }
        changes
    }

    /// One line a route: host, path, type, backend, endpoints.
    pub(super) fn routes(&self) -> Vec<String> {
        let routes = self.compiler.routes().into_iter();
        routes
            .map(|r| {
                let state = if r.unavailable.is_empty() { r.endpoints.to_string() } else { "503".to_owned() };
                let backend = r.backend.split(": ").next().unwrap().to_owned();
                format!("{} {} {} {} {backend} {state}", r.host, r.path, r.path_type, r.ingress)
            })
            .collect()
    }

    /// One line a host with a certificate: host, Secret. The default certificate is that of `*`.
    pub(super) fn certificates(&self) -> Vec<String> {
        let snapshot = self.snapshot();
        let named = snapshot.tls.iter().map(|(host, certificate)| match host {
            HostPattern::Wildcard(domain) => format!("*.{domain} {}", certificate.origin),
            HostPattern::Exact(name) => format!("{name} {}", certificate.origin),
            HostPattern::Any => unreachable!("no certificate is for every host"),
        });
        named.chain(snapshot.tls.default.iter().map(|certificate| format!("* {}", certificate.origin))).collect()
    }

    /// Who takes a share of each route, by host and path, and how requests belong together there and at the route's own backend.
    pub(super) fn canaries(&self) -> Vec<String> {
        let snapshot = self.snapshot();
        let shown = snapshot.hosts.iter().filter_map(|route| {
            let canary = route.filters.as_ref()?.canary.as_ref()?;
            let Canary { backend, share, sticks, settings } = canary;
            let method = settings.as_ref().map(|settings| settings.upstream.method);
            let takes = format!("{} {} {share:?} {sticks} {method:?}", backend.name, backend.endpoints().list.len());
            Some(format!("{}{} {takes} {:?}", route.host, route.path, backend.affinity))
        });
        shown.collect()
    }

    /// Which requests belong together at the backend of each route, by host and path.
    pub(super) fn affinities(&self) -> Vec<String> {
        let snapshot = self.snapshot();
        let shown = snapshot.hosts.iter().filter_map(|route| match &route.action {
            Action::Forward(backends) => {
                Some(format!("{}{} {:?}", route.host, route.path, backends[0].backend.affinity))
            }
            Action::Deny(_) => None,
        });
        shown.collect()
    }

    /// How the backend of each route is spoken to, by host and path.
    pub(super) fn transports(&self) -> Vec<String> {
        let snapshot = self.snapshot();
        let shown = snapshot.hosts.iter().filter_map(|route| match &route.action {
            Action::Forward(backends) => {
                let backend = &backends[0].backend;
                Some(format!("{}{} {:?} {:?}", route.host, route.path, backend.protocol, backend.tls))
            }
            Action::Deny(_) => None,
        });
        shown.collect()
    }

    /// The filters of every route, in order.
    pub(super) fn all_filters(&self) -> Vec<Option<Arc<Filters>>> {
        self.snapshot().hosts.iter().map(|route| route.filters.clone()).collect()
    }

    /// Where requests are sent instead, by host and path, and which hosts are meant for TLS.
    pub(super) fn redirects(&self) -> Vec<String> {
        let snapshot = self.snapshot();
        let hosts = snapshot.hosts.hosts().into_iter();
        let of_host = |(host, table): (HostPattern, &Arc<bulkhead_model::PathTable>)| {
            let meant = format!("{host:?} {}", snapshot.tls.means(&host));
            let routes = table.routes().into_iter().map(|route| {
                format!("{}{} {:?}", route.host, route.path, route.filters.as_ref().map(|filters| &filters.redirects))
            });
            std::iter::once(meant).chain(routes).collect::<Vec<_>>()
        };
        hosts.flat_map(of_host).collect()
    }

    /// What the routes do besides, by host and path.
    pub(super) fn filters(&self) -> Vec<String> {
        let snapshot = self.snapshot();
        let shown = snapshot.hosts.iter().filter_map(|route| {
            let filters = route.filters.as_ref()?;
            let (access, fields) = (&filters.access, &filters.response_fields);
            let asked = filters.authentication.as_ref().map(|asked| (asked.satisfy, &asked.allow, &asked.basic));
            // A backend by its name: its number is another one in every compiler.
            let external = filters.authentication.as_ref().and_then(|asked| asked.external.as_ref());
            let external =
                external.map(|external| (&external.service.backend.name, &external.service.target, &external.told));
            Some(format!("{}{} {access:?} {asked:?} {external:?} {fields:?}", route.host, route.path))
        });
        shown.collect()
    }

    /// What is done on each route besides, and which endpoints it leads to, by host and path.
    pub(super) fn rewrites(&self) -> Vec<String> {
        let snapshot = self.snapshot();
        let addresses = |action: &Action| match action {
            Action::Forward(backends) => {
                let endpoints = backends[0].backend.endpoints();
                endpoints.list.iter().map(|endpoint| endpoint.address.to_string()).collect::<Vec<_>>()
            }
            Action::Deny(denial) => vec![format!("{denial:?}")],
        };
        let shown = snapshot.hosts.iter().map(|route| {
            let expression = route.expression.as_ref().map(|expression| expression.written().to_owned());
            let filters = route.filters.as_ref().map(|filters| (&filters.rewrite, &filters.vhost));
            format!("{}{} {expression:?} {filters:?} {:?}", route.host, route.path, addresses(&route.action))
        });
        shown.collect()
    }

    /// What of each route is answered by pages: host, path, statuses, whose pages, and endpoints of them.
    pub(super) fn pages(&self) -> Vec<String> {
        let snapshot = self.snapshot();
        let shown = snapshot.hosts.iter().filter_map(|route| {
            let pages = route.filters.as_ref()?.pages.as_ref()?;
            let endpoints = pages.backend.endpoints().list.len();
            Some(format!("{}{} {:?} {} {endpoints}", route.host, route.path, pages.statuses, pages.backend.name))
        });
        shown.collect()
    }

    /// One line a finding: code, object, field.
    pub(super) fn codes(&self) -> Vec<String> {
        self.findings.iter().map(|f| format!("{} {} {}", f.code, f.object, f.field).trim_end().to_owned()).collect()
    }
}
