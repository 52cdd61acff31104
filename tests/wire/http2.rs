//! The table of HTTP/2 requests that smuggle, confuse or merely surprise: what a client sends, what it gets, what the backend saw.
//!
//! What holds for every case holds for those of HTTP/1.1 as well: a backend sees exactly one well-formed request per request of a client, or none. A
//! request that is malformed ends its stream and nobody else's, unless the bytes of all streams are in doubt.

mod alpn;
mod attacks;
mod budgets;
mod content;
mod heads;
mod leaving;
mod limits;
mod slow;
mod store;
mod streams;

use bulkhead_crds::lane::LaneDocument;
use bulkhead_tests::http2::{Client, Outcome, frame};
use tokio::net::TcpStream;

use crate::support::backend::{Backend, Saw};
use crate::support::lane::Lane;
use crate::support::manifest::{all_of, file, ingress, served};
use crate::support::message::{self, Begin, Request};
use crate::support::pieces::{Cut, Random};
use crate::support::site::Site;

/// The host of the tests that have a gateway of their own.
const HOST: &str = "two.test";

/// A gateway of one's own, whose every path of [`HOST`] leads to this port.
async fn lane_before(document: &LaneDocument, port: u16) -> Lane {
    let lane = Lane::start(document).await;
    lane.put("web.yaml", &file(&[ingress("web", &[all_of(HOST, "web")]), served("web", port)]));
    lane.wait("an endpoint", |report| report.routes == 1 && report.endpoints == 1).await;
    lane
}

type Fields = Vec<(String, String)>;

/// One row of the table. Every `a.test` in it stands for the host of the running test.
pub(crate) struct Case {
    /// What is special about the request.
    name: String,
    fields: Fields,
    /// Each is a DATA frame.
    content: Vec<&'static str>,
    /// A trailer section.
    trailers: Option<Fields>,
    gets: Gets,
}

/// What comes of it.
enum Gets {
    /// The backend sees exactly this, besides the forwarded fields, and the client its answer.
    Forwarded(String),
    /// The gateway answers itself with this status; the backend sees nothing.
    Answered(u16),
    /// The stream is reset with this code; the backend sees no whole request. The connection goes on.
    Reset(u32),
    /// The connection ends with this code; the backend sees nothing.
    Ended(u32),
}

/// A GET of `/` of the host.
const GET: [(&str, &str); 4] = [(":method", "GET"), (":scheme", "http"), (":authority", "a.test"), (":path", "/")];
/// A POST to `/` of the host.
const POST: [(&str, &str); 4] = [(":method", "POST"), (":scheme", "http"), (":authority", "a.test"), (":path", "/")];

fn owned(fields: &[(&str, &str)]) -> Fields {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn case(name: impl Into<String>, fields: &[(&str, &str)], gets: Gets) -> Case {
    Case { name: name.into(), fields: owned(fields), content: Vec::new(), trailers: None, gets }
}

/// A GET with further fields.
fn get(name: impl Into<String>, more: &[(&str, &str)], gets: Gets) -> Case {
    case(name, &[&GET, more].concat(), gets)
}

/// A POST with further fields and content.
fn post(name: impl Into<String>, more: &[(&str, &str)], content: &[&'static str], gets: Gets) -> Case {
    Case { content: content.to_vec(), ..case(name, &[&POST, more].concat(), gets) }
}

/// A request without one field, or with another value for it.
fn with(
    fields: &[(&'static str, &'static str)],
    name: &str,
    value: Option<&'static str>,
) -> Vec<(&'static str, &'static str)> {
    fields
        .iter()
        .filter_map(|(known, old)| if *known == name { Some((*known, value?)) } else { Some((*known, *old)) })
        .collect()
}

/// The backend sees a GET of `/` with these lines.
fn seen_get(lines: &str) -> Gets {
    Gets::Forwarded(format!("GET / HTTP/1.1\r\nHost: a.test\r\n{lines}\r\n"))
}

fn table() -> Vec<Case> {
    [heads::cases(), content::cases()].into_iter().flatten().collect()
}

#[tokio::test]
async fn every_request_in_one_piece() {
    run("whole.two.a.test", Cut::Whole).await;
}

#[tokio::test]
async fn every_request_byte_by_byte() {
    run("bytes.two.a.test", Cut::Bytes).await;
}

#[tokio::test]
async fn every_request_cut_at_random_points() {
    let seed = Random::seed();
    println!("BULKHEAD_SEED={}", seed.0);
    run("cut.two.a.test", Cut::Random(seed)).await;
}

async fn run(host: &'static str, mut arrival: Cut) {
    let site = Site::new(host, Backend::echo().await).await;
    let table = table();
    println!("cases: {} requests of HTTP/2 to {host}", table.len());
    let mut wrong = Vec::new();
    for case in &table {
        let exchange = Exchange { site: &site, case };
        if let Err(reason) = exchange.run(&mut arrival).await {
            // What is left of this case must not be taken for the next one's.
            site.backend.saw().await;
            wrong.push(format!("{}\n  sent {:?}\n  {reason}", case.name, case.fields));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), table.len(), wrong.join("\n"));
}

impl Case {
    /// The frames for this host on this stream.
    fn frames(&self, stream: u32, host: &str) -> Vec<u8> {
        let encoded = |fields: &Fields, ends: bool| {
            let fields: Vec<(&str, String)> =
                fields.iter().map(|(name, value)| (&name[..], for_host(value, host))).collect();
            let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, &value[..])).collect();
            frame::headers(stream, ends, &fields)
        };
        let (content, trailers) = (&self.content, &self.trailers);
        let mut frames = encoded(&self.fields, content.is_empty() && trailers.is_none());
        for (at, piece) in content.iter().enumerate() {
            frames.extend(frame::data(stream, at + 1 == content.len() && trailers.is_none(), piece));
        }
        frames.extend(trailers.iter().flat_map(|trailers| encoded(trailers, true)));
        frames
    }
}

fn for_host(text: &str, host: &str) -> String {
    text.replace("a.test", host).replace("A.TEST", &host.to_uppercase())
}

struct Exchange<'e> {
    site: &'e Site,
    case: &'e Case,
}

impl Exchange<'_> {
    async fn run(&self, arrival: &mut Cut) -> Result<(), String> {
        let (site, host) = (self.site, self.site.host);
        let mut client = Client::open(site.lane.http).await.map_err(text)?;
        let stream = client.next_stream();
        self.send(&mut client, arrival, &self.case.frames(stream, host)).await;
        let outcome = client.outcome(stream).await.map_err(text)?;
        let mut expected = Vec::new();
        match (&self.case.gets, outcome) {
            (Gets::Forwarded(seen), Outcome::Answered(response)) => {
                let request = whole(for_host(seen, host).as_bytes())?;
                let content = if request.line().starts_with("HEAD ") { String::new() } else { request.line() };
                same("answer", (response.answer.status, response.answer.text()), (200, content))?;
                expected.push(request);
            }
            (Gets::Answered(status), Outcome::Answered(response)) => same("status", response.answer.status, *status)?,
            (Gets::Reset(code), Outcome::Reset(seen)) => same("code", seen, *code)?,
            (Gets::Ended(code), Outcome::Ended(end)) => same("code", end.goaway.map(|(_, code)| code), Some(*code))?,
            (_, other) => return Err(format!("got {other:?}")),
        }
        if !matches!(self.case.gets, Gets::Ended(_)) {
            expected.push(self.after(&mut client).await?);
        }
        drop(client);
        expected.push(self.canary().await?);
        self.compare(&site.backend.saw().await, &expected)
    }

    async fn send(&self, client: &mut Client<TcpStream>, arrival: &mut Cut, bytes: &[u8]) {
        let lengths = arrival.lengths(bytes.len());
        arrival.send_on(client.stream(), bytes, &lengths).await;
    }

    /// The connection still serves.
    async fn after(&self, client: &mut Client<TcpStream>) -> Result<Request, String> {
        let host = self.site.host;
        match client.get(host, "/after").await.map_err(text)? {
            Outcome::Answered(response) => {
                same(
                    "answer to the next request",
                    (response.answer.status, response.answer.text()),
                    (200, "GET /after".to_owned()),
                )?;
            }
            other => return Err(format!("the next request got {other:?}")),
        }
        whole(format!("GET /after HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes())
    }

    /// Another client, whose answer must be its own: no connection to the backend is poisoned.
    async fn canary(&self) -> Result<Request, String> {
        let answer = self.site.lane.get(self.site.host, "/canary").await;
        same("answer to another client", (answer.status, answer.text()), (200, "GET /canary".to_owned()))?;
        whole(format!("GET /canary HTTP/1.1\r\nHost: {}\r\n\r\n", self.site.host).as_bytes())
    }

    fn compare(&self, saw: &Saw, expected: &[Request]) -> Result<(), String> {
        same("malformed", &saw.malformed[..], &[])?;
        let port = self.site.lane.http.port();
        let strip = |request: &Request| {
            // The other client speaks HTTP/1.1.
            let version = if request.head.starts_with(b"GET /canary ") { "1.1" } else { "2.0" };
            message::strip(request, port, version)
        };
        let requests: Vec<Request> = saw.requests.iter().map(strip).collect::<Result<_, _>>()?;
        same("the backend's bytes", &requests[..], expected)?;
        match (&self.case.gets, &saw.broken[..]) {
            (_, []) => Ok(()),
            // The backend may have begun to see a request whose content turned out to be malformed.
            (Gets::Reset(_), [one])
                if !self.case.content.is_empty() && !matches!(message::begin(one)?, Begin::Whole(_)) =>
            {
                Ok(())
            }
            (_, broken) => Err(format!(
                "the backend saw {:?}",
                broken.iter().map(|part| part.escape_ascii().to_string()).collect::<Vec<_>>()
            )),
        }
    }
}

fn whole(bytes: &[u8]) -> Result<Request, String> {
    match message::begin(bytes)? {
        Begin::Whole(request) if request.raw == bytes => Ok(request),
        other => Err(format!("the table expects what is no request: {other:?}")),
    }
}

fn text(error: anyhow::Error) -> String {
    format!("{error:#}")
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, seen: T, expected: T) -> Result<(), String> {
    if seen == expected { Ok(()) } else { Err(format!("{what}: {seen:?}\n  expected {expected:?}")) }
}
