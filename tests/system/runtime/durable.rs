//! Waiting executions survive the end of everything that runs: processes, connections, the whole store.

use runbus::event::{Kind, Payload};
use runbus::execution::Status;
use runbus::session::approval::Standing;
use serde_json::json;

use super::approvals::{approve, cashier};
use super::kit::{Stage, session, show};
use crate::backends::Lasting;

/// An approval is asked for, decided without any worker, and consumed once by a fresh one; between the three, everything
/// ends and begins again, and the store forgets all it had.
#[tokio::test(flavor = "multi_thread")]
async fn an_approval_outlives_everything() {
    for lasting in Lasting::all() {
        let (crew, paid) = cashier();
        let stage: Stage = lasting.open().await.into();
        show(&format!("on {}", stage.name));
        let worker = crew.hire(&stage);
        stage.start("cashier", "s", json!([["pay", {"n": 1}], ["pay", {"n": 2}]])).await;
        stage.nth("s", Kind::ToolApprovalRequested, 2).await;
        worker.die().await;
        drop(stage);
        lasting.forget_store();

        let stage: Stage = lasting.open().await.into();
        let ids = stage.approvals("s").await;
        assert_eq!(ids.len(), 2);
        assert_eq!(stage.status("s").await, Status::WaitingForApproval);
        stage.control.decide(&ids[0], approve(), Some("ann".into())).await.unwrap();
        assert_eq!(stage.control.approval(&ids[0]).await.unwrap().status, Standing::Approved);
        drop(stage);
        lasting.forget_store();

        let stage: Stage = lasting.open().await.into();
        let late = stage.control.decide(&ids[0], approve(), Some("bob".into())).await;
        assert_eq!(late.unwrap_err().code(), "conflict");
        let workers = [crew.hire(&stage), crew.hire(&stage)];
        stage.wait("s", Kind::ToolCallCompleted).await;
        stage.control.decide(&ids[1], approve(), None).await.unwrap();
        assert_eq!(stage.output("s").await, r#"results: pay {"n":1} | pay {"n":2}"#);
        assert_eq!(paid.count(), 2, "each is paid once");
        let Payload::ToolApprovalDecided(decided) = stage.wait("s", Kind::ToolApprovalDecided).await else {
            panic!()
        };
        assert_eq!(decided.decided_by.as_deref(), Some("ann"));
        for id in &ids {
            assert_eq!(stage.control.approval(id).await.unwrap().status, Standing::Consumed);
        }
        lasting.forget_store();
        assert_eq!(stage.status("s").await, Status::Completed);
        assert_eq!(stage.control.session(&session("s")).await.unwrap().messages, 5);
        for worker in workers {
            worker.leave().await;
        }
    }
}
