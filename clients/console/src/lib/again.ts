/** Runs something again: the input that an execution had, and a new execution with it. */
import { RunbusError } from "@runbus/client";
import { data, text } from "../execution/read";
import { session } from "./session.svelte";

export interface Before {
  definition: string;
  stream_id: string;
  input: unknown;
}

/** The request that started an execution. */
export async function before(execution: string): Promise<Before> {
  const [status, page] = await Promise.all([
    session.client.status(execution),
    session.client.history({ execution_id: execution, types: ["execution_started"] }, { order: "oldest", limit: 1 }),
  ]);
  const event = page.events[0];
  const read = event && "data" in event ? data(event.data) : undefined;
  const definition = text(read?.["definition"]) ?? status.definition ?? undefined;
  if (read === undefined || definition === undefined) {
    throw new RunbusError("not_found", `the input of ${execution} is not known: it has not begun, or retention removed its beginning`);
  }
  return { definition, stream_id: status.stream_id, input: read["input"] };
}

/** Starts a new execution like another one. */
export async function again(execution: string, id: string): Promise<string> {
  const { definition, stream_id, input } = await before(execution);
  const { execution_id } = await session.client.start({ definition, stream_id, input, execution_id: id });
  return execution_id;
}
