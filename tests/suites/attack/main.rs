//! `tests/run attack`, or this program with arguments: a gateway under one attack after the other, each on a process of its own.
//!
//! An attack passes if meanwhile every request of well-behaved clients succeeds, the process stays below its memory, and afterwards it
//! lets go of what the attacker held. In: the gateway of the profile that this program was built with. Out: a table with what was seen, and failure if an
//! attack had its way. `attacks` is the list, `hostile` plays one, `victim` are the others, `target` is what is attacked.
//!
//! Loopback only, bounded by its arguments: `attack [SECONDS [NAME…]]`, 20 seconds each unless told otherwise.

#![allow(clippy::print_stdout, reason = "a program for a developer's terminal")]

mod attacks;
mod hostile;
mod target;
mod victim;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
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

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    let seconds =
        arguments.next().map_or(Ok(SECONDS), |text| text.parse()).context("usage: attack [SECONDS [NAME…]]")?;
    let names: Vec<String> = arguments.collect();
    for name in &names {
        let known = || ATTACKS.iter().map(|attack| attack.name).collect::<Vec<_>>().join(" ");
        ensure!(ATTACKS.iter().any(|attack| attack.name == name), "there is no attack {name}: choose from {}", known());
    }
    let chosen = ATTACKS.iter().filter(|attack| names.is_empty() || names.iter().any(|name| name == attack.name));
    let (mut passed, mut failed) = (0, 0);
    println!("{}", Row::TITLES);
    for attack in chosen {
        let outcome = run(attack, Duration::from_secs(seconds)).await;
        let row = outcome.as_ref().map_or_else(|error| format!("{:<18} {error:#}", attack.name), Row::text);
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
