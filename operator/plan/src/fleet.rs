//! Whose turn it is to take a new default image. In: every lane that follows the operator's image, and how it does. Out: those that may take
//! it now.
//!
//! Waves one after the other; inside a wave a bounded number of instances at once; inside an instance east-west first, whose clients are the
//! cluster's own. One that takes the image and does not do well with it stops all that have not taken it.

use std::collections::BTreeSet;

use bulkhead_crds::names::LaneName;

/// A lane that does not pin its image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// `spec.rollout.wave` of its instance.
    pub wave: i32,
    /// Namespace of its instance.
    pub namespace: String,
    /// Name of its instance.
    pub instance: String,
    /// Which lane.
    pub lane: LaneName,
    /// How far it is.
    pub state: State,
}

/// How far a lane is with the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// It runs another one.
    Waiting,
    /// It takes it, or has not run it for long enough to be sure.
    Moving,
    /// It runs it well.
    Settled,
    /// It did not come up with it, or got worse.
    Failed,
}

impl State {
    /// Every state, as far along as they are.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Moving, Self::Settled, Self::Failed];

    /// A word for metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Moving => "moving",
            Self::Settled => "settled",
            Self::Failed => "failed",
        }
    }
}

/// What is to be done now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn<'a> {
    /// These take the image, in this order.
    Go(Vec<&'a Member>),
    /// Nobody does until this one runs it well, pins another, or there is another image.
    Stopped(&'a Member),
}

/// Decides. `at_once` instances take the image at the same time.
#[must_use]
pub fn next(members: &[Member], at_once: usize) -> Turn<'_> {
    let mut members: Vec<_> = members.iter().collect();
    members.sort_by_key(|member| (member.wave, &member.namespace, &member.instance, order(member.lane)));
    if let Some(failed) = members.iter().find(|member| member.state == State::Failed) {
        return Turn::Stopped(failed);
    }
    let Some(wave) = members.iter().find(|member| member.state != State::Settled).map(|member| member.wave) else {
        return Turn::Go(Vec::new());
    };
    let instances: Vec<_> = members
        .chunk_by(|left, right| of_instance(left) == of_instance(right))
        .filter(|lanes| lanes.iter().any(|lane| lane.wave == wave && lane.state != State::Settled))
        .collect();
    let (begun, untouched): (Vec<_>, Vec<_>) =
        instances.into_iter().partition(|lanes| lanes.iter().any(|lane| lane.state != State::Waiting));
    // Those of other waves take a place too: a wave may have been changed under way.
    let begin = at_once.saturating_sub(under_way(&members).len());
    let chosen = begun.into_iter().chain(untouched.into_iter().take(begin));
    // The next lane of an instance waits until the one before it has settled.
    let next = chosen.filter_map(|lanes| lanes.iter().find(|lane| lane.state != State::Settled));
    Turn::Go(next.filter(|lane| lane.state == State::Waiting).copied().collect())
}

fn of_instance(member: &Member) -> (&str, &str) {
    (&member.namespace, &member.instance)
}

const fn order(lane: LaneName) -> u8 {
    match lane {
        LaneName::EastWest => 0,
        LaneName::NorthSouth => 1,
    }
}

/// Instances that are under way: some lane of theirs has begun and not all have settled.
fn under_way<'a>(members: &[&'a Member]) -> BTreeSet<(&'a str, &'a str)> {
    let unsettled = members.iter().filter(|member| member.state != State::Settled);
    let unsettled: BTreeSet<_> = unsettled.map(|member| of_instance(member)).collect();
    let begun = members.iter().filter(|member| member.state != State::Waiting);
    begun.map(|member| of_instance(member)).filter(|instance| unsettled.contains(instance)).collect()
}

#[cfg(test)]
mod tests;
