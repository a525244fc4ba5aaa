/** Does something with many, some at a time; one that fails stops no other. */
import { BULK_AT_ONCE } from "./limits";

export interface Outcome {
  done: number;
  failed: { id: string; error: unknown }[];
}

export async function each(ids: readonly string[], run: (id: string) => Promise<unknown>): Promise<Outcome> {
  const outcome: Outcome = { done: 0, failed: [] };
  const left = [...ids];
  const worker = async () => {
    for (let id = left.shift(); id !== undefined; id = left.shift()) {
      try {
        await run(id);
        outcome.done++;
      } catch (error) {
        outcome.failed.push({ id, error });
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(BULK_AT_ONCE, ids.length) }, worker));
  return outcome;
}
