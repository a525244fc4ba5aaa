/** The one error type of the client. Codes are stable; messages are for people. */

/** Codes of the gateway (docs/errors.md), and of the client: `closed` after `close()`, `outcome_unknown` for a lost answer of a command without an id. */
export type ErrorCode =
  | "invalid_argument"
  | "too_large"
  | "not_found"
  | "conflict"
  | "session_pending"
  | "session_busy"
  | "session_closed"
  | "unauthenticated"
  | "forbidden"
  | "misdirected"
  | "rate_limited"
  | "limit_exceeded"
  | "unavailable"
  | "internal"
  | "closed"
  | "outcome_unknown"
  | (string & {});

export interface ErrorFacts {
  /** The field or parameter that is wrong. */
  path?: string | undefined;
  /** The conflicting state, as the gateway reports it. */
  details?: unknown;
  /** Status of the HTTP answer. */
  status?: number | undefined;
  /** Close code of the WebSocket or event stream. */
  closeCode?: number | undefined;
  cause?: unknown;
}

export class RunbusError extends Error {
  override readonly name = "RunbusError";
  readonly code: ErrorCode;
  readonly path?: string | undefined;
  readonly details?: unknown;
  readonly status?: number | undefined;
  readonly closeCode?: number | undefined;

  constructor(code: ErrorCode, message: string, facts: ErrorFacts = {}) {
    super(message, { cause: facts.cause });
    this.code = code;
    Object.assign(this, facts);
  }
}

/** By status or close code. */
const CODES: Record<number, ErrorCode> = {
  401: "unauthenticated",
  403: "forbidden",
  4401: "unauthenticated",
  4403: "forbidden",
  4408: "unauthenticated",
  4429: "limit_exceeded",
};

/** The error for the end of a connection. */
export function ofClose(code: number, reason: string): RunbusError {
  const known = CODES[code] ?? (code >= 4500 && code < 5000 ? "invalid_argument" : "unavailable");
  return new RunbusError(known, `the gateway closed the connection: ${code} ${reason}`.trimEnd(), { closeCode: code });
}

/** No gateway, or none any more. */
export const unavailable = (message: string, cause?: unknown) => new RunbusError("unavailable", message, { cause });

/** The error for an HTTP answer; `body` is its JSON, when it has any. */
export function ofAnswer(status: number, body: unknown): RunbusError {
  const { code, message, path, details } =
    (body as { error?: { code?: string; message?: string; path?: string; details?: unknown } } | undefined)?.error ?? {};
  const fallback = CODES[status] ?? (status < 500 ? "invalid_argument" : "unavailable");
  return new RunbusError(code ?? fallback, message ?? `the gateway answered ${status}`, { path, details, status });
}

/** Whether the same call may succeed later: a lost connection, 408, 429, 5xx, close codes 4000 to 4499 but 4401 and 4403. */
export function isRetryable(error: unknown): boolean {
  if (!(error instanceof RunbusError)) return false;
  const { status, closeCode, code } = error;
  if (status) return status >= 500 || status === 429 || status === 408;
  if (closeCode) return closeCode !== 4401 && closeCode !== 4403 && closeCode < 4500;
  return /^(unavailable|internal|rate_limited|limit_exceeded)$/.test(code);
}
