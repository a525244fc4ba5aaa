/**
 * The conversation of an execution, from its events.
 *
 * Void text stays, and is marked; that is the difference to a snapshot. Nothing is taken back, so the same parts show every
 * position.
 */
import type { Event } from "@runbus/client";
import { BLOCKS } from "../lib/limits";
import type { Below, Block, CallBlock, CallState, MarkBlock, QuestionBlock, Tone, TurnBlock, Usage } from "./blocks";
import { content, isEvent, type Entry } from "./entry";
import { Piece } from "./piece";
import { data, list, message, number, text, texts, type Data } from "./read";

interface Pass {
  iteration: number | undefined;
  round: number | undefined;
  asked: number | undefined;
}

type Handler = (this: Story, entry: Entry, event: Event, read: Data) => void;

export class Story {
  blocks: Block[] = [];
  /** Parts that are not held any more. */
  omitted = 0;
  /** Positions that the scrubber marks. */
  readonly marks: { position: number; kind: "takeover" | "retry" | "gap" | "failed"; title: string }[] = [];
  #keys = 0;
  readonly #open = new Map<string, TurnBlock>();
  readonly #calls = new Map<string, CallBlock>();
  readonly #questions = new Map<string, QuestionBlock>();
  readonly #passes = new Map<string, Pass>();

  take(entry: Entry): void {
    const { item } = entry;
    if (!isEvent(item)) {
      if (item.type === "gap") {
        const why = item.reason === "expired" ? "retention removed them" : "the log is another one, or lost its end";
        this.#mark(entry, "gap", "warn", "Events are missing here", why, item);
        this.marks.push({ position: entry.position, kind: "gap", title: "events are missing" });
      } else {
        this.#mark(entry, "undecodable", "warn", "A line of the log is no event", item.reason, item);
      }
      return;
    }
    const handler = Object.hasOwn(HANDLERS, item.type) ? HANDLERS[item.type] : unknown;
    handler?.call(this, entry, item, data(item.data));
  }

  /** More text for the entry that was taken last. */
  extend(entry: Entry, event: Event): void {
    const read = data(event.data);
    if (event.type === "tool_call_delta") this.draft(entry, event, read);
    else this.write(entry, event, read, event.type as "llm_text_delta");
  }

  #add<T extends Block>(block: T): T {
    this.blocks.push(block);
    if (this.blocks.length > BLOCKS) {
      const gone = this.blocks.splice(0, BLOCKS / 4);
      this.omitted += gone.length;
      for (const one of gone) {
        if (one.kind === "call") this.#calls.delete(one.id);
        if (one.kind === "question") this.#questions.delete(one.id);
      }
    }
    return block;
  }

  #part(entry: Entry, node: string | undefined) {
    return { key: this.#keys++, born: entry.position, at: entry.at, node };
  }

  #mark(entry: Entry, mark: string, tone: Tone, title: string, detail?: string, value?: unknown): MarkBlock {
    const { item } = entry;
    const node = isEvent(item) ? item.node_id : undefined;
    return this.#add<MarkBlock>({ ...this.#part(entry, node), kind: "mark", mark, tone, title, detail, value });
  }

  mark(entry: Entry, mark: string, tone: Tone, title: string, detail?: string, value?: unknown): MarkBlock {
    return this.#mark(entry, mark, tone, title, detail || undefined, value);
  }

  pass(event: Event): Pass {
    const id = event.node_id ?? "";
    let pass = this.#passes.get(id);
    if (!pass) this.#passes.set(id, (pass = { iteration: undefined, round: undefined, asked: undefined }));
    return pass;
  }

  /** The open turn of the event's node; begins one when there is none. */
  turn(entry: Entry, event: Event): TurnBlock {
    const id = event.node_id ?? "";
    const open = this.#open.get(id);
    if (open && !(open.attempt !== undefined && event.attempt !== undefined && open.attempt < event.attempt)) return open;
    const pass = this.pass(event);
    const turn = this.#add<TurnBlock>({
      ...this.#part(entry, event.node_id),
      kind: "turn",
      attempt: event.attempt,
      round: pass.round,
      iteration: pass.iteration,
      asked: pass.asked ?? entry.at,
      text: new Piece(),
      output: new Piece(),
      reasoning: new Piece(),
      calls: [],
      seq: event.seq,
    });
    pass.asked = undefined;
    this.#open.set(id, turn);
    return turn;
  }

  write(entry: Entry, event: Event, read: Data, type: "llm_text_delta" | "llm_reasoning_delta" | "client_output_delta"): void {
    const more = content(event);
    if (more === undefined) return;
    const turn = this.turn(entry, event);
    const piece = type === "llm_reasoning_delta" ? turn.reasoning : type === "llm_text_delta" ? turn.text : turn.output;
    const whole = type === "llm_reasoning_delta" ? undefined : text(read["snapshot"]);
    if (whole === undefined) piece.push(entry.position, more);
    else piece.replace(entry.position, whole);
    turn.seq = event.seq;
  }

  /** The next piece of a call that the model writes. */
  draft(entry: Entry, event: Event, read: Data): void {
    const id = text(read["tool_use_id"]);
    const more = content(event);
    if (id === undefined || more === undefined) return;
    const turn = this.turn(entry, event);
    turn.seq = event.seq;
    const known = this.#calls.get(id);
    // A call that is whole is not written again.
    if (known && known.states.at(-1)?.value.state !== "writing") return;
    const call = known ?? this.call(entry, event, read, "writing");
    if (!call) return;
    if (!known) turn.calls.push(call);
    call.written.push(entry.position, more);
  }

  /** Calls that no tool has begun are void, and another try may use the same ids. */
  #voidCalls(turn: TurnBlock, position: number, why: "retry" | "takeover" | "unfinished"): void {
    for (const call of turn.calls) {
      const state = call.states.at(-1)?.value.state;
      // A whole call of a turn that counts is still to be run.
      if (call.void || (state !== "writing" && (state !== "requested" || why === "unfinished"))) continue;
      call.void = { position, value: why };
      if (this.#calls.get(call.id) === call) this.#calls.delete(call.id);
    }
  }

  closeTurn(entry: Entry, event: Event, more: { finish?: string; model?: string; usage?: Usage } = {}): void {
    const id = event.node_id ?? "";
    const turn = this.#open.get(id);
    if (!turn) return;
    turn.done = { position: entry.position, value: { at: entry.at, ...more } };
    this.#voidCalls(turn, entry.position, "unfinished");
    this.#open.delete(id);
  }

  /** The parts that count no more, and the reason. */
  void(entry: Entry, why: "retry" | "takeover", which: (turn: TurnBlock) => boolean, error?: unknown): number {
    let gone = 0;
    for (const [id, turn] of this.#open) {
      if (!which(turn)) continue;
      turn.void = { position: entry.position, value: { at: entry.at, why, error } };
      this.#voidCalls(turn, entry.position, why);
      this.#open.delete(id);
      gone++;
    }
    return gone;
  }

  /** The last turn of a node was complete, and does not count after all. */
  voidLast(entry: Entry, node: string | undefined, error: unknown): void {
    const turn = this.blocks.findLast((one): one is TurnBlock => one.kind === "turn" && one.node === node);
    if (!turn?.done || turn.void) return;
    turn.void = { position: entry.position, value: { at: entry.at, why: "retry", error } };
    this.#voidCalls(turn, entry.position, "retry");
  }

  call(entry: Entry, event: Event, read: Data, state: CallState): CallBlock | undefined {
    const id = text(read["tool_use_id"]);
    if (id === undefined) return undefined;
    let call = this.#calls.get(id);
    if (!call) {
      call = this.#add<CallBlock>({
        ...this.#part(entry, event.node_id),
        kind: "call",
        id,
        tool: text(read["tool_name"]) ?? "tool",
        states: [],
        written: new Piece(),
        arguments: [],
        progress: [],
      });
      this.#calls.set(id, call);
    }
    call.states.push({ position: entry.position, value: { state, at: entry.at } });
    return call;
  }

  known(read: Data): CallBlock | undefined {
    return this.#calls.get(text(read["tool_use_id"]) ?? "");
  }

  byApproval(read: Data): CallBlock | undefined {
    const known = this.known(read);
    if (known) return known;
    const id = read["approval_id"];
    return [...this.#calls.values()].find((one) => one.approval?.value.id === id);
  }

  ask(entry: Entry, event: Event, read: Data): void {
    const id = text(read["request_id"]) ?? "";
    const block = this.#add<QuestionBlock>({
      ...this.#part(entry, event.node_id),
      kind: "question",
      id,
      prompt: text(read["prompt"]) ?? "",
      choices: texts(read["choices"]),
      expires: text(read["expires_at"]),
      below: below(read),
    });
    this.#questions.set(id, block);
  }

  answer(entry: Entry, read: Data): void {
    const question = this.#questions.get(text(read["request_id"]) ?? "");
    if (!question || question.answered) return;
    question.answered = {
      position: entry.position,
      value: { input: read["input"], by: text(read["answered_by"]), at: entry.at },
    };
  }

  /** The execution is over: nothing is written any more. */
  end(entry: Entry): void {
    for (const turn of this.#open.values()) {
      turn.done = { position: entry.position, value: { at: entry.at } };
      this.#voidCalls(turn, entry.position, "unfinished");
    }
    this.#open.clear();
  }
}

function below(read: Data): Below | undefined {
  const one = data(read["below"]);
  const [execution_id, session_id] = [text(one["execution_id"]), text(one["session_id"])];
  const node_id = text(one["node_id"]);
  if (execution_id === undefined || session_id === undefined) return undefined;
  return node_id === undefined ? { execution_id, session_id } : { execution_id, session_id, node_id };
}

/** A model's arguments are text, and not always JSON. */
function parsed(value: unknown): unknown {
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

const write: Handler = function (entry, event, read) {
  this.write(entry, event, read, event.type as "llm_text_delta");
};

/** A type that says nothing about the conversation shows as one line. */
const unknown: Handler = function (entry, event) {
  this.mark(entry, "other", "plain", event.type, undefined, event.data);
};

const silent: Handler = () => {};

const subagent =
  (state: "completed" | "failed"): Handler =>
  function (entry, _event, read) {
    const session = text(read["session_id"]);
    const call = this.blocks.findLast((one): one is CallBlock => one.kind === "call" && one.child?.value.session === session);
    if (call?.child) {
      // Its outcome is the call's result, which follows.
      return;
    }
    this.mark(entry, "subagent", state === "failed" ? "bad" : "plain", `Sub-agent ${state}`, message(read["error"]), read);
  };

const HANDLERS: Record<string, Handler> = {
  execution_queued: function (entry, _event, read) {
    this.mark(entry, "queued", "plain", "Queued", text(read["definition"]));
  },
  execution_waiting: function (entry, _event, read) {
    this.mark(entry, "waiting", "warn", "Waits for a worker", text(read["waits_for"]), read);
  },
  execution_started: function (entry, _event, read) {
    this.mark(entry, "started", "plain", "Started", undefined, { input: read["input"] });
  },
  execution_completed: function (entry, _event, read) {
    this.end(entry);
    this.mark(entry, "completed", "good", "Completed", undefined, { output: read["output"] });
  },
  execution_failed: function (entry, _event, read) {
    this.end(entry);
    this.marks.push({ position: entry.position, kind: "failed", title: "failed" });
    this.mark(entry, "failed", "bad", "Failed", message(read["error"]), { error: read["error"] });
  },
  execution_cancelled: function (entry, _event, read) {
    this.end(entry);
    this.mark(entry, "cancelled", "warn", "Cancelled", text(read["reason"]));
  },
  execution_paused: function (entry, _event, read) {
    this.mark(entry, "paused", "warn", "Paused", text(read["reason"]));
  },
  execution_resumed: function (entry, _event, read) {
    this.mark(entry, "resumed", "plain", "Goes on", text(read["reason"]));
  },
  execution_cancel_requested: function (entry, _event, read) {
    const by = text(read["requested_by"]);
    this.mark(entry, "cancel", "warn", by ? `Cancel requested by ${by}` : "Cancel requested", text(read["reason"]));
  },
  attempt_superseded: function (entry, _event, read) {
    const from = number(read["void_from"]) ?? Infinity;
    const gone = this.void(entry, "takeover", (turn) => turn.seq >= from);
    const title = `Attempt ${number(read["attempt"]) ?? "?"} took over from attempt ${number(read["superseded_attempt"]) ?? "?"}`;
    this.marks.push({ position: entry.position, kind: "takeover", title });
    const lost = gone === 0 ? "" : ` · ${gone === 1 ? "one text is" : `${gone} texts are`} void`;
    this.mark(entry, "takeover", "warn", title, `${text(read["reason"]) ?? ""}${lost}`);
  },
  llm_text_delta: write,
  llm_reasoning_delta: write,
  client_output_delta: write,
  tool_call_delta: function (entry, event, read) {
    this.draft(entry, event, read);
  },
  llm_turn_completed: function (entry, event, read) {
    const turn = this.turn(entry, event);
    const whole = text(read["content"]);
    if (whole !== undefined) (turn.text.text === "" && turn.output.text !== "" ? turn.output : turn.text).replace(entry.position, whole);
    turn.seq = event.seq;
    const [finish, model] = [text(read["finish_reason"]), text(read["model"])];
    const usage = read["usage"] ? (data(read["usage"]) as Usage) : undefined;
    // Before the turn is closed: what it asks for is no unfinished draft.
    for (const one of list(read["tool_calls"]).map(data)) {
      const call = this.call(entry, event, one, "requested");
      call?.arguments.push({ position: entry.position, value: parsed(one["arguments"]) });
      if (call && !turn.calls.includes(call)) turn.calls.push(call);
    }
    this.closeTurn(entry, event, { ...(finish ? { finish } : {}), ...(model ? { model } : {}), ...(usage ? { usage } : {}) });
  },
  llm_retry: function (entry, event, read) {
    const { error } = read;
    const gone = this.void(entry, "retry", (turn) => turn.node === event.node_id, error);
    if (gone === 0 && text(data(error)["code"]) === "invalid_output") this.voidLast(entry, event.node_id, error);
    const next = number(read["next_try"]);
    this.marks.push({ position: entry.position, kind: "retry", title: "the model is asked again" });
    this.mark(entry, "retry", "warn", next ? `The model is asked again, try ${next}` : "The model is asked again", message(error), read);
    this.pass(event).asked = entry.at;
  },
  usage_updated: silent,
  context_compacted: function (entry, _event, read) {
    const [before, after] = [number(read["tokens_before"]), number(read["tokens_after"])];
    this.mark(entry, "compacted", "plain", "Older messages were folded into notes", `${before ?? "?"} → ${after ?? "?"} tokens`);
  },
  node_loop_started: function (entry, event, read) {
    this.closeTurn(entry, event);
    const pass = this.pass(event);
    pass.iteration = number(read["iteration"]);
    pass.round = undefined;
    pass.asked = entry.at;
  },
  node_loop_iteration: function (entry, event, read) {
    const pass = this.pass(event);
    pass.round = number(read["iteration"]);
    pass.asked = entry.at;
  },
  node_loop_completed: function (entry, event) {
    this.closeTurn(entry, event);
  },
  node_internal_output: silent,
  node_input_blocked: silent,
  node_stalled: function (entry, _event, read) {
    this.mark(entry, "stalled", "warn", "Stalled", text(read["reason"]));
  },
  tool_call_started: function (entry, event, read) {
    this.call(entry, event, read, "running")?.arguments.push({ position: entry.position, value: read["tool_input"] });
  },
  tool_call_progress: function (entry, _event, read) {
    const progress = number(read["progress"]);
    if (progress === undefined) return;
    const value = { progress, total: number(read["total"]), message: text(read["message"]) };
    this.known(read)?.progress.push({ position: entry.position, value });
  },
  tool_call_completed: function (entry, event, read) {
    const isError = read["is_error"] === true;
    const call = this.call(entry, event, read, isError ? "failed" : "completed");
    if (call) call.result = { position: entry.position, value: { value: read["result"], isError } };
  },
  tool_approval_requested: function (entry, event, read) {
    const call = this.call(entry, event, read, "awaiting approval");
    if (!call) return;
    if (read["tool_input"] !== undefined) call.arguments.push({ position: entry.position, value: read["tool_input"] });
    const value = {
      id: text(read["approval_id"]) ?? "",
      digest: text(read["arguments_digest"]),
      expires: text(read["expires_at"]),
      below: below(read),
    };
    call.approval = { position: entry.position, value };
  },
  tool_approval_decided: function (entry, _event, read) {
    const call = this.byApproval(read);
    if (!call) return;
    const approved = read["approved"] === true;
    const edited = read["arguments"] !== undefined;
    call.states.push({ position: entry.position, value: { state: approved ? "approved" : "rejected", at: entry.at } });
    call.decided = {
      position: entry.position,
      value: { approved, by: text(read["decided_by"]), note: text(read["note"]), edited },
    };
    if (edited) call.arguments.push({ position: entry.position, value: read["arguments"] });
  },
  tool_approval_expired: function (entry, _event, read) {
    this.byApproval(read)?.states.push({ position: entry.position, value: { state: "expired", at: entry.at } });
  },
  client_input_requested: function (entry, event, read) {
    this.ask(entry, event, read);
  },
  client_input_received: function (entry, _event, read) {
    this.answer(entry, read);
  },
  goal_progress: silent,
  goal_achieved: function (entry, _event, read) {
    this.mark(entry, "goal", "good", "Goal achieved", text(read["goal_id"]));
  },
  constraint_violation: function (entry, _event, read) {
    this.mark(entry, "constraint", "bad", `Constraint violated: ${text(read["constraint_id"]) ?? ""}`, text(read["description"]));
  },
  subagent_started: function (entry, _event, read) {
    const session = text(read["session_id"]) ?? "";
    const name = text(read["name"]) ?? "sub-agent";
    const call = this.known(read);
    if (call) {
      call.child = { position: entry.position, value: { session, name } };
      return;
    }
    const mark = this.mark(entry, "subagent", "plain", `Sub-agent ${name} begins`);
    mark.link = { path: ["sessions", session], label: "its session" };
  },
  subagent_completed: subagent("completed"),
  subagent_failed: subagent("failed"),
  session_closed: function (entry, _event, read) {
    this.mark(entry, "closed", "plain", "The session was closed", text(read["reason"]));
  },
};
