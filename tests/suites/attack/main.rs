//! `tests/run attack`, or this program with arguments: gateways under attack, each attack on a process and with clients of its own.
//!
//! An attack passes if meanwhile every request of well-behaved clients succeeds, the process stays below its memory, and afterwards it
//! lets go of what the attacker held. In: the gateway of the profile that this program was built with. Out: a table with what was seen, and failure if an
//! attack had its way. `attacks` is the list, `hostile` plays one, `victim` are the others, `target` is what is attacked.
//!
//! Loopback only, bounded by its arguments: `attack [--at-once N] [SECONDS [NAME…]]`, 20 seconds each unless told otherwise, and as many at once as
//! there are processors. They share these, so times say as much about the machine as about the attack. Whether a request fails does not hang on it: it
//! does by a wrong answer, a broken connection, or after ten seconds, where 99 of 100 take less than two beside the attack that slows them most.

#![allow(clippy::print_stdout, reason = "a program for a developer's terminal")]

mod attacks;
mod hostile;
mod target;
mod victim;

use std::collections::VecDeque;
use std::iter;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::process::ExitCode;
use std::thread::available_parallelism;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::{StreamExt as _, stream};
use tokio::time::{Instant, sleep_until};

use self::attacks::{ATTACKS, Attack};
use self::hostile::Tally;
use self::target::Target;
use self::victim::{Served, Victims};

/// Length of an attack unless an argument says otherwise.
const SECONDS: u64 = 20;

/// Most memory that the process may come to, in KiB: a backend has at most 1,024 requests in flight, each with a piece of content in hand and what waits for
/// its client's window, together 320 KiB; and the process itself. Of a server that does not bound them, these attacks take gigabytes.
const RESIDENT_KIB: u64 = 384 << 10;

/// How often memory is looked at. Between two looks no attack comes far: at loopback speed some MiB.
const LOOK: Duration = Duration::from_millis(20);

const USAGE: &str = "usage: attack [--at-once N] [SECONDS [NAME…]]";

/// What the arguments ask for.
struct Plan {
    chosen: Vec<&'static Attack>,
    length: Duration,
    at_once: NonZeroUsize,
}

impl Plan {
    fn read(arguments: impl Iterator<Item = String>) -> Result<Self> {
        let mut arguments = arguments.peekable();
        let at_once = match arguments.next_if_eq("--at-once") {
            Some(_) => arguments.next().context(USAGE)?.parse().context(USAGE)?,
            None => available_parallelism().context("count the processors")?,
        };
        let seconds = arguments.next().map_or(Ok(SECONDS), |text| text.parse()).context(USAGE)?;
        let names: Vec<String> = arguments.collect();
        for name in &names {
            let known = || ATTACKS.iter().map(|attack| attack.name).collect::<Vec<_>>().join(" ");
            ensure!(ATTACKS.iter().any(|attack| attack.name == name), "no attack {name}: choose from {}", known());
        }
        let is_chosen = |attack: &&Attack| names.is_empty() || names.iter().any(|name| name == attack.name);
        Ok(Self { chosen: ATTACKS.iter().filter(is_chosen).collect(), length: Duration::from_secs(seconds), at_once })
    }
}

/// The first, the last, the second, the last but one and so on. The list begins with attacks by work and ends with such as hold: side by side, two of
/// a kind would take from each other what they need most.
fn from_both_ends<T>(list: Vec<T>) -> impl Iterator<Item = T> {
    let mut left = VecDeque::from(list);
    let mut first = false;
    iter::from_fn(move || {
        first = !first;
        if first { left.pop_front() } else { left.pop_back() }
    })
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let Plan { chosen, length, at_once } = Plan::read(std::env::args().skip(1))?;
    println!("{} attacks of {} s, {at_once} at once", chosen.len(), length.as_secs());
    println!("{}", Row::TITLES);
    let outcomes = from_both_ends(chosen).map(async |attack| (attack.name, run(attack, length).await));
    let mut outcomes = pin!(stream::iter(outcomes).buffer_unordered(at_once.get()));
    let (mut passed, mut failed) = (0, 0);
    while let Some((name, outcome)) = outcomes.next().await {
        let row = outcome.as_ref().map_or_else(|error| format!("{name:<18} {error:#}"), Row::text);
        let wrong = outcome.map_or_else(|_| vec!["it could not be measured".to_owned()], |row| row.wrong());
        println!("{row}{}", wrong.iter().map(|reason| format!("  ← {reason}")).collect::<String>());
        if wrong.is_empty() { passed += 1 } else { failed += 1 }
    }
    let verdict = if failed == 0 { "ok" } else { "FAILED" };
    println!("test result: {verdict}. {passed} passed; {failed} failed");
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What was seen of one attack.
struct Row {
    name: &'static str,
    attacker: Tally,
    victims: Served,
    before_kib: u64,
    most_kib: u64,
    /// Client connections that the gateway still has after the attackers have gone.
    left: u64,
    panics: u64,
}

async fn run(attack: &'static Attack, length: Duration) -> Result<Row> {
    let target = Target::start().await?;
    let mut victims = Victims::start(target.address());
    // So that what serving takes is in the first figure.
    victims.served(20).await?;
    let before_kib = target.resident_kib()?;
    let attackers = hostile::begin(attack, target.address());
    let end = Instant::now() + length;
    let mut most_kib = before_kib;
    while Instant::now() < end {
        sleep_until((Instant::now() + LOOK).min(end)).await;
        most_kib = most_kib.max(target.resident_kib().context("the gateway has ended")?);
    }
    let attacker = attackers.stop().await;
    let served = victims.stop().await?;
    let left = target.connections_left().await;
    let panics = target.panics().await;
    Ok(Row { name: attack.name, attacker, victims: served, before_kib, most_kib, left, panics })
}

impl Row {
    const TITLES: &str =
        "attack               opened    written  answered | served failed  p99 ms | MiB before  most | left panics";

    fn text(&self) -> String {
        let mib = |kib: u64| kib as f64 / 1024.0;
        let Self { name, attacker, victims, .. } = self;
        format!(
            "{name:<18} {:>8} {:>6.1} MiB {:>5.1} MiB | {:>6} {:>6} {:>7.1} | {:>10.1} {:>5.1} | {:>4} {:>6}",
            attacker.opened,
            mib(attacker.written / 1024),
            mib(attacker.read / 1024),
            victims.succeeded,
            victims.failed.len(),
            victims.p99_ms(),
            mib(self.before_kib),
            mib(self.most_kib),
            self.left,
            self.panics,
        )
    }

    /// Why the attack had its way.
    fn wrong(&self) -> Vec<String> {
        let mut wrong: Vec<String> =
            self.victims.failed.first().map(|reason| format!("a request failed: {reason}")).into_iter().collect();
        let mut must = |holds: bool, reason: &str| {
            if !holds {
                wrong.push(reason.to_owned());
            }
        };
        must(self.victims.succeeded > 0, "nobody was served");
        must(self.most_kib <= RESIDENT_KIB, "too much memory");
        must(self.left == 0, "connections stay behind");
        must(self.panics == 0, "a panic");
        must(self.attacker.opened > 0, "the attacker did not come to connect");
        wrong
    }
}
