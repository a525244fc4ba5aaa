/** Every limit of the console, with its unit. */

/** Entries of one execution that a page holds; the oldest go beyond it. Consecutive deltas of one message share an entry. */
export const ENTRIES = 20_000;

/** Characters of JSON of the entries that a page holds. */
export const ENTRY_CHARS = 48 * 1024 * 1024;

/** Entries between two states that are kept for stepping back. */
export const CHECKPOINT_EVERY = 64;

/** Time within which deltas of one message share an entry, in milliseconds of the log's time. */
export const MERGE_MS = 50;

/** Characters of deltas in one entry. */
export const MERGE_CHARS = 8 * 1024;

/** Things that the conversation of one execution shows; the oldest go beyond it. */
export const BLOCKS = 4_000;

/** Parts of the conversation that are drawn at once behind a jump, and at each frame behind it. */
export const DRAWN_AT_ONCE = 40;

/** Parts of the conversation that are drawn; earlier ones follow when somebody scrolls there. */
export const DRAWN = 300;

/** Positions between two that are drawn one behind the other which make a jump. */
export const JUMP = 20;

/** Least time between two drawings of what streams in, in milliseconds. */
export const FRAME_MS = 60;

/** Characters of a value that are shown before it is unfolded. */
export const VALUE_CHARS = 2_000;

/** Characters of a value that are shown at all; the rest is downloaded. */
export const VALUE_SHOWN_CHARS = 200_000;

/** Characters of one text of a model that are shown with Markdown; longer ones are shown as they are. */
export const MARKDOWN_CHARS = 200_000;

/** Idle time that the time line folds, in milliseconds. */
export const IDLE_MS = 5_000;

/** Spans that the time line draws. */
export const SPANS = 3_000;

/** Rows of a live list that are asked for at once. */
export const PAGE = 100;

/** Rows of a list that a page holds. */
export const ROWS = 100_000;

/** Time between two questions whether a gateway is there again, in milliseconds. */
export const PROBE_MS = 1_000;

/** Decisions, cancels or retries that are under way at the same time. */
export const BULK_AT_ONCE = 4;

/** Nodes of a graph that are laid out. */
export const GRAPH_NODES = 256;

/** Seconds of the charts of the system view. */
export const CHART_S = 300;

/** Characters of JSON of the events of an exported file. */
export const EXPORT_CHARS = 32 * 1024 * 1024;
