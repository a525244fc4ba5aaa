/** Every limit of the client, with its unit. */

/** Largest event, in bytes of its JSON; the gateway's own limit. */
export const EVENT_BYTES = 256 * 1024;

/** Events of one request to publish. */
export const PUBLISH_EVENTS = 1000;

/** Body of a request to publish, in bytes. */
export const PUBLISH_BYTES = 512 * 1024;

/** Longest id, in bytes of UTF-8. */
export const ID_BYTES = 128;

/** Longest name of an approval or a question, in bytes of UTF-8. */
export const NAME_BYTES = 4096;

/** The events that one subscription over a WebSocket holds for a slow consumer, in characters of JSON. Beyond it the subscription stops, and begins again behind them. */
export const BUFFER_CHARS = 1024 * 1024;

/** Largest frame of an event stream, in characters: an event, or a snapshot or monitor of the largest size. */
export const FRAME_CHARS = 16 * 1024 * 1024;

/** Time to reach a gateway and be admitted, in milliseconds. */
export const DIAL_MS = 10_000;

/** Time for a request's answer, in milliseconds, beside the time that a long poll asks for. */
export const REQUEST_MS = 45_000;

/** Silence on a connection before it is probed, in milliseconds. */
export const HEARTBEAT_MS = 25_000;

/** Time that a WebSocket without subscriptions stays open, in milliseconds. */
export const IDLE_SOCKET_MS = 1_000;

/** Least and longest wait before a further try, in milliseconds. */
export const BACKOFF_MIN_MS = 250;
export const BACKOFF_MAX_MS = 15_000;

/** Time between two reads of who watches, where the transport does not tell it, in milliseconds. */
export const PRESENCE_POLL_MS = 2_000;

/** Bounds of a snapshot; the gateway has the same. A turn's text, in bytes: its end. */
export const SNAPSHOT_TURN_BYTES = 64 * 1024;

/** Texts of all turns of a snapshot, in bytes. */
export const SNAPSHOT_TEXT_BYTES = 256 * 1024;

export const SNAPSHOT_TURNS = 256;
export const SNAPSHOT_NODES = 256;
export const SNAPSHOT_CALLS = 128;
/** Calls that a model is writing, in one turn. */
export const SNAPSHOT_DRAFTS = 4;

/** Approvals, and questions, of a snapshot. */
export const SNAPSHOT_WAITING = 128;

/** Choices of a question. */
export const SNAPSHOT_CHOICES = 32;

/** Arguments, or result, of a call, and a node's output, in bytes of JSON. */
export const SNAPSHOT_VALUE_BYTES = 4 * 1024;

/** The execution's output, or error, in bytes of JSON. */
export const SNAPSHOT_RESULT_BYTES = 64 * 1024;

/** Names, digests and choices, in bytes. */
export const SNAPSHOT_NAME_BYTES = 256;
