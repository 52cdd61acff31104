//! What a user sees of a lane, derived from what is known of its process.

use bulkhead_crds::phase::Phase;
use bulkhead_crds::report::GatewayReport;

/// Deaths in a row, each before the process had run for a while, after which a lane has failed: two can be an accident.
const DEATHS: u32 = 3;

/// What is known of a lane's process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Observation {
    /// It was asked to end.
    pub(crate) ending: bool,
    /// The process, while there is one.
    pub(crate) pid: Option<u32>,
    /// Deaths in a row.
    pub(crate) deaths: u32,
    /// Why it cannot be started at all; empty when it can.
    pub(crate) obstacle: String,
    /// What it said last of itself, if it answers.
    pub(crate) report: Option<GatewayReport>,
}

/// The phase of a lane that should have loaded generation `wanted`. Pending: its process does not answer yet. Failed: it cannot run, for
/// its port is taken or its process keeps dying.
pub(crate) fn phase(seen: &Observation, wanted: i64) -> Phase {
    if seen.ending {
        return Phase::Deleting;
    }
    match &seen.report {
        _ if !seen.obstacle.is_empty() => Phase::Failed,
        None if seen.deaths >= DEATHS => Phase::Failed,
        None => Phase::Pending,
        Some(report) if is_current(report, wanted) => Phase::Listening,
        Some(_) => Phase::Running,
    }
}

fn is_current(report: &GatewayReport, wanted: i64) -> bool {
    // The lane's own class comes first in a report.
    let serves = report.classes.first().is_some_and(|class| class.served);
    report.ready && serves && report.config_generation == wanted
}

#[cfg(test)]
pub(crate) mod tests {
    use bulkhead_crds::report::{ClassReport, FindingsReport};

    use super::*;

    /// What a gateway says that has loaded generation 3.
    pub(crate) fn report() -> GatewayReport {
        let class = ClassReport { name: "harbour".to_owned(), served: true, reason: String::new() };
        GatewayReport {
            version: "0".to_owned(),
            identity: None,
            ready: true,
            draining: false,
            waiting_for: String::new(),
            config_generation: 3,
            revision: String::new(),
            snapshot: 1,
            classes: vec![class],
            ingresses: 1,
            routes: 2,
            endpoints: 3,
            findings: FindingsReport::default(),
            source_problems: Vec::new(),
        }
    }

    fn with(change: impl FnOnce(&mut GatewayReport)) -> Observation {
        let mut report = report();
        change(&mut report);
        Observation { report: Some(report), ..Observation::default() }
    }

    #[test]
    fn a_lane_listens_only_when_it_serves_its_class_with_the_current_settings() {
        let gone = Observation { deaths: 2, ..Observation::default() };
        let cases = [
            ("nothing is known", Observation::default(), Phase::Pending),
            ("it died twice", gone.clone(), Phase::Pending),
            ("it keeps dying", Observation { deaths: 3, ..gone.clone() }, Phase::Failed),
            ("its port is taken", Observation { obstacle: "taken".to_owned(), ..gone }, Phase::Failed),
            ("all is well", with(|_| ()), Phase::Listening),
            ("it has died before", Observation { deaths: 9, ..with(|_| ()) }, Phase::Listening),
            ("not ready", with(|report| report.ready = false), Phase::Running),
            ("older settings", with(|report| report.config_generation = 2), Phase::Running),
            ("class foreign", with(|report| report.classes[0].served = false), Phase::Running),
            ("class unknown", with(|report| report.classes.clear()), Phase::Running),
            ("asked to end", Observation { ending: true, ..with(|_| ()) }, Phase::Deleting),
        ];
        for (name, observation, expected) in cases {
            assert_eq!(phase(&observation, 3), expected, "{name}");
        }
    }
}
