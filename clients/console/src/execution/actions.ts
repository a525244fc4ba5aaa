/** The actions on an execution. Each is asked for first, with its command; a lost answer is repeated under the same id. */
import type { ExecutionStatus } from "@runbus/client";
import { onExecution, retry as retryCommand } from "../lib/commands";
import { dialogs } from "../lib/dialogs.svelte";
import { middle } from "../lib/format";
import { go, href } from "../lib/router.svelte";
import { ask, words } from "../lib/rest";
import { session } from "../lib/session.svelte";
import { toasts } from "../lib/toasts.svelte";
import { over } from "./view.svelte";

export interface Known {
  execution_id: string;
  stream_id?: string | undefined;
  session_id?: string | undefined;
  status?: ExecutionStatus | undefined;
}

export const around = () => ({ auth: session.standing !== "open" });

export function mayCancel(one: Known): boolean {
  return !over(one.status) && session.can("cancel", { stream: one.stream_id, execution: one.execution_id });
}

export async function cancel(one: Known): Promise<void> {
  const agreed = await dialogs.confirm({
    title: "Cancel this execution?",
    detail: `${middle(one.execution_id, 60)} stops what it does and ends as cancelled.`,
    action: "Cancel it",
    danger: true,
    input: "Reason (optional)",
    commands: (reason) => onExecution(one.execution_id, "cancel", reason, around()),
  });
  if (!agreed) return;
  const reason = agreed.text.trim();
  await attempt(async () => {
    const { cancel } = await session.client.cancel(one.execution_id, { ...(reason ? { reason } : {}) });
    return cancel === "cancelled" ? "It was cancelled before" : "The execution is asked to stop";
  });
}

export async function pause(one: Known): Promise<void> {
  const agreed = await dialogs.confirm({
    title: "Pause this execution?",
    detail: "It finishes the step that it does now, and begins no other.",
    action: "Pause it",
    input: "Reason (optional)",
    commands: (reason) => onExecution(one.execution_id, "pause", reason, around()),
  });
  if (!agreed) return;
  const reason = agreed.text.trim();
  await attempt(async () => {
    await session.client.pause(one.execution_id, { ...(reason ? { reason } : {}) });
    return "The execution pauses behind its present step";
  });
}

export async function resume(one: Known): Promise<void> {
  const agreed = await dialogs.confirm({
    title: "Let this execution go on?",
    action: "Go on",
    commands: () => onExecution(one.execution_id, "resume", "", around()),
  });
  if (!agreed) return;
  await attempt(async () => {
    await session.client.unpause(one.execution_id);
    return "The execution goes on";
  });
}

/** Tries a dead execution again: needs an administrator's credential, which no token of a page carries. */
export async function retryDead(execution: string): Promise<void> {
  const agreed = await dialogs.confirm({
    title: "Try this execution again?",
    detail: "A new execution begins in the same session with the same input.",
    action: "Try again",
    commands: () => retryCommand(execution, around()),
  });
  if (!agreed) return;
  await attempt(async () => {
    const { execution_id } = await retryNow(execution);
    go(href(["executions", execution_id]));
    return "A new execution has begun";
  });
}

export const retryNow = (execution: string): Promise<{ execution_id: string }> =>
  ask("POST", ["dead-letters", execution, "retry"], { token: session.credential, body: {} });

async function attempt(run: () => Promise<string>): Promise<void> {
  try {
    toasts.say(await run(), "good");
  } catch (error) {
    if (!session.hear(error)) toasts.say(words(error), "bad");
  }
}
