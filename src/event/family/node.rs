//! Nodes: steps inside a stream's graph.

super::payloads! {
    /// A node began its loop.
    LoopStarted {
        /// Its safety valve: rounds at most.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max_iterations: Option<u32>,
        /// Which pass of the graph's cycle this is, from 1.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        iteration: Option<u32>,
    }
    /// A round of a node's loop began.
    LoopIteration {
        /// From 1.
        iteration: u32,
        /// Names the message that the model's answer becomes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message_id: Option<String>,
    }
    /// A node ended its loop.
    LoopCompleted {
        /// Rounds that it took.
        iterations: u32,
    }
    /// Output of a node that is not client-facing.
    InternalOutput {
        /// The text.
        content: String,
        /// The structured output, where the node has one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output: Option<serde_json::Value>,
    }
    /// A node needs input that nobody gave.
    InputBlocked {
        /// The question.
        #[serde(default)]
        prompt: String,
    }
    /// A node makes no progress.
    Stalled {
        /// Why, as far as it is known.
        #[serde(default)]
        reason: String,
    }
}
