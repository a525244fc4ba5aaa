/** How an action is done from a terminal: with the CLI, and with `curl`. */

export interface Shown {
  cli: string;
  curl: string;
}

/** A word of a POSIX shell. */
export const quote = (text: string): string =>
  /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;

const gateway = (): string => window.location.origin;

/** Whether a gateway asks who calls: then the command takes the key from the environment. */
export interface Surroundings {
  auth: boolean;
}

function curl(path: readonly string[], body: unknown, { auth }: Surroundings): string {
  const url = `${gateway()}/v1/${path.map(encodeURIComponent).join("/")}`;
  const key = auth ? ` -H "authorization: Bearer $RUNBUS_TOKEN"` : "";
  return `curl -X POST ${quote(url)}${key} \\\n  -H 'content-type: application/json' -d ${quote(JSON.stringify(body))}`;
}

const cli = (words: readonly (string | undefined)[]): string =>
  `runbus --gateway ${quote(gateway())} ${words.filter((one) => one !== undefined).map((one) => quote(one as string)).join(" ")}`;

const option = (name: string, value: string | undefined): string[] => (value ? [name, value] : []);

export const start = (body: { definition: string; input: unknown; session_id?: string | undefined; stream_id?: string | undefined; labels?: Record<string, string> }, more: Surroundings): Shown => ({
  cli: cli([
    "start",
    body.definition,
    "--input",
    JSON.stringify(body.input),
    ...option("--session", body.session_id),
    ...option("--stream", body.stream_id),
    ...Object.entries(body.labels ?? {}).flatMap(([name, value]) => ["--label", `${name}=${value}`]),
  ]),
  curl: curl(["executions"], body, more),
});

export const send = (session: string, input: unknown, more: Surroundings): Shown => ({
  cli: cli(["session", "send", session, "--input", JSON.stringify(input)]),
  curl: curl(["sessions", session, "messages"], { input }, more),
});

export const onExecution = (execution: string, what: "cancel" | "pause" | "resume", reason: string, more: Surroundings): Shown => ({
  cli: cli([what === "resume" ? "unpause" : what, execution, ...(what === "resume" ? [] : option("--reason", reason))]),
  curl: curl(["executions", execution, what], reason && what !== "resume" ? { reason } : {}, more),
});

export const decide = (
  approval: string,
  body: { approved: boolean; note?: string; arguments?: unknown; arguments_digest?: string },
  more: Surroundings,
): Shown => ({
  cli: cli([
    "approvals",
    body.approved ? "approve" : "reject",
    approval,
    ...option("--digest", body.arguments_digest),
    ...(body.arguments === undefined ? [] : ["--arguments", JSON.stringify(body.arguments)]),
    ...option("--note", body.note),
  ]),
  curl: curl(["approvals", approval, "decision"], body, more),
});

export const answer = (question: string, input: unknown, more: Surroundings): Shown => ({
  cli: cli(["answer", question, JSON.stringify(input)]),
  curl: curl(["questions", question, "answer"], { input }, more),
});

/** Calls that nobody knows the end of: run again, or given up. */
export const settle = (session: string, what: "resume" | "abort_pending", reason: string, more: Surroundings): Shown => ({
  cli: cli(["session", what === "resume" ? "resume" : "abort-pending", session, ...(what === "resume" ? [] : option("--reason", reason))]),
  curl: curl(["sessions", session, what], what === "resume" || !reason ? {} : { reason }, more),
});

/** Commands that are shown of one action on many. */
const SHOWN = 20;

/** An action on many: a line each. */
export function many(all: readonly Shown[]): Shown {
  const shown = all.slice(0, SHOWN);
  const rest = all.length > SHOWN ? [`# and ${all.length - SHOWN} more`] : [];
  return { cli: [...shown.map(({ cli }) => cli), ...rest].join("\n"), curl: [...shown.map(({ curl }) => curl), ...rest].join("\n") };
}

export const retry = (execution: string, more: Surroundings): Shown => ({
  cli: cli(["dead-letters", "retry", execution]),
  curl: curl(["dead-letters", execution, "retry"], {}, more),
});
