//! All that `up` knows and shows, and what is new in it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

use bulkhead_crds::finding::Finding;
use bulkhead_crds::report::{ClassReport, RouteReport};

use super::backends::PortId;
use super::desired::Verdict;
use super::event::{Change, Event};
use super::listen::Addresses;
use super::phase::Observation;
use crate::name::{InstanceName, LaneId};
use bulkhead_crds::phase::Phase;

/// All that is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Board {
    pub(crate) instances: BTreeMap<InstanceName, Verdict>,
    pub(crate) lanes: BTreeMap<LaneId, Row>,
    pub(crate) backends: BTreeMap<PortId, SocketAddr>,
    /// What is wrong with the files, as this process sees it.
    pub(crate) problems: BTreeSet<String>,
}

/// What is known of a lane.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    /// Its own class; empty when it was never planned.
    pub(crate) class: String,
    pub(crate) phase: Phase,
    /// None while it has never run.
    pub(crate) addresses: Option<Addresses>,
    pub(crate) seen: Observation,
    /// What it has loaded, as of its last snapshot.
    pub(crate) routes: Arc<[RouteReport]>,
}

impl Row {
    /// What it waits for or why it cannot run, as a sentence; empty when all is well.
    pub(crate) fn reason(&self) -> &str {
        let waiting = || self.seen.report.as_ref().map_or("", |report| &report.waiting_for);
        if self.seen.obstacle.is_empty() { waiting() } else { &self.seen.obstacle }
    }

    fn classes(&self) -> &[ClassReport] {
        self.seen.report.as_ref().map_or(&[], |report| &report.classes)
    }

    /// Findings of its configuration, as far as they are listed.
    pub(crate) fn findings(&self) -> &[Finding] {
        self.seen.report.as_ref().map_or(&[], |report| &report.findings.sample)
    }

    /// How many findings of its configuration are not listed.
    pub(crate) fn more_findings(&self) -> u32 {
        self.seen.report.as_ref().map_or(0, |report| {
            let listed = u32::try_from(report.findings.sample.len()).unwrap_or(u32::MAX);
            report.findings.errors.saturating_add(report.findings.warnings).saturating_sub(listed)
        })
    }

    /// Ingresses, routes and endpoints, once it has told.
    pub(crate) fn counts(&self) -> Option<(u32, u32, u32)> {
        self.seen.report.as_ref().map(|report| (report.ingresses, report.routes, report.endpoints))
    }
}

impl Board {
    /// What is wrong with the files, as this process or any lane sees it: a sentence each, once.
    pub(crate) fn all_problems(&self) -> BTreeSet<&str> {
        let told =
            self.lanes.values().filter_map(|row| row.seen.report.as_ref()).flat_map(|report| &report.source_problems);
        self.problems.iter().chain(told).map(String::as_str).collect()
    }

    /// Whether there are lanes and all of them serve their current configuration.
    pub(crate) fn is_listening(&self) -> bool {
        !self.lanes.is_empty() && self.lanes.values().all(|row| row.phase == Phase::Listening)
    }

    /// What is different from `before`, in the order in which it is told.
    pub(crate) fn changes_since(&self, before: &Self) -> Vec<Event> {
        let mut events = Vec::new();
        self.tell_problems(before, &mut events);
        for (name, verdict) in &self.instances {
            if before.instances.get(name) != Some(verdict) {
                events.push(Event::instance(name, verdict));
            }
        }
        for (port, address) in &self.backends {
            if before.backends.get(port) != Some(address) {
                events.push(Event::backend(port, *address));
            }
        }
        for (id, row) in &self.lanes {
            row.tell(id, before.lanes.get(id), &mut events);
        }
        let gone = before.lanes.keys().filter(|id| !self.lanes.contains_key(id));
        events.extend(gone.map(Event::stopped));
        events
    }

    fn tell_problems(&self, before: &Self, events: &mut Vec<Event>) {
        let (now, before) = (self.all_problems(), before.all_problems());
        events.extend(before.difference(&now).map(|problem| Event::problem(problem, Change::Gone)));
        events.extend(now.difference(&before).map(|problem| Event::problem(problem, Change::New)));
    }
}

impl Row {
    fn tell(&self, id: &LaneId, before: Option<&Self>, events: &mut Vec<Event>) {
        let shown = |row: &Self| (row.phase, row.addresses, row.seen.pid, row.reason().to_owned());
        if before.map(shown) != Some(shown(self)) {
            events.push(Event::lane(id, self));
        }
        let answers_again = self.seen.deaths > 0 && self.seen.report.is_some();
        if answers_again && before.is_some_and(|before| before.seen.report.is_none()) {
            events.push(Event::back(id));
        }
        // A lane that does not answer at the moment has not lost its classes and findings.
        if self.seen.report.is_none() {
            return;
        }
        let known = before.map_or(&[][..], Self::classes);
        for class in self.classes().iter().filter(|class| !known.contains(class)) {
            events.push(Event::class(id, class));
        }
        let known = before.map_or(&[][..], Self::findings);
        // Of a list that is cut, a finding may be missing because others have come before it.
        let is_whole = self.more_findings() == 0;
        let gone = known.iter().filter(|finding| is_whole && !self.findings().contains(finding));
        events.extend(gone.map(|finding| Event::finding(id, finding, Change::Gone)));
        let new = self.findings().iter().filter(|finding| !known.contains(finding));
        events.extend(new.map(|finding| Event::finding(id, finding, Change::New)));
        let more = self.more_findings();
        if more != before.map_or(0, Self::more_findings) {
            events.push(Event::more(id, more, self.addresses));
        }
        if let Some(counts) = self.counts()
            && before.and_then(Self::counts) != Some(counts)
        {
            events.push(Event::routes(id, counts));
        }
    }
}

#[cfg(test)]
mod tests {
    use bulkhead_crds::finding::{ObjectRef, Severity};
    use bulkhead_crds::names::LaneName;

    use super::super::phase::tests::report;
    use super::*;

    fn board(change: impl FnOnce(&mut Row)) -> Board {
        let id = LaneId {
            instance: InstanceName { namespace: "port".to_owned(), name: "quay".to_owned() },
            lane: LaneName::NorthSouth,
        };
        let mut row = Row {
            class: "harbour".to_owned(),
            phase: Phase::Listening,
            addresses: None,
            seen: Observation { report: Some(report()), ..Observation::default() },
            routes: Arc::default(),
        };
        change(&mut row);
        Board { lanes: [(id, row)].into(), ..Board::default() }
    }

    fn finding() -> Finding {
        Finding {
            object: ObjectRef::new("Ingress", "port", "quay"),
            field: "spec".to_owned(),
            severity: Severity::Error,
            code: "Code".to_owned(),
            message: "Message.".to_owned(),
            remedy: "Remedy.".to_owned(),
        }
    }

    fn kinds(events: &[Event]) -> Vec<String> {
        let kind = |event: &Event| serde_json::to_value(event).unwrap()["event"].as_str().unwrap().to_owned();
        events.iter().map(kind).collect()
    }

    #[test]
    fn only_changes_are_told() {
        let empty = Board::default();
        let first = board(|_| ());
        assert_eq!(kinds(&first.changes_since(&empty)), ["lane", "class", "routes"]);
        assert_eq!(kinds(&first.changes_since(&first)), Vec::<String>::new());
        let more = board(|row| {
            if let Some(report) = &mut row.seen.report {
                report.routes += 1;
                report.findings.sample.push(finding());
            }
        });
        assert_eq!(kinds(&more.changes_since(&first)), ["finding", "routes"]);
        assert_eq!(kinds(&first.changes_since(&more)), ["finding", "routes"]);
        assert_eq!(kinds(&empty.changes_since(&first)), ["stopped"]);
    }

    #[test]
    fn findings_that_are_not_listed_are_counted_and_nothing_is_called_solved_meanwhile() {
        let with = |findings: Vec<Finding>, errors| {
            board(|row| {
                if let Some(report) = &mut row.seen.report {
                    (report.findings.sample, report.findings.errors) = (findings, errors);
                }
            })
        };
        let (whole, cut) = (with(vec![finding()], 1), with(vec![Finding { code: "Other".to_owned(), ..finding() }], 2));
        assert_eq!(kinds(&cut.changes_since(&whole)), ["finding", "more"]);
        assert_eq!(kinds(&cut.changes_since(&cut)), Vec::<String>::new());
        let solved = whole.changes_since(&cut);
        assert_eq!(kinds(&solved), ["finding", "finding", "more"]);
        assert!(solved.iter().any(|event| event.to_string().contains("solved: ")));
    }

    #[test]
    fn a_problem_that_every_lane_sees_is_told_once() {
        let mut told = board(|row| {
            if let Some(report) = &mut row.seen.report {
                report.source_problems.push("a.yaml: line 3: no".to_owned());
            }
        });
        told.problems.insert("a.yaml: line 3: no".to_owned());
        assert_eq!(kinds(&told.changes_since(&board(|_| ()))), ["problem"]);
    }

    #[test]
    fn a_lane_that_is_away_for_a_moment_keeps_its_findings() {
        let away = board(|row| {
            row.seen.report = None;
            row.phase = Phase::Pending;
        });
        assert_eq!(kinds(&away.changes_since(&board(|_| ()))), ["lane"]);
    }
}
