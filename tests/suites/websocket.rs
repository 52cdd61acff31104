//! WebSocket conversations through the tunnel, after the Autobahn test suite's list, which itself runs on no living Python.
//!
//! The other end is tungstenite, which answers as RFC 6455 asks; the gateway must not be noticed. So every case has two expectations:
//! what a client gets through the gateway is byte for byte what it gets from the server itself, and it is what the RFC says.

mod cases;
mod frame;

use std::net::SocketAddr;

use bulkhead_tests::exchange::Connection;
use bulkhead_tests::gateway::lane::Lane;
use bulkhead_tests::gateway::manifest::{all_of, document, file, ingress, served};
use futures::{SinkExt, StreamExt};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::task::yield_now;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use self::cases::{Case, Ends};
use self::frame::{Frame, Opcode};

const HOST: &str = "chat.test";

/// A server that sends every message back.
async fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else { return };
                while let Some(Ok(message)) = socket.next().await {
                    let back = matches!(message, Message::Text(_) | Message::Binary(_));
                    if back && socket.send(message).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    address
}

/// The handshake with the key of RFC 6455 section 1.3, whose answer is known.
async fn shake(address: SocketAddr) -> Connection<tokio::net::TcpStream> {
    let mut client = Connection::open(address).await.unwrap();
    let request = format!(
        "GET /chat HTTP/1.1\r\nHost: {HOST}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    client.write(request).await.unwrap();
    let head = String::from_utf8(client.until(b"\r\n\r\n").await.unwrap()).unwrap().to_lowercase();
    assert!(head.starts_with("http/1.1 101 "), "{head}");
    assert!(head.contains("\r\nsec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n"), "{head}");
    client
}

/// All that comes back on a connection of its own until the server closes it.
async fn converse(address: SocketAddr, case: &Case) -> Result<Vec<u8>, String> {
    let client = shake(address).await;
    let (mut reading, mut writing) = client.into_stream().into_split();
    let send = async {
        for piece in case.pieces() {
            // A server that has given up tells it by what it sent before.
            if tokio::io::AsyncWriteExt::write_all(&mut writing, piece).await.is_err() {
                break;
            }
            yield_now().await;
        }
        std::future::pending::<()>().await;
    };
    let mut received = Vec::new();
    let receive = async { while reading.read_buf(&mut received).await.unwrap_or(0) > 0 {} };
    let ended = timeout(bulkhead_tests::gateway::PATIENCE, async {
        tokio::select! { () = send => {}, () = receive => {} }
    });
    ended.await.map_err(|_| "the connection stays open".to_owned())?;
    Ok(received)
}

/// Whether `received` is what the RFC asks for: these messages back, then the end.
fn judge(case: &Case, received: &[u8]) -> Result<(), String> {
    let frames = Frame::all(received).ok_or("an incomplete frame at the end")?;
    let (closes, others): (Vec<&Frame>, Vec<&Frame>) = frames.iter().partition(|frame| frame.opcode == Opcode::CLOSE);
    let others: Vec<(u8, &[u8])> = others.iter().map(|frame| (frame.opcode, &frame.payload[..])).collect();
    let expected: Vec<(u8, &[u8])> = case.gets.iter().map(|(opcode, payload)| (*opcode, &payload[..])).collect();
    if others != expected {
        return Err(format!(
            "{} frames of {:?} bytes, expected {:?}",
            others.len(),
            lengths(&others),
            lengths(&expected)
        ));
    }
    let code = closes.first().map(|frame| frame.payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code)));
    match (case.ends, code) {
        (Ends::Closed(expected), Some(code)) if code == expected => Ok(()),
        // RFC 6455 section 7.1.7: who fails a connection may close it without a word.
        (Ends::Failed, None | Some(1002 | 1007 | 1009)) => Ok(()),
        (ends, code) => Err(format!("closed by {code:?}, expected {ends:?}")),
    }
}

fn lengths(frames: &[(u8, &[u8])]) -> Vec<usize> {
    frames.iter().map(|(_, payload)| payload.len()).collect()
}

/// Without a gateway: what the server itself cannot do is not the tunnel's doing.
#[tokio::test]
async fn every_conversation_with_the_server_itself_is_by_the_rfc() {
    let server = echo().await;
    check(async |case| judge(case, &converse(server, case).await?)).await;
}

#[tokio::test]
async fn every_conversation_is_the_same_through_the_tunnel() {
    let server = echo().await;
    let lane = Lane::start(&document()).await;
    lane.put("chat.yaml", &file(&[ingress("chat", &[all_of(HOST, "chat")]), served("chat", server.port())]));
    lane.wait("an endpoint", |report| report.routes == 1 && report.endpoints == 1).await;
    check(async |case| {
        let (direct, through) = (converse(server, case).await?, converse(lane.http, case).await?);
        judge(case, &through)?;
        if through == direct { Ok(()) } else { Err("other bytes than from the server itself".to_owned()) }
    })
    .await;
}

async fn check(judge: impl AsyncFn(&Case) -> Result<(), String>) {
    let cases = cases::all();
    let mut wrong = Vec::new();
    for case in &cases {
        if let Err(reason) = judge(case).await {
            wrong.push(format!("{}: {reason}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    println!("cases: {} WebSocket conversations", cases.len());
}
