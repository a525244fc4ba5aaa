//! All walks of all scenarios.

use std::sync::Arc;
use std::time::Instant;

use futures_util::StreamExt;

use super::outcome::Outcome;
use super::scenario::{Scenario, Verdict};
use super::scenarios;
use super::site::Servers;
use super::walk::{Walked, walk};
use crate::failpoints::{Blow, Fault, Moment};

/// Walks at the same time: their waits for takeovers overlap.
const AT_ONCE: usize = 16;

/// `RUNBUS_WALK=all`: every write everywhere. `RUNBUS_WALK_ONLY`: scenarios with this in their name. `RUNBUS_WALK_SHOW`:
/// prints the undisturbed outcomes and writes.
#[expect(clippy::disallowed_methods, reason = "a test has no other configuration")]
fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

/// Which writes are walked: every so many, or all.
fn stride(usual: usize) -> usize {
    if setting("RUNBUS_WALK") == "all" { 1 } else { usual }
}

/// Those scenarios whose name has this in it.
fn chosen() -> Vec<Arc<Scenario>> {
    let only = setting("RUNBUS_WALK_ONLY");
    scenarios::all().into_iter().filter(|scenario| scenario.name.contains(&only)).collect()
}

fn say(text: &str) {
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("{text}\n").as_bytes());
}

async fn undisturbed(servers: &Servers, scenario: &Arc<Scenario>) -> Walked {
    let walked = walk(servers.clone(), scenario.clone(), None, Verdict::Resume).await;
    assert!(!walked.struck && walked.outcome.paused.is_empty(), "{}", scenario.name);
    assert_eq!(walked.outcome.superseded, 0, "{}", scenario.name);
    if !setting("RUNBUS_WALK_SHOW").is_empty() {
        say(&format!("{:#?}\n{:#?}", walked.outcome, walked.writes));
    }
    walked
}

/// Walks through faults and returns what went wrong.
async fn through(
    servers: &Servers,
    scenario: &Arc<Scenario>,
    expected: &Outcome,
    faults: Vec<Fault>,
) -> Vec<String> {
    let (blow, writes) = (faults[0].blow, faults.iter().map(|fault| fault.write).max().unwrap_or_default());
    let begun = Instant::now();
    let (count, mut struck, mut paused) = (faults.len(), 0, 0);
    let walks = faults.into_iter().map(|fault| {
        let verdict = if fault.write % 2 == 0 { Verdict::Resume } else { Verdict::Abort };
        let walking = tokio::spawn(walk(servers.clone(), scenario.clone(), Some(fault), verdict));
        async move { (fault, verdict, walking.await) }
    });
    let mut wrong = Vec::new();
    let mut walks = futures_util::stream::iter(walks).buffer_unordered(AT_ONCE);
    while let Some((fault, verdict, walked)) = walks.next().await {
        let place = format!("{}, {fault:?}, {verdict:?}", scenario.name);
        match walked {
            Err(error) => {
                let panic = error.into_panic();
                let text = panic
                    .downcast_ref::<String>()
                    .map(String::as_str)
                    .or(panic.downcast_ref::<&str>().copied());
                wrong.push(format!("{place}: {}", text.unwrap_or("it panicked")));
            }
            Ok(walked) => {
                struck += usize::from(walked.struck);
                paused += usize::from(!walked.outcome.paused.is_empty());
                let at = walked.writes.get(fault.write - 1).map_or("nothing", String::as_str);
                if let Some(difference) = walked.outcome.differs(expected, verdict) {
                    wrong.push(format!("{place}, at {at}: {difference}"));
                }
            }
        }
    }
    say(&format!(
        "{}: to write {writes}, {count} walks of {blow:?}, {struck} struck, {paused} left a call pending, {} wrong, {:.1?}",
        scenario.name,
        wrong.len(),
        begun.elapsed()
    ));
    wrong
}

async fn through_all(servers: Servers, blow: Blow, moments: &[Moment], usual: usize) {
    let mut wrong = Vec::new();
    for scenario in chosen() {
        let calm = undisturbed(&servers, &scenario).await;
        let writes = calm.writes.len();
        let faults = (1..=writes)
            .step_by(stride(usual))
            .flat_map(|write| moments.iter().map(move |moment| Fault { write, moment: *moment, blow }));
        wrong.extend(through(&servers, &scenario, &calm.outcome, faults.collect()).await);
    }
    let shown: Vec<&String> = wrong.iter().take(8).collect();
    for text in shown {
        say(&format!("\n{text}"));
    }
    assert!(wrong.is_empty(), "{} walks went wrong", wrong.len());
}

const BOTH: [Moment; 2] = [Moment::Before, Moment::After];

/// On the embedded backend, where a walk of all writes takes long enough for one blow: every so many for the others.
const EMBEDDED: usize = 7;

/// On NATS and Redis: every so many.
const REAL: usize = 17;

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_may_die_at_any_write() {
    through_all(Servers::Embedded, Blow::Kill, &BOTH, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_may_die_on_nats_and_redis() {
    through_all(Servers::real(), Blow::Kill, &BOTH, REAL).await;
}

/// The store may be wiped at any write, and a worker may die at that moment.
#[tokio::test(flavor = "multi_thread")]
async fn the_store_may_be_wiped_at_any_write() {
    for (servers, usual) in [(Servers::Embedded, EMBEDDED), (Servers::real(), REAL)] {
        through_all(servers.clone(), Blow::Wipe, &[Moment::Before], usual).await;
        through_all(servers, Blow::KillAndWipe, &[Moment::After], 2 * usual).await;
    }
}

/// A worker stands still at a write until another one has ended what it had begun. Then it goes on, and believes that it
/// is the owner: nothing that it tries succeeds, and nobody hears of it.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_owners_one_can_write() {
    for (servers, usual) in [(Servers::Embedded, EMBEDDED), (Servers::real(), REAL)] {
        through_all(servers, Blow::Hold, &BOTH, usual).await;
    }
}
