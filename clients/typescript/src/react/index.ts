/** React hooks over a client: what an execution shows, and what waits for a person. */
import { useEffect, useMemo, useState, useSyncExternalStore } from "react";
import type { Approval, Client, ExecutionOptions, ExecutionState, ExecutionView } from "@runbus/client";

export interface ExecutionHook {
  /** The newest state; `undefined` until there is one. */
  state: ExecutionState | undefined;
  /** Why the execution cannot be followed. */
  error: unknown;
}

export interface ApprovalsHook extends ExecutionHook {
  approvals: readonly Approval[];
  approve(approval: Approval, note?: string): Promise<unknown>;
  reject(approval: Approval, note?: string): Promise<unknown>;
}

const none = () => {};
const NOTHING: readonly Approval[] = [];

/** Follows an execution while the component is mounted. Without an id it follows nothing. */
export function useExecution(client: Client, id: string | undefined, options: ExecutionOptions = {}): ExecutionHook {
  const { stream_id } = options;
  const [view, setView] = useState<ExecutionView>();
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    setError(undefined);
    setView(undefined);
    if (id === undefined) return;
    let mounted = true;
    let made: ExecutionView | undefined;
    try {
      made = client.execution(id, stream_id === undefined ? {} : { stream_id });
      made.done.catch((reason) => mounted && setError(reason));
      setView(made);
    } catch (reason) {
      setError(reason);
    }
    return () => {
      mounted = false;
      made?.close();
    };
  }, [client, id, stream_id]);
  const state = useSyncExternalStore(
    useMemo(() => (listener: () => void) => view?.onChange(listener) ?? none, [view]),
    () => view?.state,
    () => undefined,
  );
  return { state, error };
}

/** The requests that wait in an execution, and the functions that decide them. */
export function useApprovals(client: Client, id: string | undefined, options?: ExecutionOptions): ApprovalsHook {
  const hook = useExecution(client, id, options);
  const decide = useMemo(() => {
    const say = (approved: boolean) => (approval: Approval, note?: string) =>
      client.decide(approval.approval_id, {
        approved,
        // Bound to the arguments that were shown.
        ...(approval.arguments_digest === undefined ? {} : { arguments_digest: approval.arguments_digest }),
        ...(note === undefined ? {} : { note }),
      });
    return { approve: say(true), reject: say(false) };
  }, [client]);
  return { ...hook, approvals: hook.state?.approvals ?? NOTHING, ...decide };
}
