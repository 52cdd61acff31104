//! What a gateway says in its log of what goes wrong.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use bulkhead_tests::wait::wait_for;
use jiff::Timestamp;

use crate::support::PATIENCE;
use crate::support::backend::Backend;
use crate::support::lane::Lane;
use crate::support::manifest::{all_of, document, file, ingress, served};

/// Lines about one reason: when, and how many occurrences.
type Lines = Vec<(Timestamp, u64)>;

fn lines(lane: &Lane) -> BTreeMap<String, Lines> {
    let mut by_reason = BTreeMap::<String, Lines>::new();
    for line in lane.process.log().lines() {
        let Ok(line) = serde_json::from_str::<serde_json::Value>(line) else { continue };
        let (Some(reason), Some(count)) = (line["reason"].as_str(), line["count"].as_u64()) else { continue };
        assert_eq!((&line["client"], &line["level"]), (&"127.0.0.1".into(), &"INFO".into()), "{line}");
        let (message, detail) = match reason {
            "duplicate_host" => ("there is more than one Host", ""),
            _ => ("no route has this host and path", "log.test"),
        };
        assert_eq!((&line["message"], &line["detail"]), (&message.into(), &detail.into()), "{line}");
        let at = line["timestamp"].as_str().unwrap().parse().unwrap();
        by_reason.entry(reason.to_owned()).or_default().push((at, count));
    }
    by_reason
}

#[tokio::test]
async fn a_reason_has_one_line_a_second_however_often_it_is_one() {
    let lane = Lane::start(&document()).await;
    let malformed = "GET / HTTP/1.1\r\nHost: log.test\r\nHost: log.test\r\n\r\n";
    let mut sent = 0;
    // For as long as it takes to be told three times.
    wait_for("three lines", PATIENCE, async || {
        for _ in 0..20 {
            let mut client = lane.connect().await;
            client.write(malformed).await?;
            ensure!(client.answer().await?.status == 400);
            let mut client = lane.connect().await;
            client.write("GET /nowhere HTTP/1.1\r\nHost: log.test\r\n\r\n").await?;
            ensure!(client.answer().await?.status == 404);
            sent += 1;
        }
        let lines = lines(&lane);
        ensure!(lines.len() == 2 && lines.values().all(|lines| lines.len() >= 3), "{lines:?}");
        Ok(())
    })
    .await
    .unwrap();
    wait_for("a line about the last one", PATIENCE, async || {
        for (reason, lines) in lines(&lane) {
            let told: u64 = lines.iter().map(|(_, count)| count).sum();
            ensure!(told == sent, "{reason}: {told} of {sent}");
        }
        Ok(())
    })
    .await
    .unwrap();
    for (reason, lines) in lines(&lane) {
        for pair in lines.windows(2) {
            let pause = pair[0].0.until(pair[1].0).unwrap().total(jiff::Unit::Millisecond).unwrap();
            assert!(pause >= 990.0, "{reason}: two lines within {pause} ms");
        }
    }
}

#[tokio::test]
async fn a_backend_that_fails_is_told_with_its_host_and_its_service() {
    let lane = Lane::start(&document()).await;
    // Nobody listens there any more.
    let port = Backend::echo().await.port();
    lane.put("web.yaml", &file(&[ingress("web", &[all_of("down.test", "web")]), served("web", port)]));
    lane.wait("an endpoint", |report| report.routes == 1 && report.endpoints == 1).await;
    assert_eq!(lane.get("down.test", "/").await.status, 502);
    wait_for("a line about it", PATIENCE, async || {
        let log = lane.process.log();
        let line = log
            .lines()
            .find(|line| line.contains("\"connect_failed\"") && line.contains("\"count\":1"))
            .context("none")?;
        ensure!(line.contains("\"WARN\"") && line.contains("\"detail\":\"down.test to shop/web:80\""), "{line}");
        Ok(())
    })
    .await
    .unwrap();
}
