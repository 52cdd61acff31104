//! The `Date` field, formatted once a second and thread.

use std::cell::{Cell, RefCell};
use std::time::{SystemTime, UNIX_EPOCH};

/// Length of an IMF-fixdate (RFC 9110 §5.6.7).
const DATE_BYTES: usize = 29;
const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The wall clock as HTTP writes it.
#[derive(Debug, Default)]
pub(crate) struct DateClock {
    second: Cell<u64>,
    text: RefCell<String>,
}

impl DateClock {
    /// Calls `with` on the current IMF-fixdate.
    pub(crate) fn with<T>(&self, with: impl FnOnce(&[u8]) -> T) -> T {
        let now = seconds();
        let mut text = self.text.borrow_mut();
        if self.second.replace(now) != now || text.len() != DATE_BYTES {
            *text = imf_fixdate(now);
        }
        with(text.as_bytes())
    }
}

/// The IMF-fixdate so many seconds from now.
pub(crate) fn date_in(later: u32) -> String {
    imf_fixdate(seconds().saturating_add(u64::from(later)))
}

/// Since 1970.
fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Seconds since 1970 as `Sun, 06 Nov 1994 08:49:37 GMT`.
fn imf_fixdate(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let weekday = DAYS.get((days % 7) as usize).copied().unwrap_or_default();
    let month = MONTHS.get(month as usize).copied().unwrap_or_default();
    format!("{weekday}, {day:02} {month} {year:04} {:02}:{:02}:{:02} GMT", second / 3600, second / 60 % 60, second % 60)
}

/// Seconds since 1970 as `1994-11-06T08:49:37` (RFC 3339, without its zone, which is UTC).
pub(crate) fn rfc3339(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    format!("{year:04}-{:02}-{day:02}T{:02}:{:02}:{:02}", month + 1, second / 3600, second / 60 % 60, second % 60)
}

/// Seconds since 1970 as logs of web servers have them: `06/Nov/1994:08:49:37 +0000`.
pub(crate) fn common(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let month = MONTHS.get(month as usize).copied().unwrap_or_default();
    format!("{day:02}/{month}/{year:04}:{:02}:{:02}:{:02} +0000", second / 3600, second / 60 % 60, second % 60)
}

/// Days since 1970-01-01 as year, month (0 is January) and day of month, in the proleptic Gregorian calendar: years are
/// counted from March, so that the leap day is the last of its year.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march + 2) / 5 + 1;
    let month = if march < 10 { march + 2 } else { march - 10 };
    (era * 400 + year + u64::from(month < 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::imf_fixdate;

    #[test]
    fn dates_are_written_as_rfc_9110_shows_them() {
        for (seconds, text) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT"),
            (4_102_444_800, "Fri, 01 Jan 2100 00:00:00 GMT"),
        ] {
            assert_eq!(imf_fixdate(seconds), text);
        }
    }
}
