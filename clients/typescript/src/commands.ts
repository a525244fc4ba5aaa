/**
 * Commands and questions that have one answer.
 *
 * A command carries an id of its own, made here when the caller gives none. So a lost answer is asked for again, on any
 * gateway, and nothing is done twice.
 */
import type * as api from "./api.js";
import * as check from "./check.js";
import type { Context } from "./context.js";
import { defined } from "./defined.js";
import { NAME_BYTES } from "./limits.js";
import type { Abortable } from "./options.js";
import { request, type Call } from "./rest.js";
import type { Snapshot } from "./types/snapshot.js";

export class Commands {
  protected readonly context: Context;

  constructor(context: Context) {
    this.context = context;
  }

  /** Starts an execution. */
  start(start: api.StartRequest, options?: Abortable): Promise<api.Started> {
    check.id(start.definition, "definition");
    return this.#do(["executions"], withId("execution_id", start), options);
  }

  /** Begins a session: says something to a new conversation. */
  begin(begin: api.BeginRequest, options?: Abortable): Promise<api.Started> {
    check.id(begin.definition, "definition");
    return this.#do(["sessions"], withId("execution_id", begin), options);
  }

  /** Says something to a session. */
  send(session: string, say: api.SendRequest, options?: Abortable): Promise<api.Started> {
    return this.#do(ofSession(session, "messages"), withId("execution_id", say), options);
  }

  cancel(
    execution: string,
    options: Abortable & { reason?: string; session_id?: string } = {},
  ): Promise<api.Acknowledged> {
    return this.#onExecution(execution, "cancel", options);
  }

  /** Lets an execution begin no further step. */
  pause(execution: string, options: Abortable & { reason?: string } = {}): Promise<api.Acknowledged> {
    return this.#onExecution(execution, "pause", options);
  }

  /** Lets a paused execution go on. */
  unpause(execution: string, options: Abortable = {}): Promise<api.Acknowledged> {
    return this.#onExecution(execution, "resume", options);
  }

  /** Decides a call that waits for approval. The first decision counts. */
  decide(approval: string, decision: api.DecideRequest, options?: Abortable): Promise<api.Decided> {
    return this.#do(["approvals", name(approval, "approval_id"), "decision"], withId("decision_id", decision), options);
  }

  /** Answers a question. The first answer counts. */
  answer(question: string, input: unknown, options: Abortable & { answer_id?: string } = {}): Promise<api.Decided> {
    const { signal, ...rest } = options;
    const body = withId("answer_id", { input, ...rest });
    return this.#do(["questions", name(question, "request_id"), "answer"], body, { signal });
  }

  /** Finishes a session's unresolved calls and goes on. It has no id: a lost answer is the error `outcome_unknown`. */
  resume(session: string, { signal }: Abortable = {}): Promise<api.Started> {
    const path = ofSession(session, "resume");
    return request(this.context, "POST", path, { signal, repeatable: false });
  }

  /** Answers a session's unresolved calls with `<aborted: reason>` and goes on. */
  abortPending(session: string, options: Abortable & { reason?: string } = {}): Promise<api.AbortedCalls> {
    return this.#onSession(session, "abort_pending", options);
  }

  /** Ends a session: it takes no more input. */
  closeSession(
    session: string,
    options: Abortable & { cascade?: boolean; reason?: string } = {},
  ): Promise<api.Session> {
    return this.#onSession(session, "close", options);
  }

  /** Tries an execution again that no worker could finish. */
  retryDeadLetter(execution: string, options?: Abortable): Promise<api.Started> {
    return this.#do(["dead-letters", check.id(execution, "execution_id"), "retry"], {}, options);
  }

  /** Mints a short-lived token for a page. */
  mintToken(
    options: Abortable & { scopes?: readonly string[]; ttl_s?: number } = {},
  ): Promise<api.StreamToken> {
    const { signal, ...body } = options;
    return this.#do(["auth", "tokens"], body, { signal });
  }

  status(execution: string, options?: Abortable): Promise<api.ExecutionInfo> {
    return this.#get(ofExecution(execution), options);
  }

  /** The state of an execution, `at` a cursor or now. For the live state use `execution`. */
  snapshot(execution: string, options: Abortable & { at?: string } = {}): Promise<Snapshot> {
    return this.#get(ofExecution(execution, "snapshot"), options, { at: options.at });
  }

  approvals(execution: string, options?: Abortable): Promise<api.Approvals> {
    return this.#get(ofExecution(execution, "approvals"), options);
  }

  approval(approval: string, options?: Abortable): Promise<api.PendingApproval> {
    return this.#get(["approvals", name(approval, "approval_id")], options);
  }

  questions(execution: string, options?: Abortable): Promise<api.Questions> {
    return this.#get(ofExecution(execution, "questions"), options);
  }

  presence(execution: string, options?: Abortable): Promise<api.Presence> {
    return this.#get(ofExecution(execution, "presence"), options);
  }

  session(session: string, options?: Abortable): Promise<api.Session> {
    return this.#get(ofSession(session), options);
  }

  /** The messages of a session, oldest first, 4 MiB at most: ask again `from` the answer's `next`. */
  messages(
    session: string,
    options: Abortable & { from?: string | number; include_compacted?: boolean } = {},
  ): Promise<api.Messages> {
    const { from, include_compacted } = options;
    return this.#get(ofSession(session, "messages"), options, { from, include_compacted });
  }

  /** A session's calls without an answer. */
  pending(session: string, options?: Abortable): Promise<api.PendingCalls> {
    return this.#get(ofSession(session, "pending"), options);
  }

  deadLetters(options: Abortable & { limit?: number } = {}): Promise<api.DeadLetters> {
    return this.#get(["dead-letters"], options, { limit: options.limit });
  }

  deadLetter(execution: string, options?: Abortable): Promise<api.DeadLetter> {
    return this.#get(["dead-letters", check.id(execution, "execution_id")], options);
  }

  workers(options?: Abortable): Promise<api.Workers> {
    return this.#get(["workers"], options);
  }

  stats(options?: Abortable): Promise<api.Stats> {
    return this.#get(["stats"], options);
  }

  #get<T>(path: readonly string[], { signal }: Abortable = {}, query: Call["query"] = {}): Promise<T> {
    return request(this.context, "GET", path, { signal, query });
  }

  #do<T>(path: readonly string[], body: object, { signal }: Abortable = {}): Promise<T> {
    check.ids(body);
    return request(this.context, "POST", path, { body, signal });
  }

  #onExecution<T>(execution: string, what: string, { signal, ...body }: Abortable): Promise<T> {
    return this.#do(ofExecution(execution, what), body, { signal });
  }

  #onSession<T>(session: string, what: string, { signal, ...body }: Abortable): Promise<T> {
    return this.#do(ofSession(session, what), body, { signal });
  }
}

const ofExecution = (id: string, ...rest: string[]) => ["executions", check.id(id, "execution_id"), ...rest];
const ofSession = (id: string, ...rest: string[]) => ["sessions", check.id(id, "session_id"), ...rest];

const withId = <T extends object>(field: string, body: T): T => ({ [field]: crypto.randomUUID(), ...defined<T>(body) });

/** A name that is made of several ids. */
const name = (value: string, path: string): string => check.id(value, path, NAME_BYTES);
