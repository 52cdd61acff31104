//! Somebody else who changes an object again and again, as often as it is put right. Whoever fights him writes as fast as both can.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use tokio::time::Instant;

/// So often an object is put right at once. People who try something out change it once or twice.
const AT_ONCE: u32 = 5;
/// Between two more times that it is put right, and as long nobody may have changed it to be at peace.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often an object was put right lately.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Contest {
    times: u32,
    last: Option<Instant>,
}

impl Contest {
    /// Whether the object may be put right now.
    #[must_use]
    pub fn allows(self, now: Instant) -> bool {
        self.times < AT_ONCE || self.is_over(now)
    }

    /// The object was put right once more.
    #[must_use]
    pub fn again(self, now: Instant) -> Self {
        let peace = self.last.is_some_and(|last| now.duration_since(last) >= PATIENCE * 2);
        Self { times: if peace { 1 } else { self.times.saturating_add(1) }, last: Some(now) }
    }

    fn is_over(self, now: Instant) -> bool {
        self.last.is_none_or(|last| now.duration_since(last) >= PATIENCE)
    }
}

/// Whether an object that was `before` is another one `after` it was applied: what others wrote into its status meanwhile, or of its size what an
/// autoscaler did before, is not counted.
#[must_use]
pub fn changed(before: &ObjectMeta, after: &ObjectMeta) -> bool {
    match (before.generation, after.generation) {
        (Some(before), Some(after)) if before != after => true,
        (Some(_), Some(_)) => before.labels != after.labels || before.owner_references != after.owner_references,
        _ => before.resource_version != after.resource_version,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_write_into_a_status_is_no_contest() {
        let meta = |generation, version: &str, label: &str| ObjectMeta {
            generation,
            resource_version: Some(version.to_owned()),
            labels: Some([("a".to_owned(), label.to_owned())].into()),
            ..ObjectMeta::default()
        };
        assert!(!changed(&meta(Some(3), "7", "x"), &meta(Some(3), "8", "x")));
        assert!(changed(&meta(Some(3), "7", "x"), &meta(Some(4), "8", "x")));
        assert!(changed(&meta(Some(3), "7", "y"), &meta(Some(3), "8", "x")));
        assert!(!changed(&meta(None, "7", "x"), &meta(None, "7", "x")));
        assert!(changed(&meta(None, "7", "x"), &meta(None, "8", "x")));
    }

    #[test]
    fn an_object_is_put_right_a_few_times_at_once_then_seldom_and_at_once_again_after_peace() {
        let begin = Instant::now();
        let mut contest = Contest::default();
        let mut written = Vec::new();
        // Somebody changes it every second for two minutes.
        for second in 0..120 {
            let now = begin + Duration::from_secs(second);
            if contest.allows(now) {
                contest = contest.again(now);
                written.push(second);
            }
        }
        assert_eq!(written, [0, 1, 2, 3, 4, 34, 64, 94]);
        let later = begin + Duration::from_secs(94) + PATIENCE * 2;
        contest = contest.again(later);
        assert!(contest.allows(later));
    }
}
