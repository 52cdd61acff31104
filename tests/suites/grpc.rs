//! gRPC's interoperability tests: its client speaks HTTP/2 to the gateway, and the gateway HTTP/2 to its server.

use std::net::TcpListener;
use std::process::{Command, Stdio};

use bulkhead_tests::gateway::PATIENCE;
use bulkhead_tests::gateway::lane::Lane;
use bulkhead_tests::gateway::manifest::{all_of, document, file, ingress, service, slices};
use bulkhead_tests::process::Launch;
use bulkhead_tests::wait::wait_for;
use tokio::net::TcpStream;

use crate::program::program;

/// The cases that need no account with anybody. `pick_first_unary` is missing: the server has no name, without which it fails directly as well.
const CASES: [&str; 18] = [
    "empty_unary",
    "large_unary",
    "client_streaming",
    "server_streaming",
    "ping_pong",
    "empty_stream",
    "timeout_on_sleeping_server",
    "cancel_after_begin",
    "cancel_after_first_response",
    "status_code_and_message",
    "special_status_message",
    "custom_metadata",
    "unimplemented_method",
    "unimplemented_service",
    "rpc_soak",
    "channel_soak",
    "orca_per_rpc",
    "orca_oob",
];

/// Has the client take reports of load, which the cases of ORCA look at, and others do not mind.
const SERVICE: &str = r#"-service_config_json={"loadBalancingConfig":[{"test_backend_metrics_load_balancer":{}}]}"#;

/// Longest time of one case, in seconds.
const SECONDS: &str = "60";

#[tokio::test]
async fn every_case_passes_through_the_gateway() {
    let logs = tempfile::tempdir().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = Launch::new("grpc_server", Command::new(program("grpc_server")), logs.path());
    let server = server.args([format!("-port={port}")]).start().unwrap();
    let up = wait_for("the server of gRPC's tests", PATIENCE, async || {
        server.ensure_running()?;
        Ok(TcpStream::connect(("127.0.0.1", port)).await?)
    });
    up.await.unwrap();
    let lane = Lane::start(&document()).await;
    let spoken = service("calls").replace("targetPort: 8080", "targetPort: 8080, appProtocol: kubernetes.io/h2c");
    let manifests = [ingress("calls", &[all_of("", "calls")]), spoken, slices("calls", &[(port, "ready: true")])];
    lane.put("calls.yaml", &file(&[manifests[0].clone(), manifests[1..].concat()]));
    lane.wait("an endpoint", |report| report.routes == 1 && report.endpoints == 1).await;
    let mut wrong = Vec::new();
    // The server itself first: what it cannot do is not the gateway's doing.
    for (way, port) in [("directly", port), ("through the gateway", lane.http.port())] {
        for case in CASES {
            let output = tokio::process::Command::new("timeout")
                .arg(SECONDS)
                .arg(program("grpc_client"))
                .args([
                    "-server_host=127.0.0.1".to_owned(),
                    format!("-server_port={port}"),
                    format!("-test_case={case}"),
                    SERVICE.to_owned(),
                ])
                .stdin(Stdio::null())
                .output()
                .await
                .unwrap();
            if !output.status.success() {
                wrong.push(format!("{case} {way}: {}", String::from_utf8_lossy(&output.stderr)));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), CASES.len(), wrong.join("\n"));
    println!("cases: {} of gRPC's interoperability tests", CASES.len());
}
