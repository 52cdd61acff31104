//! How long what stands before the first request may be.

use bulkhead_crds::lane::LaneClientAddress;
use bulkhead_model::limits::PROXY_HEADER;

use super::{HOST, Limited, with};

/// A PROXY protocol header of version 2 of this length for a client elsewhere: what is not the addresses is a value that nobody knows.
fn header_of(bytes: usize) -> Vec<u8> {
    let addresses = [203, 0, 113, 7, 192, 0, 2, 1, 0xc0, 0x01, 0x20, 0xfb];
    let behind = bytes - 16 - addresses.len();
    let mut header = [&b"\r\n\r\n\0\r\nQUIT\n\x21\x11"[..], &((bytes - 16) as u16).to_be_bytes(), &addresses].concat();
    header.push(0xee);
    header.extend(((behind - 3) as u16).to_be_bytes());
    header.resize(bytes, 0);
    header
}

#[tokio::test]
async fn a_proxy_protocol_header_has_so_many_bytes_and_no_more() {
    let mut document = with(|_| ());
    document.client_address = LaneClientAddress {
        proxy_protocol: true,
        trusted_cidrs: vec!["127.0.0.1/32".to_owned()],
        ..document.client_address
    };
    let limited = Limited::new(&document).await;
    let most = PROXY_HEADER.size();
    for (bytes, passes) in [(most, true), (most + 1, false), (most * 10, false)] {
        let mut client = limited.lane.connect().await;
        let request = format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n").into_bytes();
        // One that is refused may be closed before all of it is written.
        let _ = client.write([header_of(bytes), request].concat()).await;
        if passes {
            assert_eq!(client.answer().await.unwrap().status, 200, "{bytes} bytes");
        } else {
            assert!(client.closed().await.unwrap_or_default().is_empty(), "{bytes} bytes");
        }
    }
    assert_eq!((limited.backend.saw().await.requests.len(), limited.lane.faults().await["proxy_malformed"]), (1, 2));
}
