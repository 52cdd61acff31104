//! The table of request messages that smuggle, confuse or merely surprise: what a client sends, what it gets, what the backend saw.
//!
//! What holds for every case: a backend never sees more than one well-formed request per request of a client, never a byte of a refused
//! head, and never the end of a request whose content was refused; each answer reaches the one who asked. Each case is sent in one piece,
//! byte by byte, and cut at random points (`BULKHEAD_SEED` repeats a run), with the same outcome.

mod chunks;
mod conversations;
mod fields;
mod framing;
mod lines;
mod targets;
mod upgrades;

use std::borrow::Cow;

use bulkhead_tests::exchange::{Answer, Connection};
use tokio::net::TcpStream;

use crate::support::backend::{Backend, Saw};
use crate::support::lane::forget;
use crate::support::message::{self, Begin, Request};
use crate::support::pieces::{Cut, Random};
use crate::support::site::Site;

/// What the gateway surely takes in one read, if it came in one piece.
const ONE_READ: usize = 4 << 10;

type Bytes = Cow<'static, [u8]>;

/// One row of the table. Every `a.test` in it stands for the host of the running test.
pub(crate) struct Case {
    /// What is special about the message.
    name: &'static str,
    sends: Bytes,
    gets: Gets,
}

/// What comes of it.
enum Gets {
    /// This status and the end of the connection; the backend sees nothing.
    Refused(u16),
    /// The same, found in the content: the backend may have begun to see this request, and never sees its end.
    Cut(u16, Bytes),
    /// The backend sees exactly these requests, besides the forwarded fields, and the client their answers in order.
    Forwarded(Vec<Bytes>),
    /// The backend sees exactly this request, after which the client had no business to send more: its connection ends, perhaps by a reset.
    Last(Bytes),
    /// The gateway answers itself, and the connection goes on.
    Answered(u16),
}

fn refused(name: &'static str, sends: impl Into<Bytes>, status: u16) -> Case {
    Case { name, sends: sends.into(), gets: Gets::Refused(status) }
}

fn cut(name: &'static str, sends: impl Into<Bytes>, status: u16, begun: impl Into<Bytes>) -> Case {
    Case { name, sends: sends.into(), gets: Gets::Cut(status, begun.into()) }
}

fn forwarded(name: &'static str, sends: impl Into<Bytes>, seen: impl Into<Bytes>) -> Case {
    Case { name, sends: sends.into(), gets: Gets::Forwarded(vec![seen.into()]) }
}

fn in_order(name: &'static str, sends: impl Into<Bytes>, seen: Vec<Bytes>) -> Case {
    Case { name, sends: sends.into(), gets: Gets::Forwarded(seen) }
}

fn last(name: &'static str, sends: impl Into<Bytes>, seen: impl Into<Bytes>) -> Case {
    Case { name, sends: sends.into(), gets: Gets::Last(seen.into()) }
}

fn answered(name: &'static str, sends: impl Into<Bytes>, status: u16) -> Case {
    Case { name, sends: sends.into(), gets: Gets::Answered(status) }
}

fn bytes(literal: &'static [u8]) -> Bytes {
    Cow::Borrowed(literal)
}

fn table() -> Vec<Case> {
    [framing::cases(), chunks::cases(), lines::cases(), fields::cases(), targets::cases(), upgrades::cases()]
        .into_iter()
        .flatten()
        .collect()
}

#[tokio::test]
async fn every_request_in_one_piece() {
    run("whole.a.test", Cut::Whole, true).await;
}

#[tokio::test]
async fn every_request_byte_by_byte() {
    run("bytes.a.test", Cut::Bytes, false).await;
}

#[tokio::test]
async fn every_request_cut_at_random_points() {
    let seed = Random::seed();
    println!("BULKHEAD_SEED={}", seed.0);
    run("cut.a.test", Cut::Random(seed), false).await;
}

async fn run(host: &'static str, mut arrival: Cut, exact: bool) {
    let site = Site::new(host, Backend::echo().await).await;
    let table = table();
    println!("cases: {} requests of HTTP/1.1 to {host}", table.len());
    let mut wrong = Vec::new();
    for case in &table {
        let case = Exchange { site: &site, case, sends: case.sent_to(host) };
        let lengths = arrival.lengths(case.sends.len());
        let outcome = case.run(&arrival, &lengths, exact).await;
        if let Err(reason) = outcome {
            // What is left of this case must not be taken for the next one's.
            site.backend.saw().await;
            let pieces = if lengths.iter().all(|length| *length == 1) {
                "single bytes".to_owned()
            } else {
                format!("pieces of {lengths:?}")
            };
            wrong.push(format!("{}\n  sent {:?} in {pieces}\n  {reason}", case.case.name, short(&case.sends)));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), table.len(), wrong.join("\n"));
}

impl Case {
    /// The bytes for this host. What is refused has a request behind it that must never be taken for one.
    fn sent_to(&self, host: &str) -> Vec<u8> {
        let tail: &[u8] = match self.gets {
            Gets::Refused(_) | Gets::Cut(..) => b"GET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n",
            Gets::Forwarded(_) | Gets::Last(_) | Gets::Answered(_) => b"",
        };
        for_host(&[&self.sends, tail].concat(), host)
    }
}

/// `bytes` with this host in place of `a.test`, in capitals where that stands in capitals.
fn for_host(bytes: &[u8], host: &str) -> Vec<u8> {
    let replace = |bytes: &[u8], from: &str, to: &str| {
        let mut out = Vec::with_capacity(bytes.len());
        let mut rest = bytes;
        while let Some(at) = message::find(rest, from.as_bytes()) {
            out.extend_from_slice(&rest[..at]);
            out.extend_from_slice(to.as_bytes());
            rest = &rest[at + from.len()..];
        }
        out.extend_from_slice(rest);
        out
    };
    replace(&replace(bytes, "a.test", host), "A.TEST", &host.to_uppercase())
}

struct Exchange<'e> {
    site: &'e Site,
    case: &'e Case,
    sends: Vec<u8>,
}

impl Exchange<'_> {
    async fn run(&self, arrival: &Cut, lengths: &[usize], exact: bool) -> Result<(), String> {
        let mut client = self.site.lane.connect().await;
        arrival.send(&mut client, &self.sends, lengths).await;
        let mut expected = match &self.case.gets {
            Gets::Refused(status) | Gets::Cut(status, _) => {
                let answer = next(&mut client, false).await?;
                same("status", answer.status, *status)?;
                same("Connection", answer.header("connection"), Some("close"))?;
                ends(&mut client).await?;
                Vec::new()
            }
            Gets::Answered(status) => {
                same("status", next(&mut client, false).await?.status, *status)?;
                self.after(&mut client).await?
            }
            Gets::Forwarded(seen) => self.answers(&mut client, seen).await?,
            Gets::Last(seen) => {
                let request = whole(&for_host(seen, self.site.host))?;
                let answer = next(&mut client, false).await?;
                same("answer", (answer.status, answer.text()), (200, request.line()))?;
                same("Connection", answer.header("connection"), Some("close"))?;
                let rest = client.closed().await.unwrap_or_default();
                same("bytes after the answer", rest, Vec::new())?;
                vec![request]
            }
        };
        forget(client);
        expected.push(self.canary().await?);
        let saw = self.site.backend.saw().await;
        self.compare(&saw, &expected, exact)
    }

    /// One answer for each request, and no other.
    async fn answers(&self, client: &mut Connection<TcpStream>, seen: &[Bytes]) -> Result<Vec<Request>, String> {
        let mut expected = Vec::new();
        let mut closes = false;
        for bytes in seen {
            let request = whole(&for_host(bytes, self.site.host))?;
            let to_head = request.line().starts_with("HEAD ");
            let answer = next(client, to_head).await?;
            let content = if to_head { String::new() } else { request.line() };
            same("answer", (answer.status, answer.text()), (200, content))?;
            closes = answer.header("connection") == Some("close");
            expected.push(request);
        }
        if closes {
            ends(client).await?;
        } else {
            expected.extend(self.after(client).await?);
        }
        Ok(expected)
    }

    /// The connection still serves: what comes next is the answer to what is asked next.
    async fn after(&self, client: &mut Connection<TcpStream>) -> Result<Vec<Request>, String> {
        let host = self.site.host;
        let request = format!("GET /after HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        client.write(request).await.map_err(|error| format!("{error:#}"))?;
        let answer = next(client, false).await?;
        same("answer to the next request", (answer.status, answer.text()), (200, "GET /after".to_owned()))?;
        ends(client).await?;
        Ok(vec![whole(format!("GET /after HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes())?])
    }

    /// Another client, whose answer must be its own: no connection to the backend is poisoned.
    async fn canary(&self) -> Result<Request, String> {
        let answer = self.site.lane.get(self.site.host, "/canary").await;
        same("answer to another client", (answer.status, answer.text()), (200, "GET /canary".to_owned()))?;
        whole(format!("GET /canary HTTP/1.1\r\nHost: {}\r\n\r\n", self.site.host).as_bytes())
    }

    fn compare(&self, saw: &Saw, expected: &[Request], exact: bool) -> Result<(), String> {
        same("malformed", &saw.malformed[..], &[])?;
        let port = self.site.lane.http.port();
        let requests: Vec<Request> =
            saw.requests.iter().map(|request| message::strip(request, port, "1.1")).collect::<Result<_, _>>()?;
        if exact {
            same("the backend's bytes", &requests[..], expected)?;
        }
        let decoded = |requests: &[Request]| -> Vec<(String, String)> {
            let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
            requests.iter().map(|request| (text(&request.head), text(&request.content))).collect()
        };
        same("the backend's requests", decoded(&requests), decoded(expected))?;
        match (&self.case.gets, &saw.broken[..]) {
            (_, []) => Ok(()),
            (Gets::Cut(_, begun), [one]) if !exact || self.sends.len() > ONE_READ => {
                is_beginning(one, &for_host(begun, self.site.host), port)
            }
            (_, broken) => Err(format!(
                "the backend saw {:?}",
                broken.iter().map(|part| part.escape_ascii().to_string()).collect::<Vec<_>>()
            )),
        }
    }
}

/// Whether the backend saw nothing but the head and the beginning of the content of this request.
fn is_beginning(seen: &[u8], of: &[u8], port: u16) -> Result<(), String> {
    let (Begin::Partial { head, content }, Begin::Partial { head: of_head, content: of_content }) =
        (message::begin(seen)?, message::begin(of)?)
    else {
        return Err("a request that was refused is complete".to_owned());
    };
    let head = head.map(|head| message::without_forwarded(&head, port, "1.1")).transpose()?;
    if (head.is_none() || head == of_head) && of_content.starts_with(&content) {
        return Ok(());
    }
    Err(format!("the backend saw the beginning {:?}", seen.escape_ascii().to_string()))
}

fn whole(bytes: &[u8]) -> Result<Request, String> {
    match message::begin(bytes)? {
        Begin::Whole(request) if request.raw == bytes => Ok(request),
        other => Err(format!("the table expects what is no request: {other:?}")),
    }
}

/// Bytes for a reader: what is long is cut.
fn short(bytes: &[u8]) -> String {
    let text = bytes.escape_ascii().to_string();
    if text.len() > 1000 { format!("{}… of {} bytes", &text[..1000], bytes.len()) } else { text }
}

async fn next(client: &mut Connection<TcpStream>, to_head: bool) -> Result<Answer, String> {
    let answer = if to_head { client.answer_to_head().await } else { client.answer().await };
    answer.map_err(|error| format!("no answer: {error:#}"))
}

async fn ends(client: &mut Connection<TcpStream>) -> Result<(), String> {
    let rest = client.closed().await.map_err(|error| format!("{error:#}"))?;
    same("bytes after the answer", rest.escape_ascii().to_string(), String::new())
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, seen: T, expected: T) -> Result<(), String> {
    if seen == expected { Ok(()) } else { Err(format!("{what}: {seen:?}\n  expected {expected:?}")) }
}
