//! The order of executions, and their number at a time.

use std::collections::VecDeque;

use runbus::control::StartRequest;
use runbus::session::command::{Priority, Scheduling};
use serde_json::json;

use super::kit::{Crew, Stage, execution, on_each};
use super::tools::Probe;

async fn start(stage: &Stage, id: &str, n: usize, scheduling: Scheduling) {
    let request = StartRequest {
        execution_id: Some(execution(id)),
        scheduling,
        ..StartRequest::new("clerk", json!([["mark", { "n": n }]]))
    };
    stage.control.start(request).await.unwrap();
}

fn rank(priority: Priority) -> Scheduling {
    Scheduling { priority, ..Scheduling::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_highest_rank_comes_first_and_the_lowest_is_not_starved() {
    on_each(async |stage| {
        let (tool, calls) = Probe::new("mark");
        let crew = Crew::new().agent("clerk", &["mark"]).tool(tool).config(|config| config.concurrency = 1);
        let ranks = [Priority::Low, Priority::Normal, Priority::High];
        for (n, priority) in ranks.into_iter().enumerate() {
            for m in 0..2 {
                start(&stage, &format!("{n} {m}"), n, rank(priority)).await;
            }
        }
        let worker = crew.hire(&stage);
        for id in ["0 0", "0 1"] {
            stage.output(id).await;
        }
        let order: Vec<_> = calls.all().iter().map(|call| call["n"].as_u64().unwrap()).collect();
        assert_eq!(order, [2, 2, 1, 1, 0, 0]);
        worker.leave().await;

        // Under a load of high ones that never ends, a low one has its turn.
        start(&stage, "low", 0, rank(Priority::Low)).await;
        for n in 0..24 {
            start(&stage, &format!("high {n}"), 2, rank(Priority::High)).await;
        }
        let worker = crew.hire(&stage);
        stage.output("low").await;
        stage.output("high 23").await;
        let order: Vec<_> = calls.all()[6..].iter().map(|call| call["n"].as_u64().unwrap()).collect();
        let turn = order.iter().position(|n| *n == 0).unwrap();
        assert!(turn < 16, "it was number {turn}");
        worker.leave().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_tenant_does_not_hold_up_the_other() {
    on_each(async |stage| {
        let (tool, mut begins) = Probe::held("mark");
        let crew = Crew::new().agent("clerk", &["mark"]).tool(tool).config(|config| config.max_per_key = 2);
        // Two workers: the limit is one over all of them.
        let workers = [crew.hire(&stage), crew.hire(&stage)];
        let of = |tenant: &str| Scheduling { concurrency_key: Some(tenant.into()), ..Scheduling::default() };
        for n in 0..20 {
            start(&stage, &format!("big {n}"), 0, of("big")).await;
        }
        let mut at_work = VecDeque::from(begins.some(2).await);
        // Both places of the big one are taken, and stay it while the small one is served.
        for n in 0..3 {
            start(&stage, &format!("small {n}"), 1, of("small")).await;
            let begun = begins.next().await;
            assert_eq!(begun.arguments["n"], 1, "a third one of the big tenant began");
            begun.answer("served");
            stage.output(&format!("small {n}")).await;
        }
        for left in (0..20).rev() {
            at_work.pop_front().unwrap().answer("served");
            if left >= 2 {
                at_work.push_back(begins.next().await);
            }
            assert!(at_work.len() <= 2);
        }
        for n in 0..20 {
            stage.output(&format!("big {n}")).await;
        }
        for worker in workers {
            worker.leave().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_run_at_once_than_the_worker_takes() {
    on_each(async |stage| {
        let (tool, mut begins) = Probe::held("mark");
        let crew = Crew::new().agent("clerk", &["mark"]).tool(tool).config(|config| config.concurrency = 3);
        let worker = crew.hire(&stage);
        for n in 0..12 {
            start(&stage, &n.to_string(), n, Scheduling::default()).await;
        }
        let mut at_work = VecDeque::from(begins.some(3).await);
        for left in (0..12).rev() {
            assert!(begins.none(), "a fourth one began");
            at_work.pop_front().unwrap().answer("done");
            if left >= 3 {
                at_work.push_back(begins.next().await);
            }
        }
        for n in 0..12 {
            assert_eq!(stage.output(&n.to_string()).await, "results: done");
        }
        worker.leave().await;
    })
    .await;
}
