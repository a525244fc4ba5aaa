"""Shorthands that publish one kind of event each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from .event import AgentEvent, EventType


class Emit(ABC):
    """`emit_*` for everything that has `publish`."""

    @abstractmethod
    async def publish(self, event: AgentEvent) -> None:
        """Publishes an event."""

    async def emit_execution_started(self, stream_id: str, execution_id: str, input_data: dict[str, Any] | None = None, correlation_id: str | None = None) -> None:
        """Publishes `execution_started`."""
        await self.publish(AgentEvent(EventType.EXECUTION_STARTED, stream_id=stream_id, execution_id=execution_id, data={"input": input_data or {}}, correlation_id=correlation_id))

    async def emit_execution_completed(self, stream_id: str, execution_id: str, output: dict[str, Any] | None = None, correlation_id: str | None = None) -> None:
        """Publishes `execution_completed`."""
        await self.publish(AgentEvent(EventType.EXECUTION_COMPLETED, stream_id=stream_id, execution_id=execution_id, data={"output": output or {}}, correlation_id=correlation_id))

    async def emit_execution_failed(self, stream_id: str, execution_id: str, error: str, correlation_id: str | None = None) -> None:
        """Publishes `execution_failed`."""
        await self.publish(AgentEvent(EventType.EXECUTION_FAILED, stream_id=stream_id, execution_id=execution_id, data={"error": error}, correlation_id=correlation_id))

    async def emit_goal_progress(self, stream_id: str, progress: float, criteria_status: dict[str, Any]) -> None:
        """Publishes `goal_progress`."""
        await self.publish(AgentEvent(EventType.GOAL_PROGRESS, stream_id=stream_id, data={"progress": progress, "criteria_status": criteria_status}))

    async def emit_constraint_violation(self, stream_id: str, execution_id: str, constraint_id: str, description: str) -> None:
        """Publishes `constraint_violation`."""
        await self.publish(AgentEvent(EventType.CONSTRAINT_VIOLATION, stream_id=stream_id, execution_id=execution_id, data={"constraint_id": constraint_id, "description": description}))

    async def emit_state_changed(self, stream_id: str, execution_id: str, key: str, old_value: Any, new_value: Any, scope: str) -> None:
        """Publishes `state_changed`."""
        await self.publish(AgentEvent(EventType.STATE_CHANGED, stream_id=stream_id, execution_id=execution_id, data={"key": key, "old_value": old_value, "new_value": new_value, "scope": scope}))

    async def emit_node_loop_started(self, stream_id: str, node_id: str, execution_id: str | None = None, max_iterations: int | None = None) -> None:
        """Publishes `node_loop_started`."""
        await self.publish(AgentEvent(EventType.NODE_LOOP_STARTED, stream_id=stream_id, node_id=node_id, execution_id=execution_id, data={"max_iterations": max_iterations}))

    async def emit_node_loop_iteration(self, stream_id: str, node_id: str, iteration: int, execution_id: str | None = None) -> None:
        """Publishes `node_loop_iteration`."""
        await self.publish(AgentEvent(EventType.NODE_LOOP_ITERATION, stream_id=stream_id, node_id=node_id, execution_id=execution_id, data={"iteration": iteration}))

    async def emit_node_loop_completed(self, stream_id: str, node_id: str, iterations: int, execution_id: str | None = None) -> None:
        """Publishes `node_loop_completed`."""
        await self.publish(AgentEvent(EventType.NODE_LOOP_COMPLETED, stream_id=stream_id, node_id=node_id, execution_id=execution_id, data={"iterations": iterations}))

    async def emit_llm_text_delta(self, stream_id: str, node_id: str, content: str, snapshot: str, execution_id: str | None = None) -> None:
        """Publishes `llm_text_delta`."""
        await self.publish(AgentEvent(EventType.LLM_TEXT_DELTA, stream_id=stream_id, node_id=node_id, execution_id=execution_id, data={"content": content, "snapshot": snapshot}))

    async def emit_llm_reasoning_delta(self, stream_id: str, node_id: str, content: str, execution_id: str | None = None) -> None:
        """Publishes `llm_reasoning_delta`."""
        await self.publish(AgentEvent(EventType.LLM_REASONING_DELTA, stream_id=stream_id, node_id=node_id, execution_id=execution_id, data={"content": content}))

    async def emit_tool_call_started(self, stream_id: str, node_id: str, tool_use_id: str, tool_name: str, tool_input: dict[str, Any] | None = None, execution_id: str | None = None) -> None:
        """Publishes `tool_call_started`."""
        await self.publish(AgentEvent(EventType.TOOL_CALL_STARTED, stream_id=stream_id, node_id=node_id, execution_id=execution_id, data={"tool_use_id": tool_use_id, "tool_name": tool_name, "tool_input": tool_input or {}}))

    async def emit_tool_call_completed(self, stream_id: str, node_id: str, tool_use_id: str, tool_name: str, result: str = "", is_error: bool = False, execution_id: str | None = None) -> None:
        """Publishes `tool_call_completed`."""
        await self.publish(AgentEvent(EventType.TOOL_CALL_COMPLETED, stream_id=stream_id, node_id=node_id, execution_id=execution_id, data={"tool_use_id": tool_use_id, "tool_name": tool_name, "result": result, "is_error": is_error}))

    async def emit_client_output_delta(self, stream_id: str, node_id: str, content: str, snapshot: str, execution_id: str | None = None) -> None:
        """Publishes `client_output_delta`."""
        await self.publish(AgentEvent(EventType.CLIENT_OUTPUT_DELTA, stream_id=stream_id, node_id=node_id, execution_id=execution_id, data={"content": content, "snapshot": snapshot}))

    async def emit_client_input_requested(self, stream_id: str, node_id: str, prompt: str = "", execution_id: str | None = None) -> None:
        """Publishes `client_input_requested`."""
        await self.publish(AgentEvent(EventType.CLIENT_INPUT_REQUESTED, stream_id=stream_id, node_id=node_id, execution_id=execution_id, data={"prompt": prompt}))

    async def emit_node_internal_output(self, stream_id: str, node_id: str, content: str, execution_id: str | None = None) -> None:
        """Publishes `node_internal_output`."""
        await self.publish(AgentEvent(EventType.NODE_INTERNAL_OUTPUT, stream_id=stream_id, node_id=node_id, execution_id=execution_id, data={"content": content}))

    async def emit_node_stalled(self, stream_id: str, node_id: str, reason: str = "", execution_id: str | None = None) -> None:
        """Publishes `node_stalled`."""
        await self.publish(AgentEvent(EventType.NODE_STALLED, stream_id=stream_id, node_id=node_id, execution_id=execution_id, data={"reason": reason}))

    async def emit_node_input_blocked(self, stream_id: str, node_id: str, prompt: str = "", execution_id: str | None = None) -> None:
        """Publishes `node_input_blocked`."""
        await self.publish(AgentEvent(EventType.NODE_INPUT_BLOCKED, stream_id=stream_id, node_id=node_id, execution_id=execution_id, data={"prompt": prompt}))

    async def emit_judge_verdict(self, stream_id: str, node_id: str, action: str, feedback: str = "", judge_type: str = "implicit", iteration: int = 0, execution_id: str | None = None) -> None:
        """Publishes `judge_verdict`."""
        await self.publish(AgentEvent(EventType.JUDGE_VERDICT, stream_id=stream_id, node_id=node_id, execution_id=execution_id, data={"action": action, "feedback": feedback, "judge_type": judge_type, "iteration": iteration}))

    async def emit_output_key_set(self, stream_id: str, node_id: str, key: str, execution_id: str | None = None) -> None:
        """Publishes `output_key_set`."""
        await self.publish(AgentEvent(EventType.OUTPUT_KEY_SET, stream_id=stream_id, node_id=node_id, execution_id=execution_id, data={"key": key}))

    async def emit_node_retry(self, stream_id: str, node_id: str, retry_count: int, max_retries: int, error: str = "", execution_id: str | None = None) -> None:
        """Publishes `node_retry`."""
        await self.publish(AgentEvent(EventType.NODE_RETRY, stream_id=stream_id, node_id=node_id, execution_id=execution_id, data={"retry_count": retry_count, "max_retries": max_retries, "error": error}))

    async def emit_edge_traversed(self, stream_id: str, source_node: str, target_node: str, edge_condition: str = "", execution_id: str | None = None) -> None:
        """Publishes `edge_traversed`."""
        await self.publish(AgentEvent(EventType.EDGE_TRAVERSED, stream_id=stream_id, node_id=source_node, execution_id=execution_id, data={"source_node": source_node, "target_node": target_node, "edge_condition": edge_condition}))

    async def emit_execution_paused(self, stream_id: str, node_id: str, reason: str = "", execution_id: str | None = None) -> None:
        """Publishes `execution_paused`."""
        await self.publish(AgentEvent(EventType.EXECUTION_PAUSED, stream_id=stream_id, node_id=node_id, execution_id=execution_id, data={"reason": reason}))

    async def emit_execution_resumed(self, stream_id: str, node_id: str, execution_id: str | None = None) -> None:
        """Publishes `execution_resumed`."""
        await self.publish(AgentEvent(EventType.EXECUTION_RESUMED, stream_id=stream_id, node_id=node_id, execution_id=execution_id))

    async def emit_webhook_received(self, source_id: str, path: str, method: str, headers: dict[str, str], payload: dict[str, Any], query_params: dict[str, str] | None = None) -> None:
        """Publishes `webhook_received`."""
        await self.publish(AgentEvent(EventType.WEBHOOK_RECEIVED, stream_id=source_id, data={"path": path, "method": method, "headers": headers, "payload": payload, "query_params": query_params or {}}))

