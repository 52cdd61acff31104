//! Where cases are played: a gateway with all Ingresses of one profile, and two backends that remember what they saw.

use std::collections::BTreeMap;
use std::process::Stdio;

use bulkhead_crds::lane::{LanePorts, Profile};
use bulkhead_tests::exchange::{Answer, Connection};
use bulkhead_tests::wait::wait_for;
use tokio::process::Command;

use super::case::{Case, Exchange, Saw};
use crate::support::PATIENCE;
use crate::support::backend::{Backend, Reply, Saw as Sight};
use crate::support::lane::{Lane, gateway};
use crate::support::manifest::{CLASS, document, file, served};
use crate::support::message::Request;

/// Fields that a response has once, or not at all.
const SINGLE: [&str; 6] =
    ["Content-Length", "Content-Type", "Date", "Location", "Strict-Transport-Security", "Transfer-Encoding"];

/// A gateway of one profile with all of its cases.
pub(super) struct Scene {
    pub(super) lane: Lane,
    main: Backend,
    other: Backend,
}

impl Scene {
    pub(super) async fn start(profile: Profile) -> Self {
        let mut settings = document();
        settings.profile = profile;
        // Cases play clients that speak for others: the gateway believes loopback.
        settings.client_address.trusted_cidrs = vec!["127.0.0.0/8".to_owned()];
        settings.service_ports = Some(LanePorts { http: 80, https: 443 });
        let mut command = gateway();
        command.env("BULKHEAD_HTTPS", "127.0.0.1:0");
        let lane = Lane::start_as(&settings, command).await;
        Self { lane, main: Backend::start(script("main")).await, other: Backend::start(script("other")).await }
    }

    fn fill(&self, text: &str, host: &str) -> String {
        text.replace("{host}", host)
            .replace("{case}", host.trim_end_matches(".test"))
            .replace("{class}", CLASS)
            .replace("{main}", &self.main.port().to_string())
            .replace("{other}", &self.other.port().to_string())
    }

    pub(super) fn manifest(&self, number: usize, case: &Case) -> String {
        let host = host(number);
        let service = |name: &str| format!("case-{number}-{name}");
        let ingress = |name: &str, annotations: &[(&str, &str)], to: &str| {
            let annotations: BTreeMap<String, String> = annotations
                .iter()
                .map(|(name, value)| (format!("nginx.ingress.kubernetes.io/{name}"), self.fill(value, &host)))
                .collect();
            let path = |(path, kind): &(&str, &str)| serde_json::json!({"path": path, "pathType": kind, "backend": {"service": {"name": to, "port": {"number": 80}}}});
            let paths: Vec<_> = case.paths.iter().map(path).collect();
            let tls: Vec<_> = case.tls.then(|| serde_json::json!({"hosts": [host]})).into_iter().collect();
            let ingress = serde_json::json!({
                "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
                "metadata": {"name": name, "namespace": "shop", "annotations": annotations},
                "spec": {"ingressClassName": CLASS, "rules": [{"host": host, "http": {"paths": paths}}], "tls": tls},
            });
            format!("{ingress}\n")
        };
        let name = format!("case-{number}");
        let canary = match case.canary {
            [] => String::new(),
            annotations => ingress(&format!("{name}-canary"), annotations, &service("other")),
        };
        let more = self.fill(case.more, &host);
        let ours = [
            ingress(&name, case.annotations, &service(case.backend)),
            canary,
            served(&service("main"), self.main.port()),
            served(&service("other"), self.other.port()),
            more,
        ];
        file(&ours)
    }

    /// Everything about the case that is not as it says.
    pub(super) async fn play(&self, number: usize, case: &Case) -> Vec<String> {
        let host = host(number);
        let mut wrong = Vec::new();
        let mut session = String::new();
        for (nth, exchange) in case.exchanges.iter().enumerate() {
            let request = self.request(exchange, &host).replace("{session}", &session);
            let answer =
                if exchange.secure { self.send_secure(&request).await } else { self.lane.send(&request).await };
            let (main, other) = (self.main.saw().await, self.other.saw().await);
            let mut head = head(&answer);
            if let Some(begun) = answer.header("Set-Cookie").and_then(session_of) {
                session = begun.to_owned();
                head = head.replace(begun, "{session}");
            }
            for line in exchange.gets {
                let line = self.fill(line, &host);
                let is_there = if line.len() == 3 { answer.status.to_string() == line } else { has_line(&head, &line) };
                if !is_there {
                    wrong.push(format!("{nth}: no {line:?} in\n{head}"));
                }
            }
            for name in SINGLE {
                let count = answer.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name)).count();
                if count > 1 {
                    wrong.push(format!("{nth}: {name} {count} times in\n{head}"));
                }
            }
            let there = exchange.lacks.iter().filter(|name| answer.header(name).is_some());
            wrong.extend(there.map(|name| format!("{nth}: {name} in\n{head}")));
            let other = match exchange.saw {
                Saw::Copied(..) => self.copied(other).await,
                _ => other,
            };
            if let Saw::Both(_, lines) | Saw::Copied(_, lines) = exchange.saw {
                let seen = other.requests.last().map(|request| String::from_utf8_lossy(&request.head).into_owned());
                let seen = seen.unwrap_or_default();
                let missing = lines.iter().map(|line| self.fill(line, &host)).filter(|line| !has_line(&seen, line));
                wrong.extend(missing.map(|line| format!("{nth}: the Service other saw no {line:?} in\n{seen}")));
            }
            let (asked, lines) = match exchange.saw {
                Saw::Nothing => {
                    if !main.requests.is_empty() || !other.requests.is_empty() {
                        wrong.push(format!("{nth}: a backend saw {main:?} {other:?}"));
                    }
                    continue;
                }
                Saw::Main(lines) | Saw::Both(lines, _) | Saw::Copied(lines, _) => (main, lines),
                Saw::Other(lines) => (other, lines),
                Saw::OnlyOther(lines) => {
                    if !main.requests.is_empty() {
                        wrong.push(format!("{nth}: the Service main saw {main:?}"));
                    }
                    (other, lines)
                }
            };
            let Some(request) = asked.requests.last() else {
                wrong.push(format!("{nth}: the backend saw nothing; the client got\n{head}"));
                continue;
            };
            let seen = String::from_utf8_lossy(&request.head).into_owned();
            for line in lines {
                let line = self.fill(line, &host);
                if !has_line(&seen, &line) {
                    wrong.push(format!("{nth}: the backend saw no {line:?} in\n{seen}"));
                }
            }
            let begins = |line: &str, name: &str| {
                line.to_ascii_lowercase().starts_with(&format!("{}:", name.to_ascii_lowercase()))
            };
            let there = exchange.unseen.iter().filter(|name| seen.lines().any(|line| begins(line, name)));
            wrong.extend(there.map(|name| format!("{nth}: the backend saw {name} in\n{seen}")));
        }
        wrong
    }

    /// What `other` saw, or sees within a while.
    async fn copied(&self, seen: Sight) -> Sight {
        if !seen.requests.is_empty() {
            return seen;
        }
        wait_for("a copy of the request", PATIENCE, async || {
            let seen = self.other.saw().await;
            anyhow::ensure!(!seen.requests.is_empty(), "nobody saw a copy");
            Ok(seen)
        })
        .await
        .unwrap()
    }

    /// Sends one request under TLS, by OpenSSL.
    async fn send_secure(&self, request: &str) -> Answer {
        let mut command = Command::new("openssl");
        command.args(["s_client", "-quiet", "-servername", "any.test", "-connect"]).arg(self.lane.https().to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut client = command.spawn().expect("running openssl, which tests/run installs");
        let both = tokio::io::join(client.stdout.take().unwrap(), client.stdin.take().unwrap());
        let mut connection = Connection::over(both);
        connection.write(request).await.unwrap();
        connection.answer().await.unwrap()
    }

    fn request(&self, exchange: &Exchange, host: &str) -> String {
        let (line, fields) = exchange.sends.split_first().unwrap();
        let mut request = format!("{} HTTP/1.1\r\n", self.fill(line, host));
        if !fields.iter().any(|field| field.starts_with("Host:")) {
            request += &format!("Host: {host}\r\n");
        }
        for field in fields {
            request += &format!("{}\r\n", self.fill(field, host));
        }
        if !exchange.content.is_empty() {
            request += &format!("Content-Length: {}\r\n", exchange.content.len());
        }
        format!("{request}\r\n{}", exchange.content)
    }
}

/// What a session cookie says: sixteen hexadecimal digits.
fn session_of(cookie: &str) -> Option<&str> {
    let value = cookie.split(';').next()?.split_once('=')?.1;
    Some(value).filter(|value| value.len() == 16 && value.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// The status, and the fields, one a line.
fn head(answer: &Answer) -> String {
    let fields = answer.headers.iter().map(|(name, value)| format!("{name}: {value}\n"));
    std::iter::once(format!("{}\n", answer.status)).chain(fields).collect()
}

/// A whole line, or the beginning of one where `line` ends in a space.
fn has_line(head: &str, line: &str) -> bool {
    head.lines().any(|one| one == line || (line.ends_with(' ') && one.starts_with(line)))
}

pub(super) fn host(number: usize) -> String {
    format!("case-{number}.test")
}

/// A backend whose answers its name is in, and which answers `/status/N` by that status and `/field` by fields of interest.
fn script(name: &'static str) -> impl Fn(&Request) -> Reply {
    move |request| {
        let line = request.line();
        let status = line.split("/status/").nth(1).and_then(|rest| rest.get(..3)?.parse::<u16>().ok()).unwrap_or(200);
        if line.contains("/silence") {
            return Reply::keep("");
        }
        // `/say?Name=value&Name=value` is answered with these fields.
        let says = line.split("/say?").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or_default();
        let pairs = says.split('&').filter_map(|pair| pair.split_once('='));
        let said: String = pairs.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let content = if line.starts_with("HEAD ") { "" } else { name };
        let strict = if line.contains("/strict") { "Strict-Transport-Security: max-age=1\r\n" } else { "" };
        Reply::keep(format!(
            "HTTP/1.1 {status} x\r\n{strict}X-Backend: {name}\r\n{said}Content-Length: {}\r\n\r\n{content}",
            name.len().min(content.len())
        ))
    }
}
