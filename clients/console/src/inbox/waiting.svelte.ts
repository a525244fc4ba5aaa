/** Approvals and questions of all executions: the inbox, and its count in the title of each page. */
import { toasts } from "../lib/toasts.svelte";
import { session } from "../lib/session.svelte";
import { LiveList } from "../lists/live.svelte";
import type { ApprovalEntry, QuestionEntry } from "../lists/types";
import type { Gone } from "../lists/window";

export type Waiting = { kind: "approval"; id: string; entry: ApprovalEntry } | { kind: "question"; id: string; entry: QuestionEntry };

/** Entries of each list that are watched. */
const WATCHED = 500;

class Inbox {
  #approvals = $state.raw<LiveList<"approvals"> | undefined>(undefined);
  #questions = $state.raw<LiveList<"questions"> | undefined>(undefined);
  /** Those that this page decided itself: it needs no word about them. */
  readonly own = new Set<string>();
  #told = new Set<string>();
  /** Items that others decided while they were shown, newest first. */
  settled = $state.raw<readonly { id: string; text: string; at: number }[]>([]);

  begin(): () => void {
    const approvals = new LiveList("approvals", { status: "pending", order: "oldest" }, { limit: WATCHED, left: (gone) => this.#left(gone, approvalWords) });
    const questions = new LiveList("questions", { status: "pending", order: "oldest" }, { limit: WATCHED, left: (gone) => this.#left(gone, questionWords) });
    this.#approvals = approvals;
    this.#questions = questions;
    return () => {
      approvals.close();
      questions.close();
      this.#approvals = this.#questions = undefined;
    };
  }

  get phase(): string {
    return this.#approvals?.phase ?? "loading";
  }

  get error(): unknown {
    return this.#approvals?.error ?? this.#questions?.error;
  }

  get count(): number {
    const [a, q] = [this.#approvals, this.#questions];
    return Math.max(a?.counts["pending"] ?? 0, a?.entries.length ?? 0) + Math.max(q?.counts["pending"] ?? 0, q?.entries.length ?? 0);
  }

  /** Those that end soonest first, then the oldest. */
  get waiting(): Waiting[] {
    const all: Waiting[] = [
      ...(this.#approvals?.entries ?? []).map((entry) => ({ kind: "approval" as const, id: entry.approval_id, entry })),
      ...(this.#questions?.entries ?? []).map((entry) => ({ kind: "question" as const, id: entry.request_id, entry })),
    ];
    return all.sort(soonest);
  }

  #left<T>(gone: Gone<T>[], words: (one: Gone<T>) => string): void {
    for (const one of gone) {
      if (this.own.delete(one.id)) continue;
      const text = words(one);
      this.settled = [{ id: one.id, text, at: Date.now() }, ...this.settled].slice(0, 50);
      if (gone.length <= 3) toasts.say(text);
    }
  }

  /** A word of the browser about what is new, when people allowed it and look elsewhere. */
  notify(): void {
    for (const { id, kind, entry } of this.waiting) {
      if (this.#told.has(id)) continue;
      this.#told.add(id);
      if (!this.#begun || document.visibilityState === "visible" || !("Notification" in window) || Notification.permission !== "granted") continue;
      const title = kind === "approval" ? `Approval: ${entry.tool_name}` : "A question waits";
      const body = kind === "question" ? entry.prompt.slice(0, 120) : (entry.definition ?? entry.stream_id);
      const word = new Notification(title, { body, tag: id.slice(0, 200) });
      word.onclick = () => window.focus();
    }
    this.#begun = this.phase === "live";
  }
  #begun = false;
}

/** Soonest to expire first; of those that never do, the oldest first. */
export function soonest(a: Waiting, b: Waiting): number {
  const [x, y] = [a.entry.expires_at ?? "~", b.entry.expires_at ?? "~"];
  if (x !== y) return x < y ? -1 : 1;
  if (a.entry.requested_at !== b.entry.requested_at) return a.entry.requested_at < b.entry.requested_at ? -1 : 1;
  return a.id < b.id ? -1 : 1;
}

const by = (who: string | undefined): string => (who && who !== "everyone" ? ` by ${who}` : "");

export function approvalWords({ before, now }: Gone<ApprovalEntry>): string {
  const name = before.tool_name;
  switch (now?.status) {
    case "approved":
      return `${name} was approved${by(now.decided_by)}`;
    case "rejected":
      return `${name} was rejected${by(now.decided_by)}${now.note ? `: “${now.note.slice(0, 80)}”` : ""}`;
    case "expired":
      return `The approval of ${name} has expired`;
    default:
      return `${name} waits no longer`;
  }
}

export function questionWords({ before, now }: Gone<QuestionEntry>): string {
  const name = `“${before.prompt.slice(0, 60)}”`;
  if (now?.status === "answered") return `${name} was answered${by(now.answered_by)}`;
  return now?.status === "expired" ? `${name} has expired` : `${name} waits no longer`;
}

export const inbox = new Inbox();

/** Whether somebody may be asked for notifications. */
export const mayAsk = (): boolean => "Notification" in window && Notification.permission === "default" && session.ready;
