/** The client of the console: that of `@runbus/client`, and what it has no name for yet: plain requests, and live lists. */
import { Client } from "@runbus/client";
import type { ListChanges, ListSnapshot } from "../lists/types";
import { follow, type Request } from "../../../typescript/src/follow.js";
import { request, type Call } from "../../../typescript/src/rest.js";

export class ConsoleClient extends Client {
  get<T>(path: readonly string[], query: Call["query"] = {}, signal?: AbortSignal): Promise<T> {
    return request<T>(this.context, "GET", path, { query, signal });
  }

  post<T>(path: readonly string[], body: object, signal?: AbortSignal): Promise<T> {
    return request<T>(this.context, "POST", path, { body, signal });
  }

  /** One page of a list. */
  async page<T>(
    list: string,
    query: Record<string, string | number | readonly string[] | undefined>,
    signal?: AbortSignal,
  ): Promise<{ entries: T[]; next: string | undefined; counts: Record<string, number> | undefined; complete: boolean | undefined }> {
    const given = Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined && value !== ""));
    const answer = await this.get<Record<string, unknown>>([list], given as Call["query"], signal);
    return {
      entries: (answer[list] as T[] | undefined) ?? [],
      next: answer["next"] as string | undefined,
      counts: answer["counts"] as Record<string, number> | undefined,
      complete: answer["complete"] as boolean | undefined,
    };
  }

  /** The messages of a live list, over connections that come back: each begins with a snapshot. */
  async *list<T>(
    list: string,
    query: Record<string, unknown>,
    signal?: AbortSignal,
  ): AsyncGenerator<ListSnapshot<T> | ListChanges<T>, void> {
    const scope = this.context.scope(signal);
    const flat = Object.fromEntries(Object.entries(query).map(([name, value]) => [name, value as string | number]));
    const ask: Request = {
      socket: () => ({ type: "list", list, query }),
      stream: () => ({ path: ["live", list], query: flat }),
    };
    try {
      for await (const message of follow(this.context, this.link, ask, { since: "new" }, scope.signal)) {
        const { type } = message as { type: string };
        if (type === "list_snapshot" || type === "list_changes") yield message as never;
      }
    } finally {
      scope.abort();
    }
  }
}
