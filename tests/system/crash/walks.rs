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

/// Which writes are walked: all, or every so many.
fn stride(real: bool) -> usize {
    let all = std::env::var("RUNBUS_WALK").is_ok_and(|which| which == "all");
    if real && !all { 7 } else { 1 }
}

/// Those scenarios whose name has this in it.
fn chosen() -> Vec<Arc<Scenario>> {
    let only = std::env::var("RUNBUS_WALK_ONLY").unwrap_or_default();
    scenarios::all().into_iter().filter(|scenario| scenario.name.contains(&only)).collect()
}

fn say(text: &str) {
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("{text}\n").as_bytes());
}

async fn undisturbed(servers: &Servers, scenario: &Arc<Scenario>) -> Walked {
    let walked = walk(servers.clone(), scenario.clone(), None, Verdict::Resume).await;
    assert!(!walked.struck && walked.outcome.paused.is_empty(), "{}", scenario.name);
    assert_eq!(walked.outcome.superseded, 0, "{}", scenario.name);
    walked
}

/// Walks through faults and returns what went wrong.
async fn through(
    servers: &Servers,
    scenario: &Arc<Scenario>,
    expected: &Outcome,
    faults: Vec<Fault>,
) -> Vec<String> {
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
        "{}: {count} walks, {struck} struck, {paused} left a call pending, {} wrong, {:.1?}",
        scenario.name,
        wrong.len(),
        begun.elapsed()
    ));
    wrong
}

async fn through_all(servers: Servers, real: bool, blow: Blow, moments: &[Moment], stride: usize) {
    let mut wrong = Vec::new();
    for scenario in chosen() {
        let calm = undisturbed(&servers, &scenario).await;
        let writes = calm.writes.len();
        say(&format!(
            "{}: {writes} writes, {}",
            scenario.name,
            if real { "real servers" } else { "embedded" }
        ));
        let faults = (1..=writes)
            .step_by(stride)
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

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_may_die_at_any_write() {
    through_all(Servers::Embedded, false, Blow::Kill, &BOTH, stride(false)).await;
}
