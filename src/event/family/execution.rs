//! Executions: start, end, pause, cancel, and attempts that took over.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::event::tree::Above;

super::payloads! {
    /// Somebody asked for an execution; a worker will take it.
    #[derive(Default)]
    Queued {
        /// The agent or graph that it will run.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        definition: Option<String>,
        /// `sha256:` and the hexadecimal SHA-256 of what was asked for, `[definition, input]` as canonical JSON.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        request_digest: Option<String>,
        /// Labels, as the start gave them.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        labels: BTreeMap<String, String>,
        /// The execution that started it as a sub-agent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parent: Option<Above>,
    }
    /// No worker that is there can run the execution: it waits for one that can.
    Waiting {
        /// The missing capability or capacity, in words.
        waits_for: String,
        /// The agent or graph that it runs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        definition: Option<String>,
        /// The tool that is missing; absent: the definition is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tool: Option<String>,
    }
    /// An execution began.
    Started {
        /// The input of the execution.
        #[serde(default)]
        input: Value,
        /// The agent or graph that it runs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        definition: Option<String>,
    }
    /// An execution ended well. Terminal.
    Completed {
        /// Its result.
        #[serde(default)]
        output: Value,
    }
    /// An execution ended badly. Terminal.
    Failed {
        /// The error: for Runbus's own workers an object `{code, message, ...}`; other producers send text.
        #[serde(default)]
        error: Value,
    }
    /// An execution waits, by command or for a decision.
    Paused {
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    }
    /// A paused execution goes on.
    Resumed {
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    }
    /// Somebody asked to stop the execution; it is still running.
    CancelRequested {
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// The person or program that asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        requested_by: Option<String>,
    }
    /// The execution's owner has heard that it is to stop: nothing is begun any more.
    CancelDelivered {
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    }
    /// An execution was stopped. Terminal.
    Cancelled {
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    }
    /// A new worker took the execution over. Streamed output of model calls that it repeats is void.
    AttemptSuperseded {
        /// The attempt that ended.
        superseded_attempt: u32,
        /// The attempt that goes on.
        attempt: u32,
        /// `seq` of the first event that the new attempt does not stand by: deltas and `node_loop_iteration` from there on
        /// that no `llm_turn_completed` of their node closed are void; branches that did stay. Absent: nothing is void.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        void_from: Option<u64>,
        /// Why the other one ended, as far as it is known.
        reason: String,
    }
}
