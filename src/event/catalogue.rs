//! The catalogue: every event type that Runbus knows, its payload and its class, in one table.

/// Calls `$callback!` with the whole catalogue.
///
/// One line an event type: `wire_name => Variant(payload type), class;`. The code "for each type" (the
/// [`Kind`](super::Kind) and [`Payload`](super::Payload) enums, the typed helpers, the JSON Schema) comes from here,
/// so that a new type is one line plus its payload struct.
macro_rules! catalogue {
    ($callback:ident) => {
        $callback! {
            execution_queued => ExecutionQueued(execution::Queued), Critical;
            execution_waiting => ExecutionWaiting(execution::Waiting), Critical;
            execution_started => ExecutionStarted(execution::Started), Critical;
            execution_completed => ExecutionCompleted(execution::Completed), Critical;
            execution_failed => ExecutionFailed(execution::Failed), Critical;
            execution_paused => ExecutionPaused(execution::Paused), Critical;
            execution_resumed => ExecutionResumed(execution::Resumed), Critical;
            execution_cancel_requested => ExecutionCancelRequested(execution::CancelRequested), Critical;
            execution_cancel_delivered => ExecutionCancelDelivered(execution::CancelDelivered), Critical;
            execution_cancelled => ExecutionCancelled(execution::Cancelled), Critical;
            attempt_superseded => AttemptSuperseded(execution::AttemptSuperseded), Critical;
            state_changed => StateChanged(state::Changed), Critical;
            state_conflict => StateConflict(state::Conflict), Critical;
            goal_progress => GoalProgress(goal::Progress), Critical;
            goal_achieved => GoalAchieved(goal::Achieved), Critical;
            constraint_violation => ConstraintViolation(goal::ConstraintViolation), Critical;
            stream_started => StreamStarted(stream::Started), Critical;
            stream_stopped => StreamStopped(stream::Stopped), Critical;
            node_loop_started => NodeLoopStarted(node::LoopStarted), Critical;
            node_loop_iteration => NodeLoopIteration(node::LoopIteration), Critical;
            node_loop_completed => NodeLoopCompleted(node::LoopCompleted), Critical;
            node_internal_output => NodeInternalOutput(node::InternalOutput), Critical;
            node_input_blocked => NodeInputBlocked(node::InputBlocked), Critical;
            node_stalled => NodeStalled(node::Stalled), Critical;
            llm_text_delta => LlmTextDelta(model::TextDelta), Coalescible;
            llm_reasoning_delta => LlmReasoningDelta(model::ReasoningDelta), Coalescible;
            llm_turn_completed => LlmTurnCompleted(model::TurnCompleted), Critical;
            llm_retry => LlmRetry(model::Retry), Critical;
            usage_updated => UsageUpdated(model::UsageUpdated), Critical;
            context_compacted => ContextCompacted(model::ContextCompacted), Critical;
            tool_call_delta => ToolCallDelta(tool::CallDelta), Coalescible;
            tool_call_started => ToolCallStarted(tool::CallStarted), Critical;
            tool_call_progress => ToolCallProgress(tool::CallProgress), Critical;
            tool_call_completed => ToolCallCompleted(tool::CallCompleted), Critical;
            tool_approval_requested => ToolApprovalRequested(tool::ApprovalRequested), Critical;
            tool_approval_decided => ToolApprovalDecided(tool::ApprovalDecided), Critical;
            tool_approval_expired => ToolApprovalExpired(tool::ApprovalExpired), Critical;
            client_output_delta => ClientOutputDelta(client::OutputDelta), Coalescible;
            client_input_requested => ClientInputRequested(client::InputRequested), Critical;
            client_input_received => ClientInputReceived(client::InputReceived), Critical;
            subagent_started => SubagentStarted(session::SubagentStarted), Critical;
            subagent_completed => SubagentCompleted(session::SubagentCompleted), Critical;
            subagent_failed => SubagentFailed(session::SubagentFailed), Critical;
            session_closed => SessionClosed(session::Closed), Critical;
            session_dead_lettered => SessionDeadLettered(session::DeadLettered), Critical;
            dead_letter_retried => DeadLetterRetried(session::DeadLetterRetried), Critical;
            webhook_failed => WebhookFailed(webhook::Failed), Critical;
            custom => Custom(custom::Custom), Critical;
        }
    };
}
pub(crate) use catalogue;
