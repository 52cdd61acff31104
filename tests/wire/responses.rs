//! The table of response messages: what a backend sends, what the client gets, and whether the backend's connection is used again.
//!
//! A client gets the bytes of one well-formed response, or one of the gateway's own, or a response that is visibly broken off. What a
//! backend sends too much, nobody gets.

mod ends;
mod framing;
mod heads;

use bulkhead_tests::exchange::Connection;
use tokio::net::TcpStream;

use crate::support::backend::{Backend, Reply, Then};
use crate::support::message::Request;
use crate::support::site::Site;

struct Case {
    name: &'static str,
    /// Method and version that the client asks with.
    asks: (&'static str, &'static str),
    sends: Reply,
    gets: Gets,
    /// Whether the next request goes over the same connection.
    reused: bool,
}

enum Gets {
    /// Exactly these bytes, and the connection goes on.
    Kept(Vec<u8>),
    /// Exactly these bytes, and the end of the connection.
    Closed(Vec<u8>),
    /// These bytes and a reset.
    Reset(Vec<u8>),
    /// An answer of the gateway with this status, and the connection goes on.
    Fault(u16),
}

/// A response that goes through; the backend's connection is used again.
fn clean(name: &'static str, sends: &[u8], gets: &[u8]) -> Case {
    Case { name, asks: ("GET", "1.1"), sends: Reply::keep(sends), gets: Gets::Kept(gets.to_vec()), reused: true }
}

/// A response that goes through; the backend's connection is not used again.
fn once(name: &'static str, sends: &[u8], gets: &[u8]) -> Case {
    Case { reused: false, ..clean(name, sends, gets) }
}

/// A response that nobody can trust.
fn fault(name: &'static str, sends: &[u8]) -> Case {
    Case { gets: Gets::Fault(502), ..once(name, sends, b"") }
}

impl Case {
    fn to(self, method: &'static str, version: &'static str) -> Self {
        Self { asks: (method, version), ..self }
    }

    fn then(mut self, then: Then) -> Self {
        self.sends.then = then;
        self
    }

    fn closed(self) -> Self {
        let Gets::Kept(bytes) = self.gets else { return self };
        Self { gets: Gets::Closed(bytes), ..self }
    }

    fn reset(self) -> Self {
        let Gets::Kept(bytes) = self.gets else { return self };
        Self { gets: Gets::Reset(bytes), ..self }
    }
}

fn table() -> Vec<Case> {
    [framing::cases(), heads::cases(), ends::cases()].into_iter().flatten().collect()
}

#[tokio::test]
async fn every_response_reaches_its_client_whole_or_visibly_broken() {
    let replies: Vec<Reply> = table().iter().map(|case| case.sends.clone()).collect();
    let script = move |request: &Request| {
        request.target()[1..].parse::<usize>().map_or_else(|_| Reply::ok("ok"), |row| replies[row].clone())
    };
    let site = Site::new("responses.test", Backend::start(script).await).await;
    let table = table();
    println!("cases: {} responses of HTTP/1.1", table.len());
    let mut wrong = Vec::new();
    for (row, case) in table.iter().enumerate() {
        site.backend.saw().await;
        if let Err(reason) = run(&site, row, case).await {
            wrong.push(format!(
                "{}\n  the backend sent {:.600}\n  {reason}",
                case.name,
                case.sends.bytes.escape_ascii().to_string()
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), table.len(), wrong.join("\n"));
}

async fn run(site: &Site, row: usize, case: &Case) -> Result<(), String> {
    let mut client = site.lane.connect().await;
    let (method, version) = case.asks;
    client.write(format!("{method} /{row} HTTP/{version}\r\nHost: responses.test\r\n\r\n")).await.unwrap();
    match &case.gets {
        Gets::Kept(bytes) => {
            take(&mut client, bytes).await?;
            after(site, &mut client, case.reused).await
        }
        Gets::Fault(status) => {
            let answer = client.answer().await.map_err(|error| format!("{error:#}"))?;
            if answer.status != *status {
                return Err(format!("{} {:?}, not {status}", answer.status, answer.text()));
            }
            after(site, &mut client, false).await
        }
        Gets::Closed(bytes) => {
            take(&mut client, bytes).await?;
            let rest = client.closed().await.map_err(|error| format!("{error:#}"))?;
            if rest.is_empty() { Ok(()) } else { Err(format!("more: {}", rest.escape_ascii())) }
        }
        Gets::Reset(bytes) => {
            take(&mut client, bytes).await?;
            client.closed().await.map_or(Ok(()), |rest| Err(format!("a clean end after {}", rest.escape_ascii())))
        }
    }
}

/// Takes what is expected, without the Date that the gateway adds where the backend sent none.
async fn take(client: &mut Connection<TcpStream>, expected: &[u8]) -> Result<(), String> {
    let mut seen = Vec::new();
    if !expected.is_empty() {
        while !seen.ends_with(b"\r\n\r\n") {
            let line = client.until(b"\r\n").await.map_err(|error| format!("{error:#}"))?;
            let is_date = line.starts_with(b"Date: ") && line.ends_with(b" GMT\r\n");
            if !is_date || expected.windows(6).any(|window| window == b"\nDate:") {
                seen.extend_from_slice(&line);
            }
        }
    }
    let rest = expected.len().saturating_sub(seen.len());
    seen.extend_from_slice(&client.exactly(rest).await.map_err(|error| format!("{error:#}"))?);
    if seen == expected { Ok(()) } else { Err(format!("the client got {:.600}", seen.escape_ascii().to_string())) }
}

/// The next request of the same client gets its own answer, over the same connection to the backend or over another.
async fn after(site: &Site, client: &mut Connection<TcpStream>, reused: bool) -> Result<(), String> {
    client
        .write("GET /after HTTP/1.1\r\nHost: responses.test\r\nConnection: close\r\n\r\n")
        .await
        .map_err(|error| format!("{error:#}"))?;
    take(client, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok").await?;
    let saw = site.backend.saw().await;
    let (Some(after), Some(before)) = (saw.links.last(), saw.links.get(saw.links.len().wrapping_sub(2))) else {
        return Err(format!("the backend saw {saw:?}"));
    };
    if (after == before) == reused { Ok(()) } else { Err(format!("reused: {}, not {reused}", after == before)) }
}
