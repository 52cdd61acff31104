use std::path::PathBuf;

use bulkhead_crds::names::LaneName;

use super::super::listen::{Addresses, Ports};
use super::super::log::Log;
use super::*;
use crate::name::InstanceName;

fn id() -> LaneId {
    LaneId {
        instance: InstanceName { namespace: "port".to_owned(), name: "quay".to_owned() },
        lane: LaneName::NorthSouth,
    }
}

fn free() -> Addresses {
    Ports::new(0, Vec::new()).take(&id()).unwrap()
}

/// A lane whose process is some other program, which is given a gateway's arguments.
fn lane(program: &str, addresses: Addresses) -> (Lane, mpsc::Receiver<(LaneId, News)>) {
    let log = Log { file: PathBuf::from("/dev/null"), shown_as: None };
    let launch = Launch {
        program: program.into(),
        document: "/dev/null".into(),
        sources: Vec::new(),
        addresses,
        threads: 1,
        log,
    };
    let (send, receive) = mpsc::channel(64);
    let wanted = Wanted { run: Run::On, generation: 1, drain: Duration::from_secs(1) };
    (Lane::start(id(), launch, wanted, send), receive)
}

async fn until<T>(news: &mut mpsc::Receiver<(LaneId, News)>, mut wanted: impl FnMut(News) -> Option<T>) -> T {
    loop {
        let (_, next) = timeout(Duration::from_secs(20), news.recv()).await.unwrap().unwrap();
        if let Some(found) = wanted(next) {
            return found;
        }
    }
}

#[test]
fn pauses_double_up_to_a_bound() {
    let pauses: Vec<u128> = (0..8).map(|deaths| pause(deaths).as_millis()).collect();
    assert_eq!(pauses, [200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
    assert_eq!(pause(u32::MAX), LONGEST_PAUSE);
}

#[tokio::test]
async fn a_lane_that_keeps_dying_has_failed_and_is_still_tried() {
    let (_lane, mut news) = lane("/bin/false", free());
    let reason = until(&mut news, |news| match news {
        News::Died { reason, .. } => Some(reason),
        _ => None,
    });
    assert!(reason.await.contains("exit status: 1"));
    until(&mut news, |news| match news {
        News::Seen(seen) => (phase(&seen, 1) == Phase::Failed).then_some(()),
        _ => None,
    })
    .await;
    until(&mut news, |news| matches!(news, News::Died { .. }).then_some(())).await;
}

#[tokio::test]
async fn a_taken_port_is_an_obstacle_until_it_is_free() {
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addresses = Addresses { http: holder.local_addr().unwrap(), ..free() };
    let (_lane, mut news) = lane("/bin/true", addresses);
    let obstacle = until(&mut news, |news| match news {
        News::Seen(seen) => Some(seen.obstacle).filter(|obstacle| !obstacle.is_empty()),
        _ => None,
    });
    assert!(obstacle.await.contains("port/quay/northSouth"));
    drop(holder);
    until(&mut news, |news| match news {
        News::Died { reason, .. } => reason.contains("exit status: 0").then_some(()),
        _ => None,
    })
    .await;
}

#[tokio::test]
async fn a_lane_that_should_end_while_it_waits_ends_without_another_start() {
    let (lane, mut news) = lane("/bin/false", free());
    until(&mut news, |news| matches!(news, News::Died { .. }).then_some(())).await;
    lane.want(|wanted| wanted.run = Run::Drain);
    until(&mut news, |news| matches!(news, News::Ended { killed: false }).then_some(())).await;
}
